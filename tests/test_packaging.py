"""What is distributed: the sdist, and the files of deploy/."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.support.processes import free_port, program

REPOSITORY = Path(__file__).parent.parent
DEPLOY = REPOSITORY / "deploy"
# What following the docs leaves in the folder, secrets among it.
LEFT_BEHIND = (
    "key.pem", "cert.pem", "tls.key", "users.csv", "appsettings.Production.json", "nginx.conf", "nginx-access.log",
    "App_Data/users.db", "App_Data/audit.jsonl", "dist/old.tar.gz", ".venv/pyvenv.cfg", "deploy/tls/key.pem",
    "deploy/.env", "src/asmx_tickets/__pycache__/errors.pyc",
)  # fmt: skip


@pytest.fixture
def tracked(tmp_path: Path) -> tuple[Path, set[str]]:
    """A copy of what git tracks, and its names."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("needs git and a clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    names = {name for name in listed.split("\0") if name and (REPOSITORY / name).is_file()}
    for name in names:
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / "clone" / name)
    return tmp_path / "clone", names


def build(folder: Path, target: str, out: Path) -> Path:
    """Build one distribution of a folder, without asking a network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.iterdir()
    return built


def test_an_sdist_of_a_dirty_folder_holds_what_git_tracks(tracked: tuple[Path, set[str]], tmp_path: Path) -> None:
    folder, names = tracked
    for name in LEFT_BEHIND:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("secret")
    with tarfile.open(build(folder, "sdist", tmp_path / "out")) as archive:
        packed = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert packed - {"PKG-INFO"} == names


def test_the_containerfile_copies_all_that_a_wheel_is_built_from(tmp_path: Path) -> None:
    steps = (DEPLOY / "Containerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (?!--)(.*) \S+$", steps, re.MULTILINE) for name in line.split()]
    (tmp_path / "context").mkdir()
    for name in copied:
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "context" / name)
    assert build(tmp_path / "context", "wheel", tmp_path / "out").suffix == ".whl"
    assert re.search(r"^USER (?!0|root)", steps, re.MULTILINE)


def test_the_lock_is_of_these_dependencies_and_of_the_public_index() -> None:
    """Whoever changes what is installed with the program runs ``uv lock``. No mirror gets into the lock."""
    lock = (REPOSITORY / "uv.lock").read_text()
    assert set(re.findall(r"https?://([^/\"]+)", lock)) == {"pypi.org", "files.pythonhosted.org"}
    packages = tomllib.loads(lock)["package"]
    (own,) = (package for package in packages if package["name"] == "asmx-tickets")
    locked = {
        (
            entry["name"],
            frozenset(SpecifierSet(entry.get("specifier", ""))),
            (re.findall(r"extra == '(\w+)'", entry.get("marker", "")) or [""])[0],
        )
        for entry in own["metadata"]["requires-dist"]
    }
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    for developers in ("test", "bench", "fuzz"):
        del groups[developers]
    declared = {
        (each.name, frozenset(each.specifier), extra)
        for extra, group in groups.items()
        for each in map(Requirement, group)
    }
    assert {each for each in locked if each[2] in groups} == declared, (
        "run: uv lock --default-index https://pypi.org/simple"
    )


class Container:
    """Follows the steps of the Containerfile in a folder that stands for the file system of every stage."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root
        self.environ = {"HOME": str(root), "PATH": f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}"}
        # Whom this machine trusts: uv does not ask the system.
        self.environ |= {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
        self.command: list[str] = []
        self.health_check: list[str] = []
        steps = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text())
        for step in steps.splitlines():
            instruction, _, rest = step.partition(" ")
            getattr(self, f"_{instruction.lower()}", lambda _rest: None)(rest)

    def run(self, command: list[str], **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self._here(word) for word in command],
            cwd=self.folder,
            env=self.environ | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _here(self, text: str) -> str:
        """The text with absolute paths of the image below the folder."""
        return re.sub(r"(?<![\w.:/])/(?=(opt|src|var)\b)", f"{self.root}/", text)

    def _workdir(self, rest: str) -> None:
        self.folder = Path(self._here(rest))
        self.folder.mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        *sources, target = rest.split()
        if sources[0].startswith("--from"):
            return  # All stages are one folder here.
        for name in sources:
            source, into = REPOSITORY / name, self.folder / target
            if source.is_dir():
                shutil.copytree(source, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, into)

    def _run(self, rest: str) -> None:
        done = self.run(["bash", "-euc", rest])
        output = done.communicate(timeout=600)[0]
        assert done.returncode == 0, f"{rest}\n{output}"

    def _env(self, rest: str) -> None:
        for pair in rest.split():
            name, _, value = self._here(pair).partition("=")
            self.environ[name] = value.replace("$PATH", self.environ["PATH"])

    def _healthcheck(self, rest: str) -> None:
        self.health_check = json.loads(rest.partition("CMD")[2])

    def _cmd(self, rest: str) -> None:
        self.command = json.loads(rest)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the steps give a folder to another user")
def test_the_steps_of_the_containerfile_end_in_a_server_that_is_healthy(tmp_path: Path) -> None:
    container = Container(tmp_path)
    port = str(free_port())
    server = container.run(container.command, Urls=f"http://*:{port}")
    try:
        assert server.stdout is not None
        assert any("answers at" in line for line in server.stdout)
        check = container.run([word.replace("8080", port) for word in container.health_check])
        said = check.communicate(timeout=30)[0]
        assert check.returncode == 0, said
        version = container.run(["asmx-tickets", "--version"]).communicate(timeout=30)[0]
        assert version.startswith("asmx-tickets ")
    finally:
        server.terminate()
        server.communicate(timeout=30)
    assert server.returncode == 0


def compose() -> dict[str, Any]:
    """The services of compose.yaml, by name."""
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services


def test_the_program_reads_the_settings_of_compose(tmp_path: Path) -> None:
    environment = {
        name: re.sub(r"\$\{POSTGRES_PASSWORD[^}]*\}", "s3cretWord", value)
        for name, value in compose()["tickets"]["environment"].items()
    }
    done = subprocess.run(
        [program("asmx-tickets", Path(sys.executable).parent), "settings"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "s3cretWord" not in done.stdout
    sources = json.loads(done.stdout)["sources"]
    for name in environment:
        assert sources[name.replace("__", ":")] == "environment", name


def test_compose_waits_for_what_can_be_healthy_and_keeps_what_must_last() -> None:
    """A service that another waits for has a health check of its own or the Containerfile's; volumes are declared."""
    whole = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert any("depends_on" in service for service in whole["services"].values())
    assert any("volumes" in service for service in whole["services"].values())
    for service in whole["services"].values():
        for name, wait in service.get("depends_on", {}).items():
            waited_for = whole["services"][name]
            assert wait == {"condition": "service_healthy"}
            assert "healthcheck" in waited_for or "HEALTHCHECK" in (DEPLOY / "Containerfile").read_text()
        for volume in service.get("volumes", []):
            assert volume.startswith("./") or volume.partition(":")[0] in whole["volumes"]


def test_nginx_of_compose_asks_a_service_that_is_there() -> None:
    upstream = re.search(r"server (\w+):8080;", (DEPLOY / "nginx.conf").read_text())
    assert upstream is not None
    assert upstream[1] in compose()
    assert compose()[upstream[1]]["environment"]["Urls"].endswith(":8080")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_nginx_takes_the_configuration_of_compose(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx.conf").read_text().replace("server tickets:8080", "server 127.0.0.1:8080")
    (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/nginx.pid;\n{text}")
    (tmp_path / "tls").mkdir()
    certificate = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    files = ["-keyout", "tls/key.pem", "-out", "tls/cert.pem"]
    subprocess.run(["openssl", *certificate, *files], cwd=tmp_path, capture_output=True, check=True)
    nginx = str(shutil.which("nginx"))
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", "nginx.conf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_is_valid_and_hardened(tmp_path: Path) -> None:
    text = (DEPLOY / "asmx-tickets.service").read_text()
    unit = tmp_path / "asmx-tickets.service"
    # The program is not installed where the unit says.
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert "asmx-tickets.service" not in verified.stderr
    security = ["systemd-analyze", "security", "--offline=true", str(unit)]
    hardened = subprocess.run(security, capture_output=True, text=True, check=False)
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", hardened.stdout)
    assert exposure is not None, hardened.stderr
    assert f"an exposure of {exposure[1]}" in (REPOSITORY / "docs" / "operations.md").read_text()
    assert float(exposure[1]) < 1.5


def test_the_docs_install_what_unit_and_compose_run() -> None:
    """Folder, account, program and services are the same in the steps that no test can follow."""
    steps = "".join(re.findall(r"```console\n(.*?)```", (REPOSITORY / "docs" / "operations.md").read_text(), re.DOTALL))
    unit = dict(re.findall(r"^(\w+)=(.+)$", (DEPLOY / "asmx-tickets.service").read_text(), re.MULTILINE))
    program = unit["ExecStart"].partition(" ")[0]
    assert f"{program.rpartition('/')[0]}/pip install" in steps
    assert f"sudo -u {unit['User']} {program} status" in steps
    assert f"useradd --system --home-dir {unit['WorkingDirectory']} --shell /usr/sbin/nologin {unit['User']}\n" in steps
    assert unit["WorkingDirectory"] == f"/var/lib/{unit['StateDirectory']}"
    assert set(re.findall(r"exec -T (\w+) ", steps)) <= set(compose())
    for file in re.findall(r"(?<![\w./])deploy/[\w.-]+", steps):
        assert (REPOSITORY / file).exists() or file == "deploy/.env", file


def test_the_unit_is_told_to_stop_in_time_and_reloads_by_the_signal_that_reads_settings_again() -> None:
    """The longest stop takes a minute to write tickets down, and a few seconds for what is under way."""
    unit = (DEPLOY / "asmx-tickets.service").read_text()
    assert "ExecReload=/bin/kill -HUP $MAINPID" in unit
    assert int(re.findall(r"^TimeoutStopSec=([0-9]+)$", unit, re.MULTILINE)[0]) > 60 + 9


def test_the_program_runs_without_memory_that_is_written_and_executed(tmp_path: Path) -> None:
    """MemoryDenyWriteExecute by the kernel's own switch, with every package that has or makes machine code."""
    program = (
        "import ctypes, sys\n"
        "if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0: sys.exit(77)\n"  # PR_SET_MDWE, Linux 6.3
        "import greenlet, httptools, lxml.etree, psycopg, redis, uvloop\n"
        "from asmx_tickets.users.hash_parameters import HashParameters\n"
        "from asmx_tickets.users.passwords import PasswordHasher\n"
        "hasher = PasswordHasher(HashParameters())\n"
        "assert hasher.verify(hasher.hash('x'), 'x').ok\n"
        "uvloop.new_event_loop().close()\n"
        "print(greenlet.greenlet(lambda: 'ran').switch())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("needs Linux 6.3")
    assert done.stdout == "ran\n", done.stderr
