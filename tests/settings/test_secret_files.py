"""Secrets in files of their own (SECURITY C1)."""

from pathlib import Path

import pytest

from asmx_tickets.errors import SettingsError
from asmx_tickets.settings.model import load_settings

SECRET = "0123456789abcdef-canary"
OTHER = "fedcba9876543210-canary"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(name: str, text: str) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
    return file


def trusted(**environ: str) -> list[str]:
    return [secret.get_secret_value() for secret in load_settings(environ=environ).trusted_user_pwd]


@pytest.mark.parametrize("text", [SECRET, f"{SECRET}\n", f"{SECRET}\r\n", f"\ufeff{SECRET}\n"])
def test_a_secret_is_the_one_line_of_a_file(text: str) -> None:
    written("secrets/trusted", text)
    assert trusted(TrustedUserPwd__File="secrets/trusted") == [SECRET]
    assert trusted(TRUSTEDUSERPWD__FILE=str(Path("secrets/trusted").absolute())) == [SECRET]


def test_each_secret_and_each_layer_can_name_a_file() -> None:
    """Items of a list, connection strings, the settings file: a later layer's value wins, file or not."""
    written("a", SECRET)
    written("b", OTHER)
    written("url", "redis://:pw@h/0")
    written("appsettings.json", '{"TrustedUserPwd": {"File": "a"}, "ConnectionStrings": {"Tickets": {"File": "url"}}}')
    assert trusted() == [SECRET]
    assert trusted(TrustedUserPwd=OTHER) == [OTHER]
    assert trusted(TrustedUserPwd__0__File="a", TrustedUserPwd__1__File="b") == [SECRET, OTHER]
    settings = load_settings(environ={})
    assert settings.connection_strings.tickets.get_secret_value() == "redis://:pw@h/0"
    assert settings.sources["TrustedUserPwd"] == "appsettings.json"


def test_a_name_of_no_file_counts_as_none() -> None:
    """A compose file passes an empty variable where nothing is set."""
    assert trusted(TrustedUserPwd__File="", TrustedUserPwd=SECRET) == [SECRET]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"TrustedUserPwd__File": "none"},
            "none can't be read: No such file or directory (environment variable TrustedUserPwd__File)",
        ),
        ({"TrustedUserPwd__File": "."}, "can't be read: Is a directory"),
        ({"TrustedUserPwd__File": "two"}, "two must hold one line (environment variable TrustedUserPwd__File)"),
        ({"TrustedUserPwd__File": "bad"}, "bad can't be read: it is not UTF-8"),
        ({"TrustedUserPwd__File": "one", "TrustedUserPwd": SECRET}, "TrustedUserPwd is given twice"),
        ({"TrustedUserPwd__File": "short"}, "TrustedUserPwd must be empty (off) or at least 22 random characters"),
        ({"CREDENTIALS_DIRECTORY": "none"}, "CREDENTIALS_DIRECTORY can't be read: No such file or directory"),
        ({"PathBase__File": "one"}, "PathBase must be a single value"),
    ],
)
def test_what_is_wrong_is_one_line_without_the_secret(environ: dict[str, str], message: str) -> None:
    written("one", SECRET)
    written("two", f"{SECRET}\n{OTHER}\n")
    written("short", "canary")
    Path("bad").write_bytes(b"\xff")
    with pytest.raises(SettingsError) as error:
        load_settings(environ=environ)
    assert message in str(error.value)
    assert "canary" not in str(error.value)
    assert "\n" not in str(error.value)


def test_systemds_credentials_are_named_as_variables_are() -> None:
    """Other files there are other programs', or read by their path. Variables win."""
    written("credentials/TrustedUserPwd", f"{SECRET}\n")
    written("credentials/ConnectionStrings__Users", "postgresql://u:pw@h/d")
    written("credentials/tls.key", "-----BEGIN\nPRIVATE KEY-----\n")
    settings = load_settings(environ={"CREDENTIALS_DIRECTORY": "credentials"})
    assert [secret.get_secret_value() for secret in settings.trusted_user_pwd] == [SECRET]
    assert settings.connection_strings.users.get_secret_value() == "postgresql+psycopg://u:pw@h/d"
    assert settings.sources["TrustedUserPwd"] == "credential"
    assert trusted(CREDENTIALS_DIRECTORY="credentials", TrustedUserPwd=OTHER) == [OTHER]


def test_a_secret_file_that_everybody_can_read_is_worth_a_warning(folder: Path) -> None:
    written("open", SECRET).chmod(0o644)
    (warning,) = load_settings(environ={"TrustedUserPwd__File": "open"}).warnings
    assert warning == f"TrustedUserPwd is a secret and {folder}/open can be read by everybody: chmod o-r {folder}/open"
