"""Settings that were read again: what counts at once, and what waits for a restart."""

import re
from pathlib import Path

from asmx_tickets.settings.changes import change_of
from asmx_tickets.settings.layers import keys_of
from asmx_tickets.settings.model import AtStart, Settings, load_settings

SECRET = "0123456789abcdef-canary"
DOCS = Path(__file__).parent.parent.parent / "docs" / "settings.md"


def test_what_can_change_does_and_what_can_not_is_named() -> None:
    current = load_settings(environ={"Urls": "http://127.0.0.1:1"})
    wanted = load_settings(
        environ={
            "Urls": "http://127.0.0.1:2",
            "Tickets__MaxTotal": "7",
            "TrustedUserPwd": SECRET,
            "Logging__LogLevel__Default": "Debug",
        }
    )
    change = change_of(current, wanted)
    assert change.changed == ("TrustedUserPwd", "Logging:LogLevel:Default")
    assert change.kept == ("Urls", "Tickets:MaxTotal")
    assert change.settings.urls == current.urls
    assert change.settings.tickets == current.tickets
    assert change.settings.trusted_user_pwd == wanted.trusted_user_pwd
    assert str(change) == (
        "changed: TrustedUserPwd, Logging:LogLevel:Default; only a restart changes Urls, Tickets:MaxTotal"
    )
    assert SECRET not in repr(change)


def test_one_secret_for_another_is_a_change() -> None:
    """They look the same wherever they are shown."""
    first, second = (load_settings(environ={"TrustedUserPwd": f"{SECRET}{n}"}) for n in range(2))
    assert change_of(first, second).changed == ("TrustedUserPwd",)


def test_nothing_is_no_change() -> None:
    assert str(change_of(Settings(), Settings())) == "nothing has changed"


def test_the_docs_name_what_only_a_restart_changes() -> None:
    fields = Settings.model_fields.values()
    at_start = {field.alias for field in fields if any(isinstance(mark, AtStart) for mark in field.metadata)}
    (sentence,) = re.findall(r"Only a restart changes ([^.]*)\.", DOCS.read_text().replace("\n", " "))
    assert set(re.findall(r"`(\w+)(?::\*)?`", sentence)) == at_start
    assert at_start <= {key.path for key in keys_of(Settings)}
