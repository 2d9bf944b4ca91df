"""Whether an address lies in networks that the settings name."""

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def lies_in(address: str, networks: Iterable[Network]) -> bool:
    """Whether it lies in one of them. IPv4 mapped into IPv6 counts as IPv4; text that is no address never does."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
