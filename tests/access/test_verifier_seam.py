"""Another source of users can stand in for ours: one that keeps no hashes and checks passwords by itself."""

import pytest

from asmx_tickets.access.logon import Logons
from asmx_tickets.access.refusals import AuthenticationFailed
from asmx_tickets.errors import Unavailable
from asmx_tickets.throttling import LOGINS, MemoryThrottle
from asmx_tickets.users.user import Profile, User
from asmx_tickets.users.verifier import Claim, Reason, Verifier
from tests.support.rules import CALLER, Rules

KIM = User(7, Profile("kim"), 1, None, None)


class Bind(Claim):
    """A claim that a directory server decides."""

    def __init__(self, source: "DirectoryServer", user: User | None) -> None:
        self._source = source
        self._user = user

    @property
    def user(self) -> User | None:
        return self._user

    def verify(self, password: str, *, owner: str) -> User | Reason:
        self._source.asked.append(f"bind {owner}")
        if self._user is None:
            return Reason.UNKNOWN_USER
        return self._user if password == "right" else Reason.WRONG_PASSWORD

    def pretend(self, password: str, *, owner: str) -> None:
        self._source.asked.append("pretend")

    def note_logon(self, password: str) -> None:
        self._source.asked.append("logged on")


class DirectoryServer(Verifier):
    """Knows one user."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def claim(self, user_name: str) -> Bind:
        return Bind(self, KIM if user_name == "kim" else None)


def test_a_source_without_hashes_can_log_users_on(rules: Rules) -> None:
    source = DirectoryServer()
    logons = Logons(verifier=source, throttle=MemoryThrottle(LOGINS, clock=rules.clock), audit=rules.notebook)
    assert logons.check("kim", "right", CALLER) == KIM
    assert source.asked == ["bind 192.0.2.7", "logged on"]
    assert rules.noted() == []
    for name, password in [("kim", "wrong"), ("lee", "right")]:
        with pytest.raises(AuthenticationFailed):
            logons.check(name, password, CALLER)
    assert rules.noted() == [("login_refused", "kim", "wrong password"), ("login_refused", "lee", "unknown user")]


def test_a_waiting_account_costs_the_same_time_and_its_password_is_not_looked_at(rules: Rules) -> None:
    source = DirectoryServer()
    logons = Logons(verifier=source, throttle=MemoryThrottle(LOGINS, clock=rules.clock), audit=rules.notebook)
    for _ in range(5):
        with pytest.raises(AuthenticationFailed):
            logons.check("kim", "wrong", CALLER)
    assert rules.noted()[-1] == ("lock", "kim", "until 1 s have passed")
    source.asked.clear()
    with pytest.raises(AuthenticationFailed):
        logons.check("kim", "right", CALLER)
    assert source.asked == ["pretend"]
    assert [line[2].partition(":")[0] for line in rules.noted()] == ["throttled"]


def test_a_logon_that_can_not_be_written_down_is_good(rules: Rules, caplog: pytest.LogCaptureFixture) -> None:
    """SECURITY A2. Many of them are one line in the log."""

    class Full(Bind):
        def note_logon(self, password: str) -> None:
            raise Unavailable("the disk is full")

    class Source(DirectoryServer):
        def claim(self, user_name: str) -> Bind:
            return Full(self, KIM)

    logons = Logons(verifier=Source(), throttle=MemoryThrottle(LOGINS, clock=rules.clock), audit=rules.notebook)
    for _ in range(20):
        assert logons.check("kim", "right", CALLER) == KIM
    assert caplog.messages == [f"logons are not written down, first of user {KIM.id}: the disk is full"]
