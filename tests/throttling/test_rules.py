"""The rules refuse numbers that make no sense, and say what counts as one network."""

import ipaddress
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmx_tickets.errors import SettingsError
from asmx_tickets.throttling import LOGINS, TRUSTED_PASSWORDS, AccountRule, AddressRule, AlarmRule, network_of


@pytest.mark.parametrize(
    ("kind", "numbers", "complaint"),
    [
        (AccountRule, {"free": 0}, "number of free failures must be from 1"),
        (AccountRule, {"free": 100_001, "disable_at": 0}, "number of free failures must be from 1"),
        (AccountRule, {"first_wait": 0.0}, "first wait after failed logins must be from a millisecond"),
        (AccountRule, {"first_wait": math.nan}, "first wait"),
        (AccountRule, {"longest_wait": math.inf}, "longest wait"),
        (AccountRule, {"longest_wait": 0.5}, "longest wait after failed logins is shorter than the first"),
        (AccountRule, {"forget_after": 900.0}, "remembered for longer than the longest wait"),
        (AccountRule, {"forget_after": 367 * 86_400.0}, "to a year, not 3.17088e[+]07 seconds"),
        (AccountRule, {"disable_at": -1}, "failures that disable a password must be from 1"),
        (AccountRule, {"disable_at": 4}, "disabled by fewer failures than are free"),
        (AccountRule, {"many": 0}, "failures that are many must be from 1"),
        (AccountRule, {"many_wait": 0.0}, "wait after many failed logins must be"),
        (AccountRule, {"known_for": math.inf}, "for which a network is known must be"),
        (AddressRule, {"known_for": 0.0}, "for which an address is known must be"),
        (AddressRule, {"burst": 0}, "failures of one address must be from 1"),
        (AddressRule, {"seconds": 0.0}, "one more failure of an address"),
        (AddressRule, {"burst": 100_000, "seconds": 86_400.0}, "until an address is free again"),
        (AlarmRule, {"failures": 0}, "failures for an alarm must be from 1"),
        (AlarmRule, {"failures": 1001}, "failures for an alarm must be from 1 to 1000, not 1001"),
        (AlarmRule, {"seconds": -1.0}, "failures raise an alarm must be"),
    ],
    ids=str,
)
def test_refuses_numbers_out_of_range(kind: Any, numbers: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        kind(**numbers)


@pytest.mark.parametrize("disable_at", [0, 5])
def test_takes_the_least_number_that_disables_and_none(disable_at: int) -> None:
    assert AccountRule(disable_at=disable_at).disable_at == disable_at


def test_the_numbers_are_those_of_the_requirements() -> None:
    """SECURITY B1, B4, B6, D19."""
    assert LOGINS.account == AccountRule(
        free=5,
        first_wait=1.0,
        longest_wait=15 * 60.0,
        forget_after=12 * 3600.0,
        disable_at=0,
        many=100,
        many_wait=3600.0,
        known_for=30 * 86_400.0,
    )
    assert LOGINS.address == AddressRule(burst=30, seconds=3.0)
    assert TRUSTED_PASSWORDS.account is None
    assert TRUSTED_PASSWORDS.address == AddressRule(burst=5, seconds=15 * 60 / 5, known_for=30 * 86_400.0)
    assert TRUSTED_PASSWORDS.alarm == AlarmRule(failures=50, seconds=3600.0)


@given(streak=st.integers(0, 10**6), first=st.floats(0.001, 900), free=st.integers(1, 100))
def test_waits_double_up_to_the_longest(streak: int, first: float, free: int) -> None:
    rule = AccountRule(free=free, first_wait=first, disable_at=0)
    wait, following = rule.wait_after(streak), rule.wait_after(streak + 1)
    assert wait == 0 if streak < free else first <= wait <= 900
    assert following in {0, first} if streak < free else following == min(2 * wait, 900)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:C000:0201", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("192.0.2.001", "192.0.2.001"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_networks(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.text() | st.text(alphabet="0123456789abcdef:.%", max_size=100))
def test_any_text_has_a_short_network(text: str) -> None:
    assert len(network_of(text)) <= 64


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_all_of_a_64_have_one_network(address: ipaddress.IPv6Address, host: int) -> None:
    neighbour = ipaddress.IPv6Address(int(address) >> 64 << 64 | host)
    if address.ipv4_mapped is None and neighbour.ipv4_mapped is None:
        assert network_of(str(neighbour)) == network_of(str(address))
