"""Addresses as text, and whether they lie in networks that the settings name."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_address(text: str) -> Address | None:
    """The address; IPv4 mapped into IPv6 is IPv4. None for text that is no address."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped) or parsed


def lies_in(address: str, networks: Iterable[Network]) -> bool:
    """Whether it lies in one of them. Text that is no address never does."""
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in networks)
