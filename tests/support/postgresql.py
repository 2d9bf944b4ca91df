"""A PostgreSQL server for the tests."""

import atexit
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.support.processes import Child, free_port, program

# The latest version's first.
_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -int(folder.parent.name))

# Trust on the loopback, except for the one user whose password is checked.
_ACCESS = """
host all guarded 127.0.0.1/32 scram-sha-256
local all all trust
host all all 127.0.0.1/32 trust
"""


class PostgresServer:
    """PostgreSQL on a loopback port and a Unix socket, in its own folder. ``options`` are lines of its configuration.
    Nothing waits for a disk unless they say so."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self.folder = _private_folder()
        self._numbers = itertools.count(1)
        subprocess.run([program("cp"), "-a", str(_cluster()), str(self.folder / "data")], check=True)
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 50,
            "shared_buffers": "16MB",
            "autovacuum": "off",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        words += [word for option in options for word in ("-c", option)]
        command = [program("postgres", *_FOLDERS), "-D", str(self.folder / "data"), *words]
        self._child = Child(_as_somebody(command), self.folder)
        self.start()

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, *options: str) -> str:
        """The URL of a fresh database; ``options`` as in CREATE DATABASE."""
        name = f"users_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} {' '.join(options or ['TEMPLATE template0'])}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        self.run(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def run(self, *statements: str, url: str = "", user: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements without the program, each by itself, and give the last one's rows."""
        with closing(psycopg.connect(url or self.url(user=user), autocommit=True)) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start it on the same port, with its data."""
        self._child.start(self._answers)

    def stop(self) -> None:
        """Stop it as for an upgrade: clients are disconnected, and the data is kept."""
        self._child.stop(signal.SIGINT)

    def kill(self) -> None:
        """Let it crash."""
        killed = self._signal(signal.SIGKILL)
        self._child.stop(signal.SIGKILL)
        end = time.monotonic() + 10
        while killed & _processes().keys() and time.monotonic() < end:
            time.sleep(0.01)  # It can't be started while one of them holds its memory.

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let it hang as a machine may: connections stay open, the kernel accepts new ones, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def limit_files(self, size: int | str = "unlimited") -> None:
        """Imitate a full disk: new connections can't let a file grow beyond so many bytes."""
        assert self._child.process is not None
        command = [program("prlimit"), f"--pid={self._child.process.pid}", f"--fsize={size}:unlimited"]
        subprocess.run(_as_somebody(command), check=True)

    def remove(self) -> None:
        """Stop it, and leave nothing behind."""
        if self._child.process is not None:
            with suppress(ProcessLookupError):
                self.go_on()
        self._child.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> set[int]:
        # Each process of the server leads a group. The first one starts the others, and none once it has the signal.
        # A killed process is not the parent of what it started.
        assert self._child.process is not None
        pid = self._child.process.pid
        children = _children(pid)
        os.kill(pid, number)
        children |= _children(pid)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, number)
        return children

    def _answers(self) -> bool:
        try:
            return bool(self.run("SELECT 1"))
        except psycopg.OperationalError:
            return False


def _children(parent: int) -> set[int]:
    return {pid for pid, of in _processes().items() if of == parent}


def _processes() -> dict[int, int]:
    """The parent of each process. Zombies are left out."""
    command = [program("ps"), "-A", "-o", "pid=,ppid=,stat="]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = (line.split() for line in answer.stdout.splitlines())
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


@cache
def _cluster() -> Path:
    """The files of a server that has never run, made once in each worker of the test run."""
    folder = _private_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    data = folder / "data"
    command = [program("initdb", *_FOLDERS), "-D", str(data), "-U", "postgres", "-E", "UTF8", "--locale=C"]
    command += ["-A", "trust", "--no-sync", "--wal-segsize=1"]
    subprocess.run(_as_somebody(command), check=True, capture_output=True)
    (data / "pg_hba.conf").write_text(_ACCESS)
    return data


def _private_folder() -> Path:
    """A folder that PostgreSQL's user can enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.geteuid() == 0:
        os.chown(folder, _somebody().pw_uid, _somebody().pw_gid)
    return folder


def _as_somebody(command: list[str]) -> list[str]:
    """The command as another user than root, by which PostgreSQL refuses to be run."""
    if os.geteuid() != 0:
        return command
    user = _somebody()
    return [program("setpriv"), f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]


def _somebody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
