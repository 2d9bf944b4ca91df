"""A certificate from files, and what happens when they change."""

import contextlib
import logging
import os
import ssl
import subprocess
from pathlib import Path

import pytest

from asmx_tickets.errors import SettingsError
from asmx_tickets.hosting.tls import Certificates
from asmx_tickets.settings.http_sections import Certificate
from tests.support.processes import program


def make(folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return make(tmp_path, "first")


@pytest.fixture
def certificates(pair: tuple[Path, Path]) -> Certificates:
    return Certificates(Certificate(path=str(pair[0]), key_path=str(pair[1])))


def shown_by(certificates: Certificates) -> str:
    """The name in the certificate that a new connection gets."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server)
    there = certificates.context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (here, there):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    der = here.getpeercert(binary_form=True)
    assert der is not None
    return "second" if b"second" in der else "first"


def test_a_renewed_pair_is_taken_up(tmp_path: Path, pair: tuple[Path, Path], certificates: Certificates) -> None:
    """The files may be replaced one after the other: until both are, the old pair stays in use."""
    certificate, key = make(tmp_path, "second")
    assert shown_by(certificates) == "first"
    certificate.replace(pair[0])
    certificates.renew()
    assert shown_by(certificates) == "first"
    key.replace(pair[1])
    certificates.renew()
    assert shown_by(certificates) == "second"


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\x00" * 5000])
def test_a_bad_renewal_changes_nothing(
    pair: tuple[Path, Path], certificates: Certificates, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so once, in one line."""
    pair[0].write_bytes(content)
    with caplog.at_level(logging.ERROR):
        certificates.renew()
        certificates.renew()
    assert len(caplog.messages) == 1
    assert str(pair[0]) in caplog.messages[0]
    assert shown_by(certificates) == "first"


def test_a_file_that_is_missing_changes_nothing(
    pair: tuple[Path, Path], certificates: Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    pair[1].rename(pair[1].with_suffix(".old"))
    certificates.renew()
    assert caplog.messages == []
    assert shown_by(certificates) == "first"


def test_a_file_that_disappears_while_it_is_read_is_not_an_error(
    pair: tuple[Path, Path], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task that renews also tells the supervisor that the worker runs, so it must not fail."""
    os.utime(pair[0])

    def gone(_: Path) -> bytes:
        pair[0].unlink(missing_ok=True)
        return b""

    monkeypatch.setattr(Path, "read_bytes", gone)
    certificates.renew()
    assert shown_by(certificates) == "first"


def test_a_password_too_long_for_openssl_is_refused_in_one_line(pair: tuple[Path, Path], tmp_path: Path) -> None:
    locked = tmp_path / "locked.key"
    subprocess.run(
        [program("openssl"), "pkey", "-aes128", "-passout", "pass:secret", "-in", pair[1], "-out", locked],
        check=True, capture_output=True,
    )  # fmt: skip
    with pytest.raises(SettingsError, match="can't be used") as error:
        Certificates(Certificate(path=str(pair[0]), key_path=str(locked), password="x" * 2000))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    assert "xxx" not in str(error.value)


def test_other_files_may_replace_them(tmp_path: Path, certificates: Certificates) -> None:
    """After a reload of the settings. Files that can't be used change nothing, and the files in use are watched."""
    certificate, key = make(tmp_path, "second")
    with pytest.raises(SettingsError, match="can't be used"):
        certificates.change(Certificate(path=str(certificate), key_path=str(certificate)))
    certificates.renew()
    assert shown_by(certificates) == "first"
    certificates.change(Certificate(path=str(certificate), key_path=str(key)))
    assert shown_by(certificates) == "second"
    for renewed, used in zip(make(tmp_path, "first"), (certificate, key), strict=True):
        renewed.replace(used)
    certificates.renew()
    assert shown_by(certificates) == "first"
