"""SECURITY R4: the audit log on standard output, read or not."""

import os
import socket

import pytest

from asmx_tickets.audit import AuditStream, written
from asmx_tickets.errors import Unavailable
from tests.audit.records import LOGIN, NOW


def test_a_reader_that_is_stuck_fails_the_write_and_tears_no_line() -> None:
    """SECURITY R4: no write waits for ever. Once somebody reads again, the log goes on with whole lines."""
    reading, writing = os.pipe()
    log = AuditStream(writing, clock=lambda: NOW)
    line = written(LOGIN, NOW)
    fits = 0
    with pytest.raises(Unavailable):
        while True:
            log.write(LOGIN)
            fits += 1

    while fits:
        taken = os.read(reading, len(line))
        assert taken == line
        fits -= 1
    log.write(LOGIN)
    assert os.read(reading, 4096) == line
    log.close()
    os.close(reading)
    os.close(writing)


def test_standard_output_can_be_a_socket() -> None:
    """As under systemd."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        log = AuditStream(ours.fileno(), clock=lambda: NOW)
        log.write(LOGIN)
        assert theirs.recv(4096) == written(LOGIN, NOW)
        log.close()


def test_a_reader_that_is_gone_fails_the_write() -> None:
    reading, writing = os.pipe()
    log = AuditStream(writing)
    os.close(reading)
    with pytest.raises(Unavailable):
        log.write(LOGIN)
    log.close()
    os.close(writing)
