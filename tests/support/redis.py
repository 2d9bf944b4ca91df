"""Redis servers and Sentinels for the tests."""

import signal
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from asmx_tickets.redis.opening import MAX_CONNECTIONS, open_redis
from asmx_tickets.tickets.cache import TicketRules
from asmx_tickets.tickets.redis import DEFAULT_PREFIX, RedisTicketCache
from redis import Redis
from tests.support.certificates import self_signed
from tests.support.processes import Child, free_port, program


class RedisServer:
    """Redis on a loopback port and a Unix socket, with nothing on disk. ``options`` are lines of its configuration."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.socket = folder / "redis.sock"
        words = [
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--unixsocket",
            str(self.socket),
            "--dir",
            str(folder),
        ]
        words += ["--save", "", "--appendonly", "no", *(word for option in options for word in f"--{option}".split())]
        self._child = Child([program("redis-server"), *words], folder)
        self.pause, self.go_on = self._child.pause, self._child.go_on
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, on the same port."""
        self._child.start(self._answers)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._child.stop(number)

    def remove(self) -> None:
        """End it at once. What it holds is lost, and no snapshot is written."""
        self._child.stop(signal.SIGKILL)

    def client(self, **options: Any) -> Any:
        """redis-py's client, to look into the server and change things without the program."""
        return Redis(port=self.port, **{"decode_responses": True, **options})

    def _answers(self) -> bool:
        with self.client(socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False


class TlsRedisServer(RedisServer):
    """A Redis that speaks TLS too, with its own certificate for 127.0.0.1. Skips the test if Redis lacks TLS."""

    def __init__(self, folder: Path, *options: str) -> None:
        if not _knows_tls():
            pytest.skip("this redis-server is built without TLS")
        self.certificate, key = self_signed(folder, "subjectAltName=IP:127.0.0.1")
        self.tls_port = free_port()
        files = f"tls-cert-file {self.certificate}", f"tls-key-file {key}"
        super().__init__(folder, f"tls-port {self.tls_port}", *files, "tls-auth-clients no", *options)

    @property
    def url(self) -> str:
        return f"rediss://127.0.0.1:{self.tls_port}/0?ssl_ca_certs={self.certificate}"


@cache
def _knows_tls() -> bool:
    words = [program("redis-server"), "--tls-port", "0", "--no-such-option", "0"]
    return b"'tls-port" not in subprocess.run(words, capture_output=True, check=False, timeout=30).stderr


class RedisSentinel:
    """A Sentinel that watches a master under the name ``tickets``, and decides alone that it is gone."""

    def __init__(self, folder: Path, master: RedisServer) -> None:
        self.port = free_port()
        settings = folder / "sentinel.conf"  # It writes what it finds out into this file.
        lines = f"port {self.port}", "bind 127.0.0.1", f"sentinel monitor tickets 127.0.0.1 {master.port} 1"
        patience = "sentinel down-after-milliseconds tickets 400", "sentinel failover-timeout tickets 2000"
        settings.write_text("\n".join([*lines, *patience, ""]))
        self._child = Child([program("redis-server"), str(settings), "--sentinel"], folder)
        self._child.start(lambda: self.master_port() == master.port)

    def master_port(self) -> int:
        """The master's port as far as it knows; 0 if it does not answer."""
        with Redis(port=self.port, socket_timeout=1) as client:
            try:
                return int(client.sentinel_get_master_addr_by_name("tickets")[1])
            except RedisError:
                return 0

    def replicas(self) -> int:
        """How many replicas it knows."""
        with Redis(port=self.port, socket_timeout=1) as client:
            return len(client.sentinel_slaves("tickets"))

    def stop(self) -> None:
        self._child.stop()


def open_cache(
    url: str,
    *,
    prefix: str = DEFAULT_PREFIX,
    max_connections: int = MAX_CONNECTIONS,
    on_evicted: Any = None,
    **rules: Any,
) -> RedisTicketCache:
    """A ticket cache with a new client."""
    client = open_redis(url, prefix=prefix, max_connections=max_connections)
    return RedisTicketCache(client, TicketRules(**rules), prefix=prefix, on_evicted=on_evicted)
