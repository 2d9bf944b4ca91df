"""The commands of docs/stores.md, each with what it is for: what was there is there again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgresql import PostgresServer
from tests.support.processes import free_port, program, wait_until
from tests.support.redis import RedisServer
from tests.test_readme import Block, Stranger, blocks

BLOCKS = [block.text for block in blocks(("docs/stores.md",))]
ADD = "echo 'correct horse battery' | asmx-tickets user add {}"
LOG_IN = (
    "curl -s http://127.0.0.1:8080/srv.asmx/AuthenticateUser -d UID=erin --data-urlencode 'PWD=correct horse battery'"
)


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    """A person with the page, who has added erin."""
    for name in ("sqlite3", "pg_dump", "redis-server", "redis-cli"):
        program(name)
    person = Stranger(tmp_path)
    shell(person, ADD.format("erin"))
    yield person
    person.leave()


def shell(stranger: Stranger, command: str) -> str:
    return stranger.paste(Block("", command))


def page(stranger: Stranger, words: str) -> str:
    """Paste the one block that has these words."""
    (text,) = [text for text in BLOCKS if words in text]
    return shell(stranger, text)


def serve(stranger: Stranger) -> None:
    stranger.paste(Block("serve", "asmx-tickets serve"))


@pytest.mark.parametrize("words", [".restore", "mv App_Data"])
@pytest.mark.parametrize("running", [True, False])
def test_users_in_sqlite(stranger: Stranger, words: str, running: bool) -> None:
    """Put back into the file, or in its place; below a server, or without one."""
    page(stranger, ".backup")
    assert (stranger.clone / "users-backup.db").stat().st_mode & 0o077 == 0
    if running:
        serve(stranger)
    shell(stranger, "asmx-tickets user delete erin")
    page(stranger, words)
    if running:
        wait_until(lambda: 'success="true"' in shell(stranger, LOG_IN), 5)
    assert "\terin\t" in shell(stranger, "asmx-tickets user list")


def test_users_in_postgresql(stranger: Stranger, shared_postgres: PostgresServer) -> None:
    """Below a running server, which goes on."""
    url = shared_postgres.new_database()
    stranger.instead["postgresql://asmx@127.0.0.1:5432/asmx"] = url
    stranger.environ["ConnectionStrings__Users"] = url
    shell(stranger, ADD.format("erin"))
    serve(stranger)
    for _ in range(10):
        assert 'success="true"' in shell(stranger, LOG_IN)
    page(stranger, "pg_dump")
    shell(stranger, "asmx-tickets user delete erin")
    assert "[900]" in shell(stranger, LOG_IN)
    page(stranger, "pg_restore")
    assert 'success="true"' in shell(stranger, LOG_IN)
    shell(stranger, ADD.format("frank"))
    assert "\tfrank\t" in shell(stranger, "asmx-tickets user list")


def test_tickets_are_taken_to_another_redis_and_ended(stranger: Stranger, shared_redis: RedisServer) -> None:
    stranger.environ |= {"ConnectionStrings__Tickets": shared_redis.url, "Tickets__KeyPrefix": "asmx-tickets:backup:"}
    stranger.instead["redis://127.0.0.1:6379/0"] = shared_redis.url
    stranger.instead["6380"] = str(free_port())
    serve(stranger)
    assert 'success="true"' in shell(stranger, LOG_IN)
    page(stranger, "--rdb")
    try:
        keys, said = page(stranger, "new-redis").split()[-2:]
    finally:
        os.kill(int((stranger.clone / "new-redis" / "redis.pid").read_text()), signal.SIGKILL)
    with shared_redis.client() as client:
        assert (int(keys), said) == (client.dbsize(), "OK")
    assert page(stranger, "ticket revoke") == "1 ticket ended\n"


def test_the_audit_log(stranger: Stranger) -> None:
    page(stranger, "tar -czf")
    assert '"user": "erin"' in page(stranger, "tar -xzf")


def test_an_upgrade(stranger: Stranger) -> None:
    assert page(stranger, "migrate --check") == "The database is up to date.\n" * 2


def test_every_command_of_the_page_is_tried_here() -> None:
    """By the words that the tests above look for."""
    source = Path(__file__).read_text()
    tried = (".backup", ".restore", "mv App_Data", "pg_dump", "pg_restore", "--rdb", "new-redis", "ticket revoke")
    tried += ("tar -czf", "tar -xzf", "migrate --check")
    assert all(source.count(f'"{words}"') >= 2 for words in tried)
    assert all(any(words in text for words in tried) for text in BLOCKS)
