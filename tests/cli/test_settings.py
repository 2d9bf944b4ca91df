"""`asmx-tickets settings`."""

import json
from pathlib import Path

from tests.support.command_line import Run

SECRET = "0123456789abcdef-canary"


def test_settings_are_shown_with_their_sources_and_without_secrets(run: Run, folder: Path) -> None:
    """One JSON object: the effective settings and, by key, where each came from."""
    (folder / "appsettings.json").write_text('{"PathBase": "/InfoRouter"}', encoding="utf-8")
    result = run(
        "settings",
        env={"TRUSTEDUSERPWD": SECRET, "ConnectionStrings__Tickets": f"redis://:{SECRET}@cache:6379/0"},
    )
    shown = json.loads(result.stdout)
    assert set(shown) == {"settings", "sources"}
    assert SECRET not in result.output
    assert shown["settings"]["TrustedUserPwd"] == "****"
    assert shown["settings"]["ConnectionStrings"] == {
        "Users": f"sqlite:///{folder}/App_Data/users.db",
        "Tickets": "redis://:****@cache:6379/0",
    }
    assert shown["settings"]["PathBase"] == "/InfoRouter"
    assert shown["settings"]["Tickets"]["SlidingExpiration"] == "30.00:00:00"
    assert shown["sources"]["PathBase"] == "appsettings.json"
    assert shown["sources"]["TrustedUserPwd"] == shown["sources"]["ConnectionStrings:Tickets"] == "environment"
    assert shown["sources"]["Urls"] == "default"


def test_settings_touch_nothing(run: Run, folder: Path) -> None:
    """No database is made. They are JSON with and without --json."""
    assert run("settings").output == run("settings", "--json").output
    assert list(folder.iterdir()) == []
