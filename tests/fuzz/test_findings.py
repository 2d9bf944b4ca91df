"""Findings that a kept input alone cannot guard against: wrong values, time, and memory."""

import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from asmx_tickets.errors import SettingsError
from asmx_tickets.service import LIMITS
from asmx_tickets.settings.layers import plain_json
from asmx_tickets.settings.model import load_settings
from spyne_asmx.xml import XmlError, read

SECRET = "0123456789abcdefghijklmnop"
NEW = "qrstuvwxyz0123456789abcdef"


def loaded(folder: Path, content: Any, **environ: str) -> Any:
    """The settings from a file and the environment."""
    file = folder / "appsettings.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    file.chmod(0o600)
    return load_settings(file, environ=environ)


def complaint(folder: Path, content: Any, **environ: str) -> str:
    with pytest.raises(SettingsError) as refused:
        loaded(folder, content, **environ)
    return str(refused.value)


@pytest.mark.parametrize(
    ("in_file", "environ", "counting"),
    [
        ([SECRET, SECRET[::-1]], {"TrustedUserPwd": NEW}, [NEW]),
        ([SECRET, SECRET[::-1]], {"TrustedUserPwd": ""}, []),
        (SECRET, {"TrustedUserPwd__0": NEW}, [NEW]),
        (SECRET, {"TrustedUserPwd__0": NEW, "TrustedUserPwd__1": SECRET}, [NEW, SECRET]),
        ([SECRET, SECRET[::-1]], {"TrustedUserPwd__0": NEW}, [NEW, SECRET[::-1]]),
        ([], {"TrustedUserPwd": NEW}, [NEW]),
    ],
)
def test_a_secret_of_a_later_layer_replaces_a_list_of_secrets(
    tmp_path: Path, in_file: Any, environ: dict[str, str], counting: list[str]
) -> None:
    """CONTRACT 3: later layers win. A secret that was replaced or switched off must not stay valid."""
    settings = loaded(tmp_path, {"TrustedUserPwd": in_file}, **environ)
    assert [secret.get_secret_value() for secret in settings.trusted_user_pwd] == counting


def test_a_value_and_a_list_in_one_layer_are_the_same_key_twice(tmp_path: Path) -> None:
    """It is refused: neither may win silently."""
    file = f'{{"TrustedUserPwd": "{SECRET}", "TrustedUserPwd:0": "{NEW}"}}'
    assert complaint(tmp_path, file).startswith("TrustedUserPwd is given twice (")
    assert complaint(tmp_path, {}, TrustedUserPwd=SECRET, TrustedUserPwd__0=NEW).startswith(
        "TrustedUserPwd is given twice"
    )


@pytest.mark.parametrize(
    ("file", "key"),
    [('{"": {"SysadminAccountName": "x"}}', ":SysadminAccountName"), ('{"": {}}', "''"), ('{"": 1}', "''")],
)
def test_a_key_without_a_name_is_unknown(tmp_path: Path, file: str, key: str) -> None:
    """Its members are not taken for its siblings."""
    assert complaint(tmp_path, file).startswith(f"{key} is not a known key")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("TrustedUserPwd", SECRET + "\ud800"),
        ("TrustedUserPwd", SECRET + "\0"),
        ("ConnectionStrings:Tickets", "redis://\ud800"),
        ("ConnectionStrings:Users", "sqlite:///\0"),
    ],
)
def test_text_that_is_not_utf_8_or_has_a_nul_is_refused(tmp_path: Path, key: str, value: str) -> None:
    """JSON can have half a surrogate pair, and an environment variable one for each byte that is not UTF-8."""
    expected = f"{key} must be text in UTF-8, without NUL ("
    assert complaint(tmp_path, {key: value}).startswith(expected)
    assert complaint(tmp_path, {}, **{key.replace(":", "__"): value}).startswith(expected)


def test_a_variables_name_does_not_break_the_line(tmp_path: Path) -> None:
    """It does not control a terminal either."""
    line = complaint(tmp_path, {}, **{"Logging__LogLevel__a\r\n\x1b[2J": "b"})
    assert line.endswith(r"(environment variable Logging__LogLevel__a\r\n\x1b[2J)")


@pytest.mark.parametrize("levels", [100, 900, 990, 1000, 2000, 5000, 20_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_file_of_any_depth_is_refused_in_one_line(tmp_path: Path, levels: int, opening: str, closing: str) -> None:
    """CPython 3.13 reads JSON deeper than it can follow it."""
    line = complaint(tmp_path, '{"Urls":' + opening * levels + "1" + closing * levels + "}")
    assert "nested too deeply" in line or "is not a known key" in line


@pytest.mark.parametrize("piece", ['"\\', "/* ", '"', "//", "/*/", ",", ", ", "[,", '"\\"', "*/"])
def test_comments_are_found_in_linear_time(piece: str) -> None:
    """200,000 characters that look like beginnings of strings or comments. In quadratic time they take minutes."""
    text = piece * (200_000 // len(piece))
    begun = time.thread_time()
    assert len(plain_json(text)) == len(text)
    assert time.thread_time() - begun < 2


@pytest.mark.parametrize(
    ("version", "is_read"), [("1.0", True), ("1.1", True), ("2.0", False), ("1.", False), ("", False)]
)
def test_only_documents_of_xml_1_are_read(version: str, is_read: bool) -> None:
    """XML 1.0 production 26. expat itself takes any version."""
    document = f'<?xml version="{version}"?><a/>'.encode()
    if is_read:
        assert read(document).name == "a"
    else:
        with pytest.raises(XmlError):
            read(document)


@pytest.mark.parametrize("length", [520, 4000, 20_000, 40_000, 60_000])
def test_long_namespaces_do_not_multiply(length: int) -> None:
    """expat spells out the namespace in each name, so that 64 KiB could take 230 MB."""
    namespace = "u" * length
    names = [f"p:a{number}=''" for number in range((64_000 - length) // 12)]
    one_tag = f"<a xmlns:p='{namespace}' {' '.join(names)}/>"
    many_tags = "".join(f"<b {' '.join(names[start : start + 31])}/>" for start in range(0, len(names), 31))
    for document in (one_tag, f"<a xmlns:p='{namespace}'>{many_tags}</a>"):
        assert len(document) < 65_536
        tracemalloc.start()
        try:
            with pytest.raises(XmlError):
                read(document.encode(), limits=LIMITS)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 4_000_000
