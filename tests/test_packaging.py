"""What is handed out: the sdist, and the files of deploy/."""

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.processes import program

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
    # The threshold is in tenths: an exposure of 3.0 or more fails.
    security = ["systemd-analyze", "security", "--offline=true", "--threshold=29", str(unit)]
    hardened = subprocess.run(security, capture_output=True, text=True, check=False)
    assert hardened.returncode == 0, hardened.stdout[-300:]
