"""Addresses and networks."""

from ipaddress import ip_address, ip_network

import pytest

from asmx_tickets.networks import lies_in, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::", "::"),
        ("", None),
        ("192.0.2.7:80", None),
        ("unix:", None),
    ],
)
def test_an_address_is_read_and_mapped_ipv4_is_ipv4(text: str, address: str | None) -> None:
    assert parse_address(text) == (address and ip_address(address))


def test_networks_are_met_in_either_spelling() -> None:
    networks = [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")]
    for inside in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"):
        assert lies_in(inside, networks)
    for outside in ("198.51.100.7", "::ffff:198.51.100.7", "2001:db9::7", "", "x"):
        assert not lies_in(outside, networks)
