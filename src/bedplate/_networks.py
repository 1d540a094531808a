"""Addresses of clients, and the networks that count as one client."""

import ipaddress
from functools import lru_cache

_IPV6_NETWORK = 64  # what one customer is given (RFC 6177)
_LONGEST = 1024

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Give the network whose attempts count together: an IPv4 address, or an IPv6 /64.

    Args:
        address: an IP address, with or without a port; what is none counts as itself.
    """
    parsed = parse_address(address)
    if parsed is None:
        return address[:_LONGEST]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
    return str(parsed)


def parse_address(text: str) -> Address | None:
    """Read an IP address as clients and proxies write it, or give None.

    A port and a zone are left away, which some proxies add and a client has thousands of; an IPv4
    address in IPv6's clothes (RFC 4291 section 2.5.5.2) is one of IPv4.
    """
    try:
        parsed = ipaddress.ip_address(_host_of(text).partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def is_network(text: str) -> bool:
    """Tell whether a text is an address or a network such as ``10.0.0.0/8``."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _host_of(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, colon, port = address.partition(":")
    return host if colon and port.isdecimal() else address
