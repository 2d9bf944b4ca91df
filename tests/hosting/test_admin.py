"""The admin socket: its protocol, who may use it, and what it does about clients that misbehave."""

import asyncio
import json
import logging
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.cli.running import RunningServer
from asmx_tickets.errors import Unavailable, UserError
from asmx_tickets.hosting.admin import LONGEST_REQUEST, MOST_CLIENTS, AdminServer, Command
from asmx_tickets.hosting.admin_listener import AdminListener
from asmx_tickets.hosting.sockets import admin_socket, short_name
from asmx_tickets.settings.model import Settings
from asmx_tickets.settings.sections import Admin
from tests.support.processes import in_fork, wait_until

Serve = Callable[..., RunningServer]


def ping() -> Mapping[str, Any]:
    return {}


def answer(commands: Mapping[str, Command], request: bytes) -> list[dict[str, Any]]:
    """Everything that the server says to a client that sends this and no more."""
    ours, theirs = socket.socketpair()
    listener = OneClient(theirs)
    with ours:
        AdminServer(commands).accept(listener)  # type: ignore[arg-type]  # as much of a socket as it uses
        ours.sendall(request)
        ours.shutdown(socket.SHUT_WR)
        with ours.makefile("rb") as lines:
            return [json.loads(line) for line in lines]


class OneClient:
    """A listening socket with one client waiting."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def accept(self) -> tuple[socket.socket, str]:
        return self._client, ""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "App_Data" / "admin.sock"


@pytest.fixture
def serve(file: Path) -> Iterator[Serve]:
    """Serves commands at a socket file; gives the server as the command line sees it."""
    stopped = threading.Event()
    threads: list[threading.Thread] = []

    def accept(server: AdminServer, listener: socket.socket) -> None:
        while not stopped.wait(0.005):
            server.accept(listener)

    with admin_socket(file) as listener:
        assert listener is not None

        def start(patience: float = 5, **commands: Command) -> RunningServer:
            threads.append(threading.Thread(target=accept, args=(AdminServer(commands, patience=patience), listener)))
            threads[-1].start()
            return RunningServer(Settings(admin=Admin(socket=str(file))))

        yield start
        stopped.set()
        for thread in threads:
            thread.join()


def test_a_command_gives_a_result(serve: Serve) -> None:
    server = serve(add=lambda one, other: {"sum": one + other})
    assert server.ask("add", one=1, other=2) == {"sum": 3}


def test_a_command_gives_items(serve: Serve) -> None:
    """They are sent as they come: there are more than fit into any buffer."""
    server = serve(count=lambda end: ({"number": number} for number in range(end)))
    assert [item["number"] for item in server.items("count", end=50_000)] == list(range(50_000))


def test_what_cannot_be_done_is_said_in_a_sentence(serve: Serve) -> None:
    """Whether it fails at once or in the middle of a list."""

    def broken() -> Iterator[Mapping[str, Any]]:
        yield {"number": 1}
        raise Unavailable("Redis is gone.")

    def refused() -> Mapping[str, Any]:
        raise UserError("There is no user 42.")

    server = serve(broken=broken, refused=refused)
    with pytest.raises(UserError, match="no user 42"):
        server.ask("refused")
    items = server.items("broken")
    assert next(items) == {"number": 1}
    with pytest.raises(UserError, match="Redis is gone"):
        next(items)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (b"", "is a line"),
        (b'{"do": "add"}', "is a line"),
        (b" " * LONGEST_REQUEST + b"\n", "is a line"),
        (b"\xff\n", "JSON object"),
        (b"[]\n", "JSON object"),
        (b"[" * 4000 + b"\n", "JSON object"),
        (b'{"do": 7}\n', "JSON object"),
        (b'{"do": "subtract"}\n', "no command 'subtract'"),
        (b'{"do": "add", "one": 1}\n', "other fields"),
        (b'{"do": "add", "one": 1, "other": 2, "more": 3}\n', "other fields"),
    ],
)
def test_a_malformed_request_is_refused(request_: bytes, says: str) -> None:
    (said,) = answer({"add": lambda one, other: {"sum": one + other}}, request_)
    assert says in said["error"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3),
    max_leaves=8,
)
requests = st.dictionaries(st.sampled_from(["do", "one", "other", "x"]), values | st.just("add"), max_size=4)


@given(st.binary(max_size=200) | requests.map(lambda request: json.dumps(request).encode()))
def test_whatever_comes_in_gets_one_answer(request_: bytes) -> None:
    """A result for a request, and a sentence for anything else."""
    (said,) = answer({"add": lambda one, other: {"sum": f"{one}{other}"}}, request_.replace(b"\n", b" ") + b"\n")
    assert said.keys() in ({"result"}, {"error"})
    assert "result" in said or "log says why" not in said["error"]


def test_a_bug_is_logged_and_shows_nothing(logged: list[logging.LogRecord]) -> None:
    def fail() -> Mapping[str, Any]:
        raise KeyError("secret")

    (said,) = answer({"fail": fail}, b'{"do": "fail"}\n')
    assert "secret" not in said["error"]
    assert logged[-1].exc_info is not None


def test_clients_that_hang_hold_up_no_others(serve: Serve, file: Path) -> None:
    """Neither one that says nothing, nor one that does not read the answer."""
    server = serve(patience=0.2, count=lambda: ({"number": "x" * 1000} for _ in range(2000)), ping=ping)
    silent, deaf = (socket.socket(socket.AF_UNIX) for _ in range(2))
    with silent, deaf:
        for client in (silent, deaf):
            client.connect(str(file))
        deaf.sendall(b'{"do": "count"}\n')
        assert server.ask("ping") == {}
    assert sum(1 for _ in server.items("count")) == 2000


def test_there_are_only_so_many_clients_at_a_time(serve: Serve, file: Path) -> None:
    """One too many gets an error. Once the others are gone there is room again."""
    server = serve(ping=ping)
    clients = [socket.socket(socket.AF_UNIX) for _ in range(MOST_CLIENTS)]
    for client in clients:
        client.connect(str(file))

    def is_refused() -> bool:
        try:
            return server.ask("ping") != {}
        except UserError as error:
            assert "Too many clients" in str(error)
            return True

    wait_until(is_refused, 20)
    for client in clients:
        client.close()
    wait_until(lambda: not is_refused(), 20)


def test_an_answer_that_breaks_off_is_an_error(file: Path) -> None:
    file.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(file))
        listener.listen()
        items = RunningServer(Settings(admin=Admin(socket=str(file)))).items("tickets")

        def break_off() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(100)
                client.sendall(b'{"item": {}}\n')

        thread = threading.Thread(target=break_off)
        thread.start()
        assert next(items) == {}
        with pytest.raises(Unavailable, match="broke off"):
            next(items)
        thread.join()


def test_the_socket_is_the_owners_alone(file: Path) -> None:
    with admin_socket(file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not file.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_others_are_refused_whatever_the_files_mode(serve: Serve, file: Path, tmp_path: Path) -> None:
    """Neither a folder that everybody may enter nor a chmod opens it."""
    serve(ping=ping)
    for place in (tmp_path, file.parent):
        place.chmod(0o711)
    file.chmod(0o666)
    place = os.open(file.parent, os.O_PATH)

    def another_user_is_refused() -> bool:
        os.setuid(65534)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"/proc/self/fd/{place}/{file.name}")
            client.sendall(b'{"do": "ping"}\n')
            return b"own user and root" in client.recv(1000)

    assert in_fork(another_user_is_refused)
    os.close(place)


def test_what_a_killed_server_left_behind_is_replaced(file: Path) -> None:
    file.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(file))
    with admin_socket(file) as listener:
        assert listener is not None


def test_a_second_server_goes_without(file: Path, logged: list[logging.LogRecord]) -> None:
    """The first one keeps its socket, and the second one serves tickets without one."""
    with admin_socket(file) as first:
        with admin_socket(file) as second:
            assert (first is None, second is None) == (False, True)
        assert file.exists()
    assert "another server uses" in logged[-1].getMessage()


def test_a_file_that_is_not_a_socket_is_left_alone(file: Path, logged: list[logging.LogRecord]) -> None:
    file.parent.mkdir()
    file.write_text("mine")
    with admin_socket(file) as listener:
        assert listener is None
    assert file.read_text() == "mine"
    assert "no socket" in logged[-1].getMessage()


def test_a_folder_with_a_long_name_will_do(tmp_path: Path) -> None:
    """Unix sockets have names of about 100 bytes."""
    file = tmp_path / ("x" * 100) / ("y" * 100) / "admin.sock"
    with admin_socket(file) as listener, socket.socket(socket.AF_UNIX) as client, short_name(file) as name:
        assert listener is not None
        client.connect(name)


def test_without_a_server_the_error_names_the_socket(file: Path) -> None:
    with pytest.raises(Unavailable, match=r"No server listens at .*admin\.sock"):
        RunningServer(Settings(admin=Admin(socket=str(file)))).ask("status")
    with pytest.raises(UserError, match="Admin:Socket is empty"):
        RunningServer(Settings(admin=Admin(socket="")))


def test_a_lack_of_threads_is_an_error_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many clients came meanwhile."""
    server = AdminServer({"ping": ping})

    def asked() -> dict[str, Any]:
        ours, theirs = socket.socketpair()
        with ours:
            server.accept(OneClient(theirs))  # type: ignore[arg-type]  # as much of a socket as it uses
            with suppress(BrokenPipeError):
                ours.sendall(b'{"do": "ping"}\n')
            with ours.makefile("rb") as lines:
                (line,) = lines
            return dict(json.loads(line))

    def scarce(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", scarce)
        for _ in range(MOST_CLIENTS + 1):
            assert asked()["error"].startswith("no thread can be started")
    assert asked() == {"result": {}}


def _kept(file: Path, what_happens: Callable[[], object]) -> list[dict[str, Any]]:
    """The answers of two processes that listen at one socket, after something has happened to it."""

    async def answers() -> list[dict[str, Any]]:
        with admin_socket(file) as listener:
            assert listener is not None
            listeners = [AdminListener(each, file, AdminServer({"ping": ping})) for each in (listener, listener.dup())]
            what_happens()
            for each in listeners * 2:
                each.keep()
            told = [await asyncio.to_thread(_asked_at, file) for _ in range(2)]
            for each in listeners:
                each.close()
            return told

    return asyncio.run(answers())


def _asked_at(file: Path) -> dict[str, Any]:
    return dict(RunningServer(Settings(admin=Admin(socket=str(file)))).ask("ping"))


def _nothing() -> None:
    pass


def test_a_socket_that_still_exists_is_kept(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert _kept(file, _nothing) == [{}, {}]
    assert not caplog.messages


def test_a_socket_that_was_removed_is_made_again_once(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert _kept(file, file.unlink) == [{}, {}]
    assert caplog.messages == [f"the admin socket {file} was gone: it was made again"]


def test_a_socket_in_a_folder_that_was_replaced_is_made_again(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The copy has a socket at which nobody listens, as copies and backups have."""

    def replace_folder() -> None:
        file.parent.rename(file.parent.with_name("away"))
        file.parent.mkdir(mode=0o700)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(file))

    assert _kept(file, replace_folder) == [{}, {}]
    assert len(caplog.messages) == 1


def test_a_socket_that_another_server_has_taken_over_is_left_to_it(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def take_over() -> None:
        file.unlink()
        other.bind(str(file))
        other.listen()

    async def keeps() -> None:
        with admin_socket(file) as listener:
            assert listener is not None
            kept = AdminListener(listener, file, AdminServer({}))
            take_over()
            kept.keep()
            kept.close()

    with socket.socket(socket.AF_UNIX) as other:
        asyncio.run(keeps())
        other.accept()[0].close()
    assert not caplog.messages


def test_a_socket_that_can_not_be_removed_makes_no_stop_a_bad_one(file: Path) -> None:
    """Its folder may be read-only by then."""
    with admin_socket(file):
        file.unlink()
        file.mkdir()
