"""`asmx-tickets ticket`: what an operator sees and ends in the shared cache."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from asmx_tickets.tickets.redis import RedisTicketCache
from asmx_tickets.tickets.ticket import Origin, digest, format_guid, new_guid, short_hash
from asmx_tickets.users.sql import SqlUserDirectory
from asmx_tickets.users.user import Profile
from tests.support.command_line import COMMAND, Run
from tests.support.redis import RedisServer, open_cache
from tests.support.service import PASSWORD

DAY = 86_400.0


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """Keys that no other test has."""
    return f"{tmp_path.name}:"


@pytest.fixture
def shared(shared_redis: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisTicketCache]:
    """The cache that the commands reach by the settings in the environment."""
    monkeypatch.setenv("ConnectionStrings__Tickets", shared_redis.url)
    monkeypatch.setenv("Tickets__KeyPrefix", prefix)
    cache = open_cache(shared_redis.url, prefix=prefix, sliding_expiration=30 * DAY)
    yield cache
    cache.close()


def add(cache: RedisTicketCache, user_id: int) -> bytes:
    guid = new_guid()
    origin = Origin("192.0.2.1", "HTTP GET", True)
    cache.add(guid, user_id=user_id, security_stamp=1, language="en", previous_logon=None, origin=origin)
    return guid


@pytest.fixture
def users(directory: SqlUserDirectory) -> dict[str, int]:
    return {name: directory.add(Profile(name), "x") for name in ("alice", "bob")}


def test_list_shows_a_line_a_ticket(run: Run, shared: RedisTicketCache, users: dict[str, int]) -> None:
    """User, last use, expiry and short hash; never the ticket."""
    guid = add(shared, users["alice"])
    header, line = run("ticket", "list").output.splitlines()
    assert header == "user_name\tlast_used\texpires\tticket\tissued\taddress\tbinding\timpersonated"
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    origin = rf"{time}\t192\.0\.2\.1\tHTTP GET\ttrue"
    assert re.fullmatch(rf"alice\t{time}\t{time}\t{short_hash(digest(guid))}\t{origin}", line)
    assert guid.hex() not in line.replace("-", "")


def test_list_of_one_user(run: Run, shared: RedisTicketCache, users: dict[str, int]) -> None:
    add(shared, users["alice"])
    add(shared, users["bob"])
    assert run("ticket", "list", "--user", "BOB").output.splitlines()[1].startswith("bob\t")
    listed = json.loads(run("ticket", "list", "--json").output)
    assert sorted(ticket["user_name"] for ticket in listed) == ["alice", "bob"]


@pytest.mark.usefixtures("users")
def test_a_ticket_of_a_user_who_is_gone_shows_the_userid(run: Run, shared: RedisTicketCache) -> None:
    add(shared, 4711)
    assert run("ticket", "list").output.splitlines()[1].startswith("#4711\t")


def test_revoke_ends_a_ticket(run: Run, shared: RedisTicketCache, users: dict[str, int]) -> None:
    guid, other = add(shared, users["alice"]), add(shared, users["alice"])
    assert run("ticket", "revoke", format_guid(guid)).output == "1 ticket ended\n"
    assert shared.look(guid) is None
    assert shared.look(other) is not None


def test_revoke_takes_the_short_hash_that_list_shows(run: Run, shared: RedisTicketCache, users: dict[str, int]) -> None:
    guid, other = add(shared, users["alice"]), add(shared, users["alice"])
    assert run("ticket", "revoke", short_hash(digest(guid))).output == "1 ticket ended\n"
    assert shared.look(guid) is None
    assert shared.look(other) is not None
    assert "no such live ticket" in run("ticket", "revoke", short_hash(digest(guid)), exit_code=1).output


def test_a_ticket_on_standard_input_is_in_no_process_list(
    run: Run, shared: RedisTicketCache, users: dict[str, int]
) -> None:
    guid = add(shared, users["alice"])
    run("ticket", "revoke", "-", stdin=f"{{{format_guid(guid)}}}\n")
    assert shared.look(guid) is None


def test_revoke_ends_all_tickets_of_a_user(run: Run, shared: RedisTicketCache, users: dict[str, int]) -> None:
    mine = [add(shared, users["alice"]) for _ in range(3)]
    bobs = add(shared, users["bob"])
    assert run("ticket", "revoke", "--user", "Alice").output == "3 tickets ended\n"
    assert [shared.look(guid) for guid in mine] == [None, None, None]
    assert shared.look(bobs) is not None


@pytest.mark.parametrize("arguments", [["disable", "alice"], ["delete", "alice"], ["password", "alice"]])
def test_user_commands_clear_the_users_tickets(
    run: Run, shared: RedisTicketCache, users: dict[str, int], arguments: list[str]
) -> None:
    """CONTRACT 3: disable, delete and password end the user's tickets at once."""
    guid, bobs = add(shared, users["alice"]), add(shared, users["bob"])
    assert run("user", *arguments, stdin=f"{PASSWORD}\n").output == "1 ticket ended\n"
    assert shared.look(guid) is None
    assert shared.look(bobs) is not None


@pytest.mark.usefixtures("shared", "users")
@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["revoke", "00000000-0000-0000-0000-000000000001"], 1, "There is no such live ticket."),
        (["revoke", "nonsense"], 2, "TICKET is neither a GUID nor a short hash"),
        (["revoke"], 2, "name either a TICKET or --user NAME"),
        (["revoke", "--user", "nobody"], 1, "There is no user 'nobody'."),
        (["list", "--user", "nobody"], 1, "There is no user 'nobody'."),
    ],
)
def test_what_can_not_be_done_is_one_line(run: Run, arguments: list[str], exit_code: int, says: str) -> None:
    assert says in run("ticket", *arguments, exit_code=exit_code).output


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize(
    "arguments", ["ticket list", "ticket revoke --user bob", "user list --locked", "user unlock bob"]
)
def test_without_a_server_its_memory_is_out_of_reach(run: Run, arguments: str) -> None:
    """CONTRACT 3: it says so and exits 1."""
    assert "No server listens at" in run(*arguments.split(), exit_code=1).output
    assert run("user", "disable", "alice").output == ""
    assert "failed_logins:\n" in run("user", "show", "alice").output


def test_an_unreachable_cache_is_one_line(run: Run, own_redis: RedisServer, users: dict[str, int]) -> None:
    """A user can be disabled all the same."""
    own_redis.stop()
    settings = {"ConnectionStrings__Tickets": own_redis.url}
    assert run("ticket", "list", exit_code=1, env=settings).output.count("\n") == 1
    assert "dead all the same" in run("user", "disable", "alice", env=settings).output


def test_a_redis_that_does_not_answer_is_one_line(run: Run, folder: Path) -> None:
    """In a process of its own, since a log without a handler, as a command's is, writes to standard error."""
    run("user", "add", "a", stdin=f"{PASSWORD}\n")
    environ = os.environ | {"ConnectionStrings__Tickets": "redis://127.0.0.1:1/0"}
    done = subprocess.run(
        [*COMMAND, "ticket", "list"], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("asmx-tickets: Redis at 127.0.0.1:1 failed: ")
