"""Files that others can read."""

from pathlib import Path

import pytest

from asmx_tickets.hosting.file_permissions import exposed_files
from asmx_tickets.settings.model import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """With a database, both audit logs and a key, all private."""
    folder = tmp_path / "App_Data"
    folder.mkdir()
    for name in ("users.db", "users.db-wal", "audit.jsonl", "audit-refused.jsonl", "audit.jsonl.1", "tls.key"):
        (folder / name).touch(0o640)
    file = tmp_path / "appsettings.json"
    file.write_text('{"Certificate": {"Path": "App_Data/tls.pem", "KeyPath": "App_Data/tls.key"}}')
    return load_settings(file, environ={})


def test_what_others_have_no_access_to_is_not_told(settings: Settings) -> None:
    """A group's access is an operator's business, and so is what is not there."""
    assert list(exposed_files(settings)) == []


@pytest.mark.parametrize(
    "name", ["users.db", "users.db-wal", "audit.jsonl", "audit-refused.jsonl", "audit.jsonl.1", "tls.key"]
)
@pytest.mark.parametrize(("mode", "can"), [(0o644, "read"), (0o646, "changed"), (0o602, "changed")])
def test_what_everybody_can_use_is_named_with_the_cure(
    settings: Settings, tmp_path: Path, name: str, mode: int, can: str
) -> None:
    file = tmp_path / "App_Data" / name
    file.chmod(mode)
    assert list(exposed_files(settings)) == [f"{file} can be {can} by everybody on this machine: chmod o-rwx {file}"]


@pytest.mark.parametrize(("mode", "told"), [(0o755, False), (0o757, True), (0o1777, False)])
def test_a_folder_in_which_everybody_can_replace_files_is_named(
    settings: Settings, tmp_path: Path, mode: int, told: bool
) -> None:
    """Once, though it has more than one file of ours."""
    folder = tmp_path / "App_Data"
    folder.chmod(mode)
    said = f"{folder} can be changed by everybody on this machine: chmod o-rwx {folder}"
    assert list(exposed_files(settings)) == [said] * told


def test_stores_that_are_no_files_are_nobodys_business() -> None:
    environ = {"ConnectionStrings__Users": "postgresql://u:p@h/d", "Audit__To": "stdout"}
    assert list(exposed_files(load_settings(None, environ=environ))) == []
    assert list(exposed_files(load_settings(None, environ={"ConnectionStrings__Users": "sqlite://"}))) == []
