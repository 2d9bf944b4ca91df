"""CONTRACT 3: what the command line does to a user ends that user's tickets in a running server, at once."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.command_line import run_in
from tests.support.processes import wait_until
from tests.support.server import Server, StartServer


def command(folder: Path, *arguments: str, stdin: str = "") -> None:
    """Run ``asmx-tickets user …``."""
    run_in(folder, "user", *arguments, stdin=stdin)


def ask(server: Server, operation: str, **parameters: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    with urlopen(f"{server.address}/{operation}?{query}", timeout=10) as response:
        return str(response.read().decode())


def log_in(server: Server, password: str = "first-password") -> str:
    found = re.search('ticket="([^"]+)"', ask(server, "AuthenticateUser", UID="alice", PWD=password))
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [(("disable", "alice"), ""), (("password", "alice"), "second-password\n"), (("delete", "alice"), "")],
    ids=["disable", "password", "delete"],
)
def test_tickets_end_at_once(tmp_path: Path, start_server: StartServer, arguments: tuple[str, ...], stdin: str) -> None:
    """The very next call after the command has ended says [901]; another user's ticket lives on."""
    command(tmp_path, "add", "alice", stdin="first-password\n")
    command(tmp_path, "add", "bob", stdin="first-password\n")
    server = start_server()
    ticket = log_in(server)
    bobs = re.search('ticket="([^"]+)"', ask(server, "AuthenticateUser", UID="bob", PWD="first-password"))
    assert bobs is not None
    assert 'success="true"' in ask(server, "isValidTicket", AuthenticationTicket=ticket)
    command(tmp_path, *arguments, stdin=stdin)
    assert "[901]" in ask(server, "isValidTicket", AuthenticationTicket=ticket)
    assert 'success="true"' in ask(server, "isValidTicket", AuthenticationTicket=bobs[1])


def test_a_user_enabled_again_needs_a_new_ticket(tmp_path: Path, start_server: StartServer) -> None:
    """Tickets that have ended stay dead."""
    command(tmp_path, "add", "alice", stdin="first-password\n")
    server = start_server()
    ticket = log_in(server)
    command(tmp_path, "disable", "alice")
    command(tmp_path, "enable", "alice")
    assert "[901]" in ask(server, "isValidTicket", AuthenticationTicket=ticket)
    assert 'success="true"' in ask(server, "isValidTicket", AuthenticationTicket=log_in(server))


def test_a_backup_that_is_put_back_counts_at_once(tmp_path: Path, start_server: StartServer) -> None:
    """Within two seconds the server opens the new file by itself, logs that, and refuses whom that file disables."""
    command(tmp_path, "add", "alice", stdin="first-password\n")
    folder = tmp_path / "App_Data"
    server = start_server()
    ticket = log_in(server)
    with closing(sqlite3.connect(folder / "users.db")) as source, closing(sqlite3.connect(folder / "b.db")) as copy:
        source.backup(copy)
        copy.execute("UPDATE users SET enabled = 0, security_stamp = security_stamp + 1")
        copy.commit()
    (folder / "b.db").rename(folder / "users.db")
    wait_until(lambda: "users.db is another file now" in (tmp_path / f"stderr-{server.port}.txt").read_text(), 2)
    assert "[901]" in ask(server, "isValidTicket", AuthenticationTicket=ticket)
    assert "[900]" in ask(server, "AuthenticateUser", UID="alice", PWD="first-password")
