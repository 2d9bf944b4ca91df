"""Another source of users, without SQL and without password hashes: a module, a row of the table and a scheme plug it
in."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen
from xml.etree import ElementTree

import pytest

from asmx_tickets.settings.types import _USER_STORES
from asmx_tickets.users.source import SOURCES
from tests.support.command_line import run_in
from tests.support.roster import PASSWORD, ROWS, URL
from tests.support.server import Server, servers_in

TRUSTED = "0123456789abcdef0123456789abcdef"
ENVIRON = {"ConnectionStrings__Users": URL, "TrustedUserPwd": TRUSTED, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the users of the roster."""
    with servers_in(tmp_path_factory.mktemp("roster")) as start:
        yield start(environ=ENVIRON, module="tests.support.roster")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for commands of this process, which have the roster."""
    for table, key, value in ROWS:
        monkeypatch.setitem(table, key, value)
    monkeypatch.setenv("ConnectionStrings__Users", URL)
    return tmp_path


def test_each_scheme_that_the_settings_take_has_a_source() -> None:
    assert {scheme.partition("+")[0] for scheme in _USER_STORES} == set(SOURCES)


def call(server: Server, operation: str, **parameters: str) -> dict[str, str]:
    with urlopen(f"{server.address}/{operation}?{urlencode(parameters)}", timeout=10) as response:
        return ElementTree.fromstring(response.read()).attrib


def test_its_users_get_tickets_in_every_way(server: Server) -> None:
    """With the password, with the old ticket, and by a program that vouches for them."""
    root = call(server, "AuthenticateUser", UID="KIM", PWD=PASSWORD)
    assert (root["success"], root["userid"], root["fullname"]) == ("true", "7", "Kim Jones")
    renewed = call(server, "RenewTicket", UID="kim", PWD=PASSWORD, Lang="", OldTicket=root["ticket"])
    assert renewed["ticket"] == root["ticket"]
    made = call(server, "CreateTicketforUser", TrustedUserPwd=TRUSTED, UserName="kim")
    for ticket in (root["ticket"], made["ticket"]):
        assert call(server, "isValidTicket", AuthenticationTicket=ticket)["username"] == "kim"


@pytest.mark.parametrize(("name", "password"), [("kim", "wrong"), ("lee", PASSWORD), ("nobody", PASSWORD)])
def test_users_whom_it_refuses_get_none(server: Server, name: str, password: str) -> None:
    root = call(server, "AuthenticateUser", UID=name, PWD=password)
    assert root == {"success": "false", "error": "[900] Authentication failed"}


def test_the_server_is_ready_with_it(server: Server) -> None:
    with urlopen(f"http://127.0.0.1:{server.port}/readyz", timeout=10) as response:
        assert response.read() == b"ok"


def test_its_users_are_listed(folder: Path) -> None:
    lines = run_in(folder, "user", "list").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["7", "kim"], ["8", "lee"]]


@pytest.mark.parametrize("command", [["add", "max"], ["password", "kim"], ["disable", "kim"], ["delete", "kim"]])
def test_what_it_can_not_change_is_refused_in_one_line(folder: Path, command: list[str]) -> None:
    done = run_in(folder, "user", *command, stdin="correct horse battery\n", exit_code=1)
    assert (done.stdout, done.stderr) == ("", "asmx-tickets: The roster takes no changes.\n")


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_it_has_nothing_to_migrate(folder: Path, options: list[str]) -> None:
    assert run_in(folder, "migrate", *options).output == "No SQL database has the users: there is nothing to migrate.\n"
