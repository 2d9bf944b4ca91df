"""What the program relies on in libraries beyond their public API. pyproject.toml pins the minor version of each."""

import inspect
import queue
from logging.handlers import QueueListener
from typing import Any

import psycopg
import uvicorn
from redis._parsers import BaseParser
from redis.exceptions import AuthenticationError, BusyLoadingError, NoScriptError, ReadOnlyError, ResponseError
from uvicorn.server import ServerState

from asmx_tickets.redis.address import parse_address
from tests.support.postgresql import PostgresServer
from tests.support.redis import RedisServer


def test_a_connection_of_redis_py_speaks_by_itself_and_gives_up_its_socket(shared_redis: RedisServer) -> None:
    """connections.py uses it without redis-py's client and pool; pipeline.py takes its socket once it has logged in."""
    connection = parse_address(shared_redis.url).connection()
    connection.connect()
    assert not connection.can_read()
    connection.send_command("ECHO", "word", check_health=False)
    assert connection.read_response() == b"word"
    taken, connection._sock = connection._sock, None
    connection.disconnect()
    del connection
    with taken:
        taken.sendall(b"PING\r\n")
        assert taken.recv(100) == b"+PONG\r\n"


def test_redis_py_makes_exceptions_of_redis_errors() -> None:
    """pipeline.py gives this to hiredis, so that a call raises the same over either connection."""
    said = {
        "NOSCRIPT No matching script.": NoScriptError,
        "LOADING Redis is loading": BusyLoadingError,
        "READONLY You can't write": ReadOnlyError,
        "WRONGPASS invalid username-password pair": AuthenticationError,
        "WRONGTYPE Operation": ResponseError,
    }
    made = {text: BaseParser.parse_error(text) for text in said}
    assert {text: type(error) for text, error in made.items()} == said


def test_psycopg_says_when_nothing_came_for_an_interval(shared_postgres: PostgresServer) -> None:
    """postgresql.py ends a statement by what ``Connection.wait`` sends into the generator that it is given."""
    sent: list[Any] = []

    class Listening(psycopg.Connection[Any]):
        def wait(self, gen: Any, interval: float = 0.01, timeout: float | None = None) -> Any:
            return super().wait(_overheard(gen, sent), 0.01)

    with Listening.connect(shared_postgres.url()) as connection:
        connection.execute("SELECT pg_sleep(0.1)")
    assert "interval" in inspect.signature(psycopg.Connection.wait).parameters
    assert any(not ready for ready in sent)
    assert any(sent)


def _overheard(gen: Any, sent: list[Any]) -> Any:
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            sent.append(ready)
            wanted = gen.send(ready)
    except StopIteration as finished:
        return finished.value


def test_a_queue_listener_has_one_thread_that_its_sentinel_ends() -> None:
    """logs.py waits for it only so long, since what reads the log may hang."""
    listener = QueueListener(queue.Queue())
    listener.start()
    thread = listener._thread
    assert thread is not None
    listener.enqueue_sentinel()
    thread.join(10)
    assert not thread.is_alive()


def test_uvicorn_lets_a_server_have_its_own_signals_listeners_and_loop() -> None:
    """worker.py overrides these, and has uvicorn wait for the connections in ``server_state`` at a stop."""
    for name in ("capture_signals", "startup", "main_loop", "shutdown"):
        assert callable(getattr(uvicorn.Server, name))
    assert isinstance(ServerState().connections, set)
    config = uvicorn.Config(app=None, http=_Protocol, lifespan="off", log_config=None)  # type: ignore[arg-type]
    config.load()
    assert config.http_protocol_class is _Protocol


class _Protocol:
    """Stands for connection.py's."""
