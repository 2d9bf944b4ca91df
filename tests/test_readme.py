"""Pastes the README's commands, in their order, into an empty folder with an empty HOME, as a stranger would."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from werkzeug.test import Client

from tests.backing.processes import free_port

REPOSITORY = Path(__file__).parent.parent
# These run the tests and the linters; .ci/run runs them, word for word.
_OF_CI = re.compile(r"pytest|\.ci/")


@dataclass(frozen=True)
class Block:
    """A fenced block of shell commands; one that serves goes on until the next one that does."""

    serves: bool
    text: str


def blocks() -> Iterator[Block]:
    readme = (REPOSITORY / "README.md").read_text()
    for info, text in re.findall(r"^```sh( serve)?\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL):
        if not _OF_CI.search(text):
            yield Block(bool(info), text)


def example() -> str:
    """The README's own .asmx, as a file."""
    found = re.search(r"^```python\n(.*?)^```$", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL)
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
        path = f"{self.clone}/.venv/bin:{os.environ['PATH']}"
        self.environ = {**os.environ, "HOME": str(home), "PATH": path, "Urls": f"http://127.0.0.1:{self.port}"}
        self.server: subprocess.Popen[str] | None = None

    def paste(self, block: Block) -> str:
        """Run a block and give its output; for one that serves, the address line."""
        text = block.text.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}").replace(
            "--port 8080", f"--port {self.port}"
        )
        if block.serves:
            return self._serve(text)
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

    def _serve(self, text: str) -> str:
        self.leave()
        self.server = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.clone,
            env=self.environ,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.server.stdout is not None
        for line in self.server.stdout:
            if "answers at" in line or "Started worker" in line:
                return line
        pytest.fail(f"never answered: {text}")

    def leave(self) -> None:
        """Ctrl-C in the server's terminal."""
        if self.server is not None:
            os.killpg(self.server.pid, signal.SIGINT)
            self.server.communicate(timeout=30)
            self.server = None


def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    """In order; what calls the service gets success="true"."""
    stranger = Stranger(tmp_path)
    pasted = 0
    try:
        for block in blocks():
            output = stranger.paste(block)
            if "curl" in block.text and "srv.asmx" in block.text:
                assert 'success="true"' in output, block.text
            if "Calculator.asmx" in block.text:
                assert ">42</int>" in output
                assert '<note at="2026-03-20T14:35:00" text="hello" />' in output
                assert '<wsdl:service name="Calculator">' in output
            pasted += 1
    finally:
        stranger.leave()
    assert pasted >= 6


def test_the_first_screen_shows_a_command_a_request_and_an_answer() -> None:
    """Before anything else is explained."""
    first = (REPOSITORY / "README.md").read_text().partition("## What it answers")[0]
    assert first.index("serve --demo") < first.index("curl -s") < first.index('<root success="true"')


def test_the_readme_names_every_setting() -> None:
    """The table of settings has each key of the settings' own model."""
    from asmx_tickets import configuration
    from asmx_tickets.settings import Settings

    readme = (REPOSITORY / "README.md").read_text()
    for key in configuration.keys_of(Settings):
        if "section" not in key.kind:
            section, _, name = key.path.rpartition(":")
            assert key.path in readme or f"`:{name}`" in readme or f"`{section}:*`" in readme, key.path


def test_the_examples_wsdl_is_what_asmx_writes_for_the_same_service() -> None:
    """Canonical XML; documentation aside. readme.wsdl is Mono's, for the service written in C#."""
    names: dict[str, Any] = {}
    exec(example(), names)
    served = Client(names["app"]).get("/Calculator.asmx?WSDL")
    recorded = (REPOSITORY / "tests" / "asmx" / "readme.wsdl").read_bytes()
    assert canonical(served.data) == canonical(recorded)


def canonical(document: bytes) -> bytes:
    root = etree.fromstring(document, etree.XMLParser(remove_blank_text=True))
    for element in root.findall(".//{http://schemas.xmlsoap.org/wsdl/}documentation"):
        element.getparent().remove(element)
    return etree.tostring(root, method="c14n")
