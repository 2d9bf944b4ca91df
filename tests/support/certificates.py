"""Certificates that the tests make for themselves."""

import subprocess
from pathlib import Path

from tests.support.processes import program


def self_signed(folder: Path, *extensions: str) -> tuple[Path, Path]:
    """A self-signed certificate for ``localhost`` and its key, both in PEM form."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    command = [program("openssl"), *words.split(), *(word for each in extensions for word in ("-addext", each))]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=30)
    return certificate, key
