"""What the log says about a Redis that answers but does not work."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asmx_tickets.errors import Unavailable
from asmx_tickets.redis.client import RedisClient
from asmx_tickets.redis.opening import open_redis
from tests.support.redis import RedisServer


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def client(own: RedisServer) -> Iterator[RedisClient]:
    made = open_redis(own.url, prefix="t:")
    assert made.call("SET", "t:x", "1")
    yield made
    made.close()


def _refused(question: Callable[[], Any]) -> Unavailable:
    with pytest.raises(Unavailable) as raised:
        question()
    return raised.value


def test_a_replica_is_logged_as_gone_once(
    own: RedisServer, client: RedisClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the checks of /readyz nor calls add a line."""
    own.client().replicaof("127.0.0.1", own.port)
    for _ in range(3):
        assert _refused(client.ping).told
        assert _refused(lambda: client.call("SET", "t:x", "2")).told
    own.client().replicaof("no", "one")
    client.ping()
    gone, back = caplog.messages
    assert gone.endswith(" is gone: is a read-only replica")
    assert " is back after " in back


def test_a_changed_password_is_logged_once(
    own: RedisServer, client: RedisClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing works once the connections from before the change are closed."""
    with own.client() as operator:
        operator.config_set("requirepass", "new")
        operator.execute_command("CLIENT", "KILL", "TYPE", "normal")
        for _ in range(5):
            _refused(lambda: client.call("GET", "t:x"))
        (gone,) = caplog.messages
        assert gone.endswith(" is gone: refuses the user name or the password")


def test_a_redis_that_is_full_is_not_gone(
    own: RedisServer, client: RedisClient, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers checks, so only the calls that it refuses are logged."""
    own.client().config_set("maxmemory", 1)
    assert not _refused(lambda: client.call("SET", "t:x", "2")).told
    assert client.call("GET", "t:x") == b"1"
    client.ping()
    assert not caplog.messages
