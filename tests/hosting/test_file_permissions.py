"""Files that other users of the machine can read or change."""

from pathlib import Path

import pytest

from asmx_tickets.hosting.file_permissions import exposed_files
from asmx_tickets.settings.model import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a database, both audit logs and a key, all private."""
    folder = tmp_path / "App_Data"
    folder.mkdir()
    for name in ("users.db", "users.db-wal", "audit.jsonl", "audit-refused.jsonl", "audit.jsonl.1", "tls.key"):
        (folder / name).touch(0o640)
    file = tmp_path / "appsettings.json"
    file.write_text('{"Certificate": {"Path": "App_Data/tls.pem", "KeyPath": "App_Data/tls.key"}}')
    return load_settings(file, environ={})


def test_private_files_are_not_named(settings: Settings) -> None:
    """Nor are files that only a group can read, or that do not exist."""
    assert list(exposed_files(settings)) == []


@pytest.mark.parametrize(
    "name", ["users.db", "users.db-wal", "audit.jsonl", "audit-refused.jsonl", "audit.jsonl.1", "tls.key"]
)
@pytest.mark.parametrize(("mode", "can"), [(0o644, "read"), (0o646, "changed"), (0o602, "changed")])
def test_a_file_that_everybody_can_use_is_named_with_the_remedy(
    settings: Settings, tmp_path: Path, name: str, mode: int, can: str
) -> None:
    file = tmp_path / "App_Data" / name
    file.chmod(mode)
    assert list(exposed_files(settings)) == [f"{file} can be {can} by everybody on this machine: chmod o-rwx {file}"]


@pytest.mark.parametrize(("mode", "told"), [(0o755, False), (0o757, True), (0o1777, False)])
def test_a_folder_in_which_everybody_can_replace_files_is_named(
    settings: Settings, tmp_path: Path, mode: int, told: bool
) -> None:
    """Once, though more than one of our files is in it."""
    folder = tmp_path / "App_Data"
    folder.chmod(mode)
    said = f"{folder} can be changed by everybody on this machine: chmod o-rwx {folder}"
    assert list(exposed_files(settings)) == [said] * told


def test_stores_that_are_not_files_are_not_looked_at() -> None:
    environ = {"ConnectionStrings__Users": "postgresql://u:p@h/d", "Audit__To": "stdout"}
    assert list(exposed_files(load_settings(None, environ=environ))) == []
    assert list(exposed_files(load_settings(None, environ={"ConnectionStrings__Users": "sqlite://"}))) == []
