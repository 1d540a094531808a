"""Who the client is where proxies stand before the service: told by those that are trusted."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network

from bedplate._networks import is_network, parse_address
from bedplate.asgi.types import Scope
from bedplate.errors import ConfigurationError

_PRIVATE = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
    "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip
_MOST_HOPS = 100
_SCHEMES = {"http": {"http": "http", "https": "https"}, "websocket": {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}}  # fmt: skip


class TrustedProxies:
    """Reads ``X-Forwarded-For`` and ``X-Forwarded-Proto`` of proxies that are known, of nobody else's.

    The address is the last one in the header that is not itself one of a trusted proxy: whatever
    a client writes there itself stands before it.

    Args:
        networks: addresses (``10.0.0.7``), networks (``10.0.0.0/8``), or ``private`` for all that
            are not reached from the Internet (RFC 1918, 6598, 4193 and loopback).

    Raises:
        ConfigurationError: one is none of these.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        texts = [text for name in networks for text in (_PRIVATE if name == "private" else (name,))]
        if not all(map(is_network, texts)):
            raise ConfigurationError("A trusted proxy is an address, a network, or private.")
        self._networks = [ip_network(text, strict=False) for text in texts]
        self._trusts = lru_cache(maxsize=1024)(self._is_trusted)

    def apply(self, scope: Scope) -> None:
        """Put the client's address and the scheme into the scope, if a trusted proxy tells them."""
        client = scope.get("client")
        # no address is a socket of the file system, where only a proxy of this machine connects
        if client is not None and not self._trusts(client[0]):
            return
        hops: list[str] = []
        scheme = None
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                hops += value.decode("latin-1").split(",")
            elif name == b"x-forwarded-proto":
                scheme = value.decode("latin-1").rpartition(",")[2].strip().lower()
        if hops:
            scope["bedplate.forwarded"] = True
            found = self._client(hops)
            # who is not on this machine must not seem to be: that would open what only it may see
            if found is not None and not ip_address(found).is_loopback:
                scope["client"] = (found, 0)
        if scheme in _SCHEMES[scope["type"]]:
            scope["scheme"] = _SCHEMES[scope["type"]][scheme]

    def _client(self, hops: Sequence[str]) -> str | None:
        found = None
        for hop in reversed(hops[-_MOST_HOPS:]):
            address = parse_address(hop.strip())
            if address is None:
                break  # what is before it was told by nobody that is known
            found = str(address)
            if not self._trusts(found):
                break
        return found

    def _is_trusted(self, text: str) -> bool:
        address = parse_address(text)
        return address is not None and any(address in network for network in self._networks)
