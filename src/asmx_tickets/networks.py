"""Addresses as text, and whether they lie in networks that the settings name."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_address(text: str) -> Address | None:
    """The address; IPv4 mapped into IPv6 counts as IPv4. None if the text is not an address."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped) or parsed


def lies_in(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks. Text that is not an address never is."""
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in networks)
