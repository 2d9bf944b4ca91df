"""Short ways to make attempts."""

import time
from collections.abc import Callable
from typing import TypeVar

from asmx_tickets.errors import Unavailable
from asmx_tickets.throttling import Admission, Attempt, Throttle

T = TypeVar("T")

ADMITTED, BUSY, ACCOUNT, DISABLED, ADDRESS = Admission


def attempt(account: str = "42:3", *, known: bool = True, address: str = "192.0.2.1") -> Attempt:
    return Attempt(account, known, address)


def fail(throttle: Throttle, account: str = "42:3", *, known: bool = True, address: str = "192.0.2.1") -> Admission:
    """One attempt with a wrong password; whether it was admitted."""
    tried = attempt(account, known=known, address=address)
    admission = throttle.admit(tried)
    if admission is ADMITTED:
        throttle.failed(tried)
    return admission


def succeed(throttle: Throttle, account: str = "42:3", *, known: bool = True, address: str = "192.0.2.1") -> Admission:
    """One attempt with the right password; whether it was admitted."""
    tried = attempt(account, known=known, address=address)
    admission = throttle.admit(tried)
    if admission is ADMITTED:
        throttle.succeeded(tried)
    return admission


def lock(throttle: Throttle, account: str = "42:3", *, known: bool = True, address: str = "192.0.2.1") -> None:
    """The five failures that make an account wait a second."""
    assert [fail(throttle, account, known=known, address=address) for _ in range(5)] == [ADMITTED] * 5


def once_available(call: Callable[[], T], seconds: float = 10) -> T:
    """What a call gives once its store is back; the client's circuit may take a moment to see that."""
    end = time.monotonic() + seconds
    while True:
        try:
            return call()
        except Unavailable:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
