"""What every throttle does, whatever it counts in. Time moves through ``pass_time`` only."""

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from asmx_tickets.throttling import (
    LOGINS,
    TRUSTED_PASSWORDS,
    AccountRule,
    AddressRule,
    AlarmRule,
    Attempt,
    Failures,
    ThrottleRules,
)
from asmx_tickets.throttling.guarding import guarding
from asmx_tickets.throttling.throttle import DECIDED_WITHIN, KEPT, MAX_NETWORKS
from tests.support.throttles import ACCOUNTS, ADDRESSES, MakeThrottle
from tests.throttling.attempts import ACCOUNT, ADDRESS, ADMITTED, BUSY, DISABLED, attempt, fail, lock, succeed

HOUR = 3600.0
DAY = 24 * HOUR
WAITS = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, *[900] * 86, HOUR, HOUR]
HOME, OFFICE, ELSEWHERE = "198.51.100.1", "198.51.100.2", "203.0.113.9"

PassTime = Callable[[float], None]


def test_waits_after_each_failure_as_long_as_the_table_says(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """SECURITY B1, D19: from the 5th on 2^(n-5) seconds, 15 minutes at most, to the millisecond; beyond 100 an hour."""
    throttle = make_throttle(ACCOUNTS)
    for wait in WAITS:
        tried = attempt()
        assert throttle.admit(tried) is ADMITTED
        assert throttle.failed(tried) == wait
        if wait:
            assert fail(throttle) is ACCOUNT
            pass_time(wait - 0.001)
            assert fail(throttle) is ACCOUNT
            pass_time(0.001)


def test_where_the_rule_says_so_many_failures_disable_a_password(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """No waiting helps."""
    throttle = make_throttle(ThrottleRules(AccountRule(disable_at=100), None))
    for wait in WAITS[:99]:
        assert fail(throttle) is ADMITTED
        pass_time(wait)
    tried = attempt()
    assert throttle.admit(tried) is ADMITTED
    assert throttle.failed(tried) == math.inf
    pass_time(31 * DAY)
    assert fail(throttle) is DISABLED


def test_of_twenty_wrong_passwords_five_are_looked_at_and_the_right_one_is_not(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """SECURITY B1, D14. After the wait the right one is, and then all failures are forgotten."""
    throttle = make_throttle()
    assert [fail(throttle) for _ in range(20)] == [ADMITTED] * 5 + [ACCOUNT] * 15
    assert succeed(throttle) is ACCOUNT
    pass_time(1)
    assert succeed(throttle) is ADMITTED
    lock(throttle)


def test_a_storm_of_ten_minutes(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """SECURITY B1: two guesses a second get 5 at once and one after each of 1, 2, 4, … 256 seconds looked at."""
    throttle = make_throttle(ACCOUNTS)
    looked_at = 0
    for _ in range(1200):
        looked_at += fail(throttle) is ADMITTED
        pass_time(0.5)
    assert looked_at == 5 + 9


def test_a_refused_attempt_changes_nothing(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    throttle = make_throttle(ThrottleRules(AccountRule(), AddressRule(burst=6, seconds=100.0)))
    lock(throttle)
    for _ in range(40):
        assert fail(throttle) is ACCOUNT
        pass_time(0.025)
    assert fail(throttle) is ADMITTED
    assert [fail(throttle, "43:1") for _ in range(40)] == [ADDRESS] * 40
    pass_time(100 - 1)
    assert fail(throttle, "43:1") is ADMITTED


def test_accounts_wait_each_for_themselves(make_throttle: MakeThrottle) -> None:
    """Accounts with other keys, and an unknown one whose name reads like a known one's key."""
    throttle = make_throttle()
    lock(throttle)
    assert fail(throttle, "43:1") is ADMITTED
    assert fail(throttle, "42:4") is ADMITTED
    assert fail(throttle, known=False) is ADMITTED


def test_a_known_and_an_unknown_account_can_not_be_told_apart(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """SECURITY B2: the same sequence of guesses, pauses and killed processes gets the same answers."""
    throttle = make_throttle(ThrottleRules(AccountRule(disable_at=100), None))
    for step in range(130):
        answers = []
        for known in (True, False):
            tried = [attempt(known=known) for _ in range(3)]
            admissions = [throttle.admit(each) for each in tried]
            waits = [throttle.failed(tried[0]), throttle.abandoned(tried[1])] if step % 7 else []
            answers.append((admissions, waits))
        assert answers[0] == answers[1]
        pass_time((0.3, 2, 30, 900, 11 * HOUR, 13 * HOUR)[step % 6])
    assert fail(throttle) is fail(throttle, known=False) is DISABLED


def test_twelve_hours_without_a_failure_end_the_wait_but_not_the_count(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    throttle = make_throttle(ACCOUNTS)
    for pause, next_waits in ((12 * HOUR - 0.001, [8, 16]), (12 * HOUR, [0, 0, 0, 0, 1])):
        succeed(throttle)
        for wait in WAITS[:7]:
            fail(throttle)
            pass_time(wait)
        pass_time(pause - 4)
        for wait in next_waits:
            tried = attempt()
            assert throttle.admit(tried) is ADMITTED
            assert throttle.failed(tried) == wait
            pass_time(wait)


def test_waiting_does_not_end_a_row_of_many_failures(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """SECURITY D19: a success from anywhere does."""
    throttle = make_throttle(ACCOUNTS)
    succeed(throttle, address=HOME)
    for _ in range(100):
        assert fail(throttle, address=ELSEWHERE) is ADMITTED
        pass_time(12 * HOUR)
    tried = attempt(address=ELSEWHERE)
    assert throttle.admit(tried) is ADMITTED
    assert throttle.failed(tried) == HOUR
    assert succeed(throttle, address=HOME) is ACCOUNT  # It was known for 30 days.
    pass_time(HOUR)
    assert succeed(throttle, address=HOME) is ADMITTED
    lock(throttle, address=ELSEWHERE)


def test_is_not_disabled_where_the_rule_says_never(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    throttle = make_throttle(ThrottleRules(AccountRule(disable_at=0), None))
    for _ in range(250):
        assert fail(throttle) is ADMITTED
        pass_time(HOUR)


def test_no_more_are_undecided_than_may_fail_before_the_account_is_disabled(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """Even where more would be free."""
    throttle = make_throttle(ThrottleRules(AccountRule(free=5, disable_at=6), None))
    for _ in range(4):
        fail(throttle)
    pass_time(12 * HOUR)
    assert [throttle.admit(attempt()) for _ in range(4)] == [ADMITTED] * 2 + [BUSY] * 2


def test_nobody_is_shut_out_of_a_network_that_the_account_knows(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """SECURITY D19: while somebody asks every 5 seconds for 30 minutes, from as many addresses."""
    throttle = make_throttle()
    for known in (HOME, OFFICE):
        succeed(throttle, address=known)
    for n in range(360):
        fail(throttle, address=f"203.0.113.{n % 250}")
        assert succeed(throttle, address=(HOME, OFFICE)[n % 2]) is ADMITTED
        pass_time(5)


def test_a_network_that_the_account_knows_has_its_own_waits(make_throttle: MakeThrottle) -> None:
    """Failures there shut nobody out elsewhere, and failures elsewhere shut nobody out there."""
    throttle = make_throttle()
    succeed(throttle, address=HOME)
    succeed(throttle, address=OFFICE)
    lock(throttle, address=HOME)
    lock(throttle, address=ELSEWHERE)
    assert fail(throttle, address=HOME) is ACCOUNT
    assert fail(throttle, address="203.0.113.10") is ACCOUNT
    lock(throttle, address=OFFICE)
    assert fail(throttle, address=OFFICE) is ACCOUNT


def test_all_networks_that_an_account_does_not_know_have_one_count(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    assert [fail(throttle, address=f"203.0.113.{n}") for n in range(7)] == [ADMITTED] * 5 + [ACCOUNT] * 2


def test_a_network_is_known_for_thirty_days_after_a_success(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    throttle = make_throttle()
    succeed(throttle, address=HOME)
    pass_time(29 * DAY)
    succeed(throttle, address=HOME)
    pass_time(30 * DAY - 0.001)
    lock(throttle, address=ELSEWHERE)
    assert succeed(throttle, "43", address=HOME) is ADMITTED
    tried = attempt(address=HOME)
    assert throttle.admit(tried) is ADMITTED
    throttle.abandoned(tried)
    pass_time(0.001)
    assert throttle.admit(attempt(address=HOME)) is ACCOUNT


def test_a_success_ends_the_row_of_all_unknown_networks(make_throttle: MakeThrottle) -> None:
    """And that of its own network, but no other known one's."""
    throttle = make_throttle()
    succeed(throttle, address=HOME)
    succeed(throttle, address=OFFICE)
    lock(throttle, address=OFFICE)
    lock(throttle, address=ELSEWHERE)
    assert succeed(throttle, address=HOME) is ADMITTED
    assert fail(throttle, address=OFFICE) is ACCOUNT
    lock(throttle, address=ELSEWHERE)


def test_a_new_password_ends_waits_and_keeps_the_known_networks(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    succeed(throttle, address=HOME)
    lock(throttle, address=HOME)
    lock(throttle, address=ELSEWHERE)
    for address in (HOME, ELSEWHERE):
        tried = Attempt("42:3", True, address, stamp=1)
        assert throttle.admit(tried) is ADMITTED
        throttle.abandoned(tried)
    for _ in range(5):
        tried = Attempt("42:3", True, ELSEWHERE, stamp=1)
        assert throttle.admit(tried) is ADMITTED
        throttle.failed(tried)
    assert throttle.admit(Attempt("42:3", True, HOME, stamp=1)) is ADMITTED


def test_an_account_knows_so_many_networks_and_no_more(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """Those of the latest logons, so that what is kept of an account is bounded."""
    throttle = make_throttle(ACCOUNTS)
    for n in range(MAX_NETWORKS + 1):
        succeed(throttle, address=f"10.0.{n // 250}.{n % 250}")
        pass_time(1)
    lock(throttle, address=ELSEWHERE)
    assert fail(throttle, address="10.0.0.1") is ADMITTED
    assert fail(throttle, address="10.0.0.0") is ACCOUNT


def test_an_operator_sees_failures_and_forgets_them(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """Unknown accounts are not shown. An account is locked only as long as it has to wait."""
    throttle = make_throttle()
    assert throttle.failures("42:3") == ()
    assert not throttle.unlock("42:3")
    succeed(throttle, address=HOME)
    fail(throttle, address=HOME)
    pass_time(2)
    for n in range(6):
        fail(throttle, address=f"203.0.113.{n}")
    lock(throttle, "jsmith", known=False)
    pass_time(0.25)
    others, home = sorted(throttle.failures("42:3"), key=lambda each: each.network)
    assert others == Failures("", 5, 0.75, False, "203.0.113.4", 0.25)
    assert home == Failures(HOME, 1, 0.0, False, HOME, 2.25)
    assert [*throttle.locked()] == ["42:3"]
    assert throttle.unlock("42:3")
    assert throttle.failures("42:3") == ()
    assert [*throttle.locked()] == []
    assert fail(throttle, address=HOME) is ADMITTED
    lock(throttle, address=ELSEWHERE)
    assert fail(throttle, address=HOME) is ADMITTED
    pass_time(1)
    assert [*throttle.locked()] == []


def test_an_operator_sees_what_is_disabled(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    throttle = make_throttle(ThrottleRules(AccountRule(free=1, disable_at=1), None))
    fail(throttle)
    pass_time(400)
    assert throttle.failures("42:3") == (Failures("", 1, 0.0, True, "192.0.2.1", 400.0),)
    assert [*throttle.locked()] == ["42:3"]


def test_many_locked_accounts_are_listed_once_each(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(ThrottleRules(AccountRule(free=1, first_wait=60.0), None))
    for n in range(700):
        fail(throttle, str(n))
    assert sorted(throttle.locked(), key=int) == [str(n) for n in range(700)]


def test_of_fifty_guesses_at_one_instant_five_are_looked_at(make_throttle: MakeThrottle) -> None:
    """SECURITY B3: while these are undecided the others are busy, and once they have failed the others are refused."""
    throttle = make_throttle()
    tried = [attempt() for _ in range(50)]
    admissions = [throttle.admit(each) for each in tried]
    assert admissions == [ADMITTED] * 5 + [BUSY] * 45
    for each in tried[:4]:
        assert throttle.failed(each) == 0
        assert throttle.admit(tried[-1]) is BUSY
    assert throttle.failed(tried[4]) == 1
    assert throttle.admit(tried[-1]) is ACCOUNT


def test_after_a_wait_one_is_looked_at(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    throttle = make_throttle()
    lock(throttle)
    pass_time(1)
    tried = [attempt() for _ in range(10)]
    assert [throttle.admit(each) for each in tried] == [ADMITTED] + [BUSY] * 9
    assert throttle.failed(tried[0]) == 2
    assert throttle.admit(tried[1]) is ACCOUNT


def test_of_fifty_threads_that_guess_at_once_five_are_admitted(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    start = threading.Barrier(50)

    def guess(_: int) -> Any:
        start.wait()
        return throttle.admit(attempt())

    with ThreadPoolExecutor(50) as threads:
        admissions = list(threads.map(guess, range(50)))
    assert sorted(admissions) == sorted([ADMITTED] * 5 + [BUSY] * 45)


def test_fifty_right_logins_at_once_all_get_in(make_throttle: MakeThrottle) -> None:
    """None is refused because others are undecided, not even right after failures."""
    throttle = make_throttle()
    for _ in range(4):
        fail(throttle)
    start = threading.Barrier(50)

    def log_in(_: int) -> bool:
        start.wait()
        with guarding(throttle, attempt(), patience=60.0) as outcome:
            outcome.succeeded()
        return True

    with ThreadPoolExecutor(50) as threads:
        assert all(threads.map(log_in, range(50)))


def test_a_success_makes_room_for_those_that_wait_for_it(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    succeed(throttle)
    tried = [attempt() for _ in range(7)]
    assert [throttle.admit(each) for each in tried] == [ADMITTED] * 5 + [BUSY] * 2
    throttle.succeeded(tried[0])
    assert [throttle.admit(each) for each in tried[5:]] == [ADMITTED, BUSY]


def test_an_abandoned_attempt_leaves_all_as_it_was(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """SECURITY R3: a login that a store was down for is no failed password."""
    throttle = make_throttle(ThrottleRules(AccountRule(), AddressRule(burst=5, seconds=100.0)))
    for _ in range(4):
        fail(throttle)
    for _ in range(50):
        tried = attempt()
        assert throttle.admit(tried) is ADMITTED
        throttle.abandoned(tried)
        pass_time(0.5)
    tried = attempt()
    assert throttle.admit(tried) is ADMITTED
    assert throttle.failed(tried) == 1
    assert fail(throttle, "43:1") is ADDRESS


def test_attempts_that_are_never_decided_fail_after_ten_seconds(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """Their process was killed. The wait begins when they fail, not when somebody asks."""
    throttle = make_throttle(ThrottleRules(AccountRule(), AddressRule(burst=5, seconds=100.0)))
    for _ in range(5):
        assert throttle.admit(attempt()) is ADMITTED
    pass_time(DECIDED_WITHIN - 0.001)
    assert throttle.admit(attempt()) is BUSY
    assert throttle.admit(attempt("43:1")) is BUSY
    pass_time(0.001)
    assert throttle.admit(attempt(address="192.0.2.2")) is ACCOUNT
    assert throttle.admit(attempt("43:1")) is ADDRESS
    pass_time(0.999)
    assert throttle.admit(attempt(address="192.0.2.2")) is ACCOUNT
    pass_time(0.001)
    assert throttle.admit(attempt(address="192.0.2.2")) is ADMITTED


@pytest.mark.parametrize("outcome", ["failed", "abandoned"])
def test_an_outcome_that_comes_too_late_does_not_count(
    make_throttle: MakeThrottle, pass_time: PassTime, outcome: str
) -> None:
    throttle = make_throttle()
    tried = [attempt() for _ in range(4)]
    for each in tried:
        throttle.admit(each)
    pass_time(DECIDED_WITHIN)
    for each in tried:
        getattr(throttle, outcome)(each)
    assert [fail(throttle) for _ in range(2)] == [ADMITTED, ACCOUNT]


def test_a_success_that_comes_late_still_forgets_the_failures(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    throttle = make_throttle()
    tried = attempt()
    throttle.admit(tried)
    pass_time(DECIDED_WITHIN)
    throttle.succeeded(tried)
    lock(throttle)


def test_an_attempt_has_one_outcome(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    tried = attempt()
    throttle.admit(tried)
    for _ in range(10):
        assert throttle.failed(tried) == 0
        throttle.abandoned(tried)
    assert [fail(throttle) for _ in range(5)] == [ADMITTED] * 4 + [ACCOUNT]


def test_an_attempt_that_asks_again_counts_once(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(ThrottleRules(AccountRule(), AddressRule(burst=5)))
    others = [attempt() for _ in range(4)]
    for each in others:
        throttle.admit(each)
    tried = attempt()
    assert [throttle.admit(tried) for _ in range(10)] == [ADMITTED] * 10
    assert throttle.admit(attempt()) is BUSY
    throttle.abandoned(tried)
    assert throttle.admit(attempt()) is ADMITTED


def test_an_address_has_thirty_failures_and_one_more_every_three_seconds(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """SECURITY B4: whatever the names."""
    throttle = make_throttle()
    assert [fail(throttle, f"name{n}", known=False) for n in range(31)] == [ADMITTED] * 30 + [ADDRESS]
    for n in range(10):
        pass_time(2.999)
        assert fail(throttle, f"42:{n}") is ADDRESS
        pass_time(0.001)
        assert fail(throttle, f"42:{n}") is ADMITTED
    pass_time(90)
    assert [fail(throttle, f"name{n}", known=False) for n in range(31)] == [ADMITTED] * 30 + [ADDRESS]


def test_a_spray_of_many_names_is_slowed(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """SECURITY B4: ten minutes with two guesses a second, each at another name."""
    throttle = make_throttle()
    looked_at = 0
    for n in range(1200):
        looked_at += fail(throttle, f"name{n}", known=False) is ADMITTED
        pass_time(0.5)
    assert looked_at == 30 + 199


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("unix:", "no address", False),
        ("", "", True),
        ("x" * 100_000, "x" * 100_001, True),
        ("\udcff", "\udcff", True),
    ],
)
def test_what_counts_as_one_address(make_throttle: MakeThrottle, one: str, other: str, same: bool) -> None:
    throttle = make_throttle(ThrottleRules(None, AddressRule(burst=1)))
    assert fail(throttle, address=one) is ADMITTED
    assert fail(throttle, address=other) is (ADDRESS if same else ADMITTED)


def test_right_logins_take_nothing_from_their_address(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(ADDRESSES)
    assert [succeed(throttle) for _ in range(100)] == [ADMITTED] * 100
    tried = [attempt() for _ in range(31)]
    assert [throttle.admit(each) for each in tried] == [ADMITTED] * 30 + [BUSY]
    for each in tried[:30]:
        throttle.succeeded(each)
    assert [fail(throttle) for _ in range(31)] == [ADMITTED] * 30 + [ADDRESS]


def test_a_right_login_gives_its_address_no_failures_back(make_throttle: MakeThrottle) -> None:
    """Whoever has one password may not guess more of others for it."""
    throttle = make_throttle()
    answers = []
    for n in range(40):
        answers.append(fail(throttle, f"name{n}", known=False))
        succeed(throttle)
    assert answers == [ADMITTED] * 30 + [ADDRESS] * 10


def test_of_two_reasons_the_graver_is_given(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """Address, whose refusal is cheap, comes before disabled, disabled before waiting, waiting before busy."""
    throttle = make_throttle(
        ThrottleRules(AccountRule(free=2, disable_at=3, longest_wait=1.0), AddressRule(burst=3, seconds=100.0))
    )
    assert throttle.admit(attempt("43:1")) is ADMITTED
    assert [fail(throttle), fail(throttle)] == [ADMITTED] * 2
    assert throttle.admit(attempt()) is ACCOUNT
    assert throttle.admit(attempt("44:1")) is BUSY
    assert throttle.admit(attempt(address="192.0.2.2")) is ACCOUNT
    pass_time(DECIDED_WITHIN)
    assert throttle.admit(attempt("44:1")) is ADDRESS
    assert throttle.admit(attempt()) is ADDRESS
    assert fail(throttle, address="192.0.2.3") is ADMITTED
    assert throttle.admit(attempt(address="192.0.2.4")) is DISABLED
    assert throttle.admit(attempt()) is ADDRESS


def test_a_flood_of_unknown_names_costs_no_known_account_its_count(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """SECURITY B2: of unknown accounts those with the latest attempts are remembered."""
    throttle = make_throttle(ACCOUNTS, max_unknown=20)
    lock(throttle)
    lock(throttle, "jsmith", known=False)
    lock(throttle, "late", known=False)
    for n in range(18):
        pass_time(0.01)
        fail(throttle, f"name{n}", known=False)
    assert fail(throttle, "jsmith", known=False) is ACCOUNT
    pass_time(0.83)
    assert fail(throttle, "late", known=False) is ADMITTED
    for n in range(18, 37):
        pass_time(0.01)
        fail(throttle, f"name{n}", known=False)
    assert fail(throttle, "late", known=False) is ACCOUNT
    assert [fail(throttle, "jsmith", known=False) for _ in range(5)] == [ADMITTED] * 5
    tried = attempt()
    assert throttle.admit(tried) is ADMITTED
    assert throttle.failed(tried) == 2


def test_of_known_accounts_all_are_remembered(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(ACCOUNTS, max_unknown=3)
    for n in range(10):
        lock(throttle, f"{n}:1")
    assert [fail(throttle, f"{n}:1") for n in range(10)] == [ACCOUNT] * 10


def test_of_many_addresses_those_with_the_latest_attempts_are_remembered(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    throttle = make_throttle(ThrottleRules(None, AddressRule(burst=1, seconds=100.0)), max_addresses=10)
    for n in range(11):
        assert fail(throttle, address=f"192.0.2.{n}") is ADMITTED
        pass_time(0.01)
    assert fail(throttle, address="192.0.2.1") is ADDRESS
    assert fail(throttle, address="192.0.2.0") is ADMITTED


def test_an_account_without_attempts_for_long_is_forgotten(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """So that what is kept is bounded, even where accounts are deleted."""
    throttle = make_throttle(ThrottleRules(AccountRule(disable_at=5), None))
    lock(throttle)
    pass_time(KEPT - 0.001)
    fail(throttle, "43:1")
    assert fail(throttle) is DISABLED
    pass_time(0.001)
    fail(throttle, "44:1")
    assert fail(throttle) is ADMITTED


def test_a_clock_that_steps_back_makes_nobody_wait_longer_than_from_then_on(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """SECURITY R5: at an account, at an address, and for undecided attempts."""
    throttle = make_throttle(ThrottleRules(AccountRule(), AddressRule(burst=6, seconds=2.0)))
    lock(throttle)
    assert throttle.admit(attempt("43:1")) is ADMITTED
    pass_time(-HOUR)
    assert throttle.admit(attempt()) is ACCOUNT
    assert throttle.admit(attempt("44:1")) is BUSY
    pass_time(1)
    assert succeed(throttle, address="192.0.2.2") is ADMITTED
    assert throttle.admit(attempt("44:1")) is BUSY
    pass_time(DECIDED_WITHIN - 1)
    assert [fail(throttle, f"45:{n}") for n in range(6)] == [ADMITTED] * 5 + [ADDRESS]


def test_what_was_once_found_failed_stays_so_when_the_clock_steps_back(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    throttle = make_throttle()
    for _ in range(5):
        throttle.admit(attempt())
    pass_time(DECIDED_WITHIN)
    assert throttle.admit(attempt()) is ACCOUNT
    pass_time(-HOUR)
    assert throttle.admit(attempt()) is ACCOUNT


def test_a_clock_that_steps_ahead_ends_waits_and_keeps_counts(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """SECURITY R5. When it is set right, what was noted meanwhile counts from then on."""
    throttle = make_throttle(ThrottleRules(AccountRule(disable_at=8), None))
    lock(throttle)
    pass_time(31 * DAY)
    assert fail(throttle) is ADMITTED
    assert fail(throttle) is ADMITTED
    pass_time(-31 * DAY)
    assert fail(throttle) is ADMITTED
    assert fail(throttle) is DISABLED


def test_raises_an_alarm_for_so_many_failures_in_any_such_time_and_refuses_nobody(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """SECURITY B6. Once, until that time has passed."""
    told: list[str] = []
    throttle = make_throttle(ThrottleRules(None, None, AlarmRule(failures=5, seconds=100.0)), on_alarm=told.append)
    for _ in range(20):
        assert fail(throttle) is ADMITTED
        assert succeed(throttle) is ADMITTED
        pass_time(25)
    assert told == []
    for _ in range(5):
        fail(throttle)
    assert told == ["5 failures within 100 seconds"]
    for _ in range(12):
        assert fail(throttle) is ADMITTED
        pass_time(8)
    pass_time(3.999)
    fail(throttle)
    assert len(told) == 1
    pass_time(0.001)
    fail(throttle)
    assert len(told) == 2


def test_an_alarm_is_not_put_off_by_a_clock_that_steps_back(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    told: list[str] = []
    throttle = make_throttle(ThrottleRules(None, None, AlarmRule(failures=2, seconds=100.0)), on_alarm=told.append)
    fail(throttle)
    fail(throttle)
    pass_time(-DAY)
    fail(throttle)
    assert len(told) == 1
    pass_time(100)
    fail(throttle)
    fail(throttle)
    assert len(told) == 2


def test_trusted_passwords_have_five_failures_in_fifteen_minutes(
    make_throttle: MakeThrottle, pass_time: PassTime
) -> None:
    """SECURITY B6: at one address. 50 in an hour, from anywhere, raise an alarm."""
    told: list[str] = []
    throttle = make_throttle(TRUSTED_PASSWORDS, on_alarm=told.append)
    assert [fail(throttle, "") for _ in range(6)] == [ADMITTED] * 5 + [ADDRESS]
    pass_time(179)
    assert succeed(throttle, "") is ADDRESS
    pass_time(1)
    assert succeed(throttle, "") is ADMITTED
    assert [fail(throttle, "") for _ in range(2)] == [ADMITTED, ADDRESS]
    for n in range(43):
        fail(throttle, "", address=f"192.0.2.{100 + n}")
    assert told == []
    fail(throttle, "", address="192.0.2.3")
    assert told == ["50 failures within 3600 seconds"]


def test_a_right_secret_counts_where_it_has_counted_lately(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """SECURITY D19: whatever else fails there. Elsewhere it has to wait like any other."""
    throttle = make_throttle(TRUSTED_PASSWORDS)
    assert throttle.recognize(attempt("", address=HOME))
    pass_time(30 * DAY - 1)
    for address in (HOME, ELSEWHERE):
        assert [fail(throttle, "", address=address) for _ in range(6)] == [ADMITTED] * 5 + [ADDRESS]
    assert throttle.recognize(attempt("", address=HOME))
    assert not throttle.recognize(attempt("", address=ELSEWHERE))
    pass_time(30 * DAY)
    for address in (HOME, ELSEWHERE):
        assert [fail(throttle, "", address=address) for _ in range(6)] == [ADMITTED] * 5 + [ADDRESS]
    assert not throttle.recognize(attempt("", address=HOME))
    pass_time(180)
    assert throttle.recognize(attempt("", address=ELSEWHERE))


def test_a_right_secret_waits_for_no_others_to_be_decided(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(TRUSTED_PASSWORDS)
    assert [throttle.admit(attempt("")) for _ in range(6)] == [ADMITTED] * 5 + [BUSY]
    assert throttle.recognize(attempt(""))


def test_of_recognized_addresses_the_latest_are_remembered(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    throttle = make_throttle(ThrottleRules(None, AddressRule(burst=1, seconds=100.0)), max_addresses=10)
    for n in range(11):
        assert throttle.recognize(attempt("", address=f"192.0.2.{n}"))
        pass_time(1)
    for n in (0, 1):
        assert fail(throttle, address=f"192.0.2.{n}") is ADMITTED
        assert throttle.recognize(attempt("", address=f"192.0.2.{n}")) is bool(n)


def test_without_rules_everything_is_admitted(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(ThrottleRules(None, None))
    assert {fail(throttle) for _ in range(200)} == {ADMITTED}


@pytest.mark.parametrize("account", ["", " ", "\x00", "\udc80", "jsmith\r\nSET x 1", "{", "x" * 1_000_000], ids=len)
def test_accounts_may_be_called_anything(make_throttle: MakeThrottle, account: str) -> None:
    throttle = make_throttle(LOGINS)
    lock(throttle, account, known=False)
    assert fail(throttle, account, known=False) is ACCOUNT
    assert fail(throttle, account + "x", known=False) is ADMITTED


def test_no_two_attempts_have_the_same_id() -> None:
    assert len({Attempt("42:3", True, "192.0.2.1").id for _ in range(1000)}) == 1000


def test_changed_rules_count_at_once_with_what_is_counted(make_throttle: MakeThrottle, pass_time: PassTime) -> None:
    """As after a reload of the settings: neither accounts nor addresses get a fresh start."""
    throttle = make_throttle(ThrottleRules(AccountRule(free=5), AddressRule(burst=30, seconds=3)))
    assert [fail(throttle) for _ in range(2)] == [ADMITTED] * 2
    throttle.keep(ThrottleRules(AccountRule(free=3), AddressRule(burst=30, seconds=3)))
    assert [fail(throttle) for _ in range(2)] == [ADMITTED, ACCOUNT]
    pass_time(1)
    throttle.keep(ThrottleRules(AccountRule(free=30), AddressRule(burst=2, seconds=3)))
    assert fail(throttle) is ADDRESS
    throttle.keep(ThrottleRules(AccountRule(free=30), AddressRule(burst=30, seconds=3)))
    assert fail(throttle) is ADMITTED
