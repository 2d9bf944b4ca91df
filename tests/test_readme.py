"""Pastes the commands of README and docs, in order, into an empty folder with an empty HOME, as a stranger would."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from werkzeug.test import Client

from tests.support.postgresql import PostgresServer
from tests.support.processes import free_port, program
from tests.support.redis import RedisServer

REPOSITORY = Path(__file__).parent.parent
# These run the tests and the linters; .ci/run runs them, word for word.
_OF_CI = re.compile(r"pytest|\.ci/")


PAGES = (
    "README.md",
    "docs/settings.md",
    "docs/operations.md",
    "docs/incidents.md",
    "docs/forward-auth.md",
    "docs/clients.md",
    "docs/security.md",
    "docs/own-services.md",
)
# Needs programs that not everybody has, and its own stores.
SCALING = ("docs/scaling.md",)


@dataclass(frozen=True)
class Block:
    """A fenced block of shell commands; one that serves goes on until the next that is not beside it."""

    kind: str
    text: str


def blocks(pages: tuple[str, ...]) -> Iterator[Block]:
    """The blocks of some pages, in their order."""
    for page in pages:
        text = (REPOSITORY / page).read_text()
        for kind, command in re.findall(r"^```sh( serve(?: beside)?)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if not _OF_CI.search(command):
                yield Block(kind.strip(), command)


def example() -> str:
    """The .asmx that docs/own-services.md begins with, as a file."""
    page = (REPOSITORY / "docs" / "own-services.md").read_text()
    found = re.search(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


class Stranger:
    """A person with a clone, a shell and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "asmx-tickets"
        home = folder / "home"
        home.mkdir()
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        files = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, check=True, text=True).stdout
        for name in filter(None, files.split("\0")):
            target = self.clone / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target)
        (self.clone / "calculator.py").write_text(example())
        self.port = free_port()
        path = f"{self.clone}/.venv/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environ = {**os.environ, "HOME": str(home), "PATH": path, "Urls": f"http://127.0.0.1:{self.port}"}
        self.instead = {"127.0.0.1:8080": f"127.0.0.1:{self.port}"}
        self.instead["--port 8080"] = f"--port {self.port}"
        self.instead["127.0.0.1:8443"] = f"127.0.0.1:{free_port()}"
        self.servers: list[subprocess.Popen[str]] = []

    def paste(self, block: Block) -> str:
        """Run a block and give its output; for one that serves, the address line."""
        text = block.text
        for written, here in self.instead.items():
            text = text.replace(written, here)
        if block.kind:
            return self._serve(text, beside=block.kind == "serve beside")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.clone,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _serve(self, text: str, *, beside: bool) -> str:
        if not beside:
            self.leave()
        server = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.clone,
            env=self.environ,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # As in a terminal: what runs in the background ignores Ctrl-C, and hands that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )
        self.servers.append(server)
        assert server.stdout is not None
        for line in server.stdout:
            if "answers at" in line:
                return line
        pytest.fail(f"never answered: {text}")

    def leave(self) -> None:
        """Ctrl-C in the servers' terminals."""
        while self.servers:
            server = self.servers.pop()
            os.killpg(server.pid, signal.SIGINT)
            server.communicate(timeout=30)


@pytest.mark.slow
def test_what_the_readme_installs_serves(tmp_path: Path) -> None:
    """Its first commands, with nothing there but Python; and what the metrics need, which is installed later."""
    stranger = Stranger(tmp_path)
    first, called, *others = blocks(PAGES)
    later = [block for block in others if "pip install" in block.text]
    try:
        assert "pip install -q ." in first.text
        stranger.paste(first)
        assert 'success="true"' in stranger.paste(called)
        for block in later:
            stranger.paste(block)
    finally:
        stranger.leave()
    assert (stranger.clone / ".venv" / "bin" / "asmx-tickets").exists()
    assert len(later) == 1


def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    """In order; what calls the service gets success="true"."""
    stranger = Stranger(tmp_path)
    # The tests' own environment has it all: installing it again takes as long as all the rest.
    stranger.instead["python3 -m venv .venv && .venv/bin/pip install -q ."] = f"ln -s {sys.prefix} .venv"
    stranger.instead["pip install -q '.[metrics]'"] = "true"
    pasted = 0
    try:
        for block in blocks(PAGES):
            output = stranger.paste(block)
            if "/auth -b" in block.text:
                assert "200 OK" in output
                assert "remote-user: jsmith" in output
            elif "curl" in block.text and "srv.asmx" in block.text:
                assert 'success="true"' in output, block.text
            if "curl" in block.text and "Calculator.asmx" in block.text:
                assert ">42</int>" in output
                assert '<note at="2026-03-20T14:35:00" text="hello" />' in output
                assert '<wsdl:service name="Calculator">' in output
            pasted += 1
    finally:
        stranger.leave()
    assert pasted >= 15


def test_two_nodes_behind_nginx(tmp_path: Path, shared_postgres: PostgresServer, shared_redis: RedisServer) -> None:
    """The page on scaling, with stores of the test's own: a ticket of one node, through nginx, and its end."""
    program("nginx", Path("/usr/sbin"))
    stranger = Stranger(tmp_path)
    stranger.environ["PATH"] += ":/usr/sbin"
    stranger.environ["Tickets__KeyPrefix"] = "readme:"
    stranger.instead |= {f"127.0.0.1:{port}": f"127.0.0.1:{free_port()}" for port in (8081, 8082, 8443)}
    stranger.instead["sudo -u postgres psql"] = f"{program('psql')} -v ON_ERROR_STOP=1 {shared_postgres.url()}"
    stranger.instead["127.0.0.1:5432"] = f"127.0.0.1:{shared_postgres.port}"
    stranger.instead["redis://127.0.0.1:6379/0"] = shared_redis.url
    stranger.instead["pip install -q '.[redis,postgres]'"] = "true"  # the tests' own environment has them
    outputs: dict[str, str] = {}
    try:
        for block in blocks(SCALING):
            outputs[block.text.split()[0]] = stranger.paste(block)
    finally:
        stranger.leave()
        if (stranger.clone / "nginx.pid").exists():
            os.kill(int((stranger.clone / "nginx.pid").read_text()), signal.SIGTERM)
        shared_postgres.run("DROP DATABASE IF EXISTS asmx WITH (FORCE)", "DROP ROLE IF EXISTS asmx")
    assert 'success="true" ticket="' in outputs["openssl"]
    assert outputs["openssl"].endswith("ok")
    assert outputs["asmx-tickets"].splitlines()[1].startswith("dora\t")
    assert outputs["asmx-tickets"].endswith("1 ticket ended\n")


def test_the_first_screen_shows_a_command_a_request_and_an_answer() -> None:
    """Before anything else is explained."""
    first = (REPOSITORY / "README.md").read_text().partition("## What it answers")[0]
    assert first.index("serve --demo") < first.index("curl -s") < first.index('<root success="true"')


def test_the_readme_is_a_first_screen_and_a_map() -> None:
    """250 lines at most, and every page of docs/ is on the map."""
    readme = (REPOSITORY / "README.md").read_text()
    assert readme.count("\n") <= 250
    for page in (REPOSITORY / "docs").glob("*.md"):
        assert f"docs/{page.name}" in readme or page.name == "security-requirements.md"


def test_each_incident_says_where_to_look_and_what_to_do() -> None:
    """In that order, below its symptom."""
    _, *symptoms = re.split(r"^## ", (REPOSITORY / "docs" / "incidents.md").read_text(), flags=re.MULTILINE)
    assert len(symptoms) >= 10
    for symptom in symptoms:
        assert 0 < symptom.find("**Look:**") < symptom.find("**Do:**"), symptom.splitlines()[0]


def anchors(page: Path) -> set[str]:
    """What a page's headings can be linked by."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_between_pages_resolve() -> None:
    """To files of the repository, from wherever the page is, and to headings of pages."""
    for page in [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]:
        for link, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]*))?\)", page.read_text()):
            target = page.parent / link if link else page
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {link}#{anchor}"


def test_the_docs_name_every_setting() -> None:
    """The table of settings has each key of the settings' own model."""
    from asmx_tickets.settings import layers as configuration
    from asmx_tickets.settings.model import Settings

    readme = (REPOSITORY / "docs" / "settings.md").read_text()
    for key in configuration.keys_of(Settings):
        if "section" not in key.kind:
            section, _, name = key.path.rpartition(":")
            assert key.path in readme or f"`:{name}`" in readme or f"`{section}:*`" in readme, key.path


def test_the_examples_wsdl_is_what_asmx_writes_for_the_same_service() -> None:
    """Canonical XML; documentation aside. readme.wsdl is Mono's, for the service written in C#."""
    names: dict[str, Any] = {}
    exec(example(), names)
    served = Client(names["app"]).get("/Calculator.asmx?WSDL")
    recorded = (REPOSITORY / "tests" / "spyne_asmx" / "readme.wsdl").read_bytes()
    assert canonical(served.data) == canonical(recorded)


def canonical(document: bytes) -> bytes:
    root = etree.fromstring(document, etree.XMLParser(remove_blank_text=True))
    for element in root.findall(".//{http://schemas.xmlsoap.org/wsdl/}documentation"):
        element.getparent().remove(element)
    return etree.tostring(root, method="c14n")
