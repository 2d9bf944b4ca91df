"""A static site that opens with a ticket and closes after LogOut, behind real proxies, set up as the docs say."""

import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.processes import Child, free_port, program
from tests.support.server import Server, StartServer

DOCS = Path(__file__).parent.parent.parent / "docs" / "forward-auth.md"


def get(url: str, ticket: str | None = None) -> tuple[int, str]:
    """Status and body."""
    request = urllib.request.Request(url, headers={} if ticket is None else {"Cookie": f"ticket={ticket}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def answers(port: int) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            return get(f"http://127.0.0.1:{port}/")[0] > 0
        except OSError:
            return False

    return ask


def example(language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    text: str = block
    return text


@dataclass
class Site:
    """A proxy's address, and the server behind it."""

    url: str
    tickets: Server


@pytest.fixture
def tickets(start_server: StartServer) -> Server:
    return start_server("--demo", environ={"ForwardAuth__Path": "/auth"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The guarded pages."""
    pages = tmp_path / "reports"
    pages.mkdir()
    (pages / "index.html").write_text("quarterly figures")
    tmp_path.chmod(0o755)
    return pages


@pytest.fixture
def nginx(tickets: Server, folder: Path, tmp_path: Path) -> Iterator[Site]:
    port = free_port()
    server = example("nginx").replace("listen 80", f"listen 127.0.0.1:{port}").replace("/srv/www/reports", str(folder))
    server = server.replace("127.0.0.1:8080", f"127.0.0.1:{tickets.port}")
    # The application is a second server of this nginx. It answers with the headers that it got.
    application = free_port()
    server = server.replace("127.0.0.1:9000", f"127.0.0.1:{application}")
    user = "user root;" if os.geteuid() == 0 else ""
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off; {user} pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log; events {{}}\n"
        f"http {{ access_log off; {server}\n"
        f"server {{ listen 127.0.0.1:{application};"
        ' location / { return 200 "$http_remote_user|$http_remote_name|$http_remote_email"; } }\n}'
    )
    child = Child([program("nginx", Path("/usr/sbin")), "-p", str(tmp_path), "-c", str(config)], tmp_path)
    child.start(answers(port))
    yield Site(f"http://127.0.0.1:{port}", tickets)
    child.stop()


@pytest.fixture
def caddy(tickets: Server, folder: Path, tmp_path: Path) -> Iterator[Site]:
    port = free_port()
    site = example("caddy").replace("reports.example.com", f"http://127.0.0.1:{port}")
    site = site.replace("/srv/www/reports", str(folder)).replace("127.0.0.1:8080", f"127.0.0.1:{tickets.port}")
    config = tmp_path / "Caddyfile"
    config.write_text(f"{{\n  admin off\n}}\n{site}")
    keeps_nothing = ["env", f"XDG_CONFIG_HOME={tmp_path}", f"XDG_DATA_HOME={tmp_path}"]
    child = Child([*keeps_nothing, program("caddy"), "run", "--config", str(config)], tmp_path)
    child.start(answers(port))
    yield Site(f"http://127.0.0.1:{port}", tickets)
    child.stop()


@pytest.fixture(params=["nginx", "caddy"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def log_in(server: Server) -> str:
    _, body = get(f"{server.address}/AuthenticateUser?UID=jsmith&PWD=Secret123!")
    found = re.search(r'ticket="([^"]+)"', body)
    assert found is not None
    return found[1]


def test_a_site_opens_with_a_ticket_and_closes_after_log_out(site: Site) -> None:
    assert get(f"{site.url}/index.html")[0] == 401
    ticket = log_in(site.tickets)
    assert get(f"{site.url}/index.html", ticket) == (200, "quarterly figures")
    get(f"{site.tickets.address}/LogOut?AuthenticationTicket={ticket}")
    assert get(f"{site.url}/index.html", ticket)[0] == 401


def test_an_application_is_told_who_asks(nginx: Site) -> None:
    """What a client says of itself does not reach it."""
    ticket = log_in(nginx.tickets)
    request = urllib.request.Request(
        f"{nginx.url}/app/", headers={"Cookie": f"ticket={ticket}", "Remote-User": "sysadmin", "Remote-Email": "x"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.read() == b"jsmith|John Smith|jsmith@example.com"
    assert get(f"{nginx.url}/auth", ticket)[0] == 404


def test_nobody_gets_in_while_the_server_is_gone(nginx: Site) -> None:
    ticket = log_in(nginx.tickets)
    nginx.tickets.process.send_signal(signal.SIGTERM)
    nginx.tickets.process.wait(timeout=20)
    assert get(f"{nginx.url}/index.html", ticket)[0] == 500
