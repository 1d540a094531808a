"""``/metrics`` on the service's own port, for who asks from the same machine."""

import asyncio
from ipaddress import ip_address

from prometheus_client import CollectorRegistry

from bedplate.asgi.problems import status_problem
from bedplate.asgi.types import Receive, Scope, Send
from bedplate.context import current_context
from bedplate.metrics.exposition import render

__all__ = ["MetricsApp", "is_local"]

_LOCAL_NAMES = {b"localhost", b"127.0.0.1", b"[::1]"}
# whoever sends one of these speaks for somebody else
_FORWARDING = {
    b"cf-connecting-ip", b"fly-client-ip", b"forwarded", b"true-client-ip", b"via", b"x-client-ip",
    b"x-real-ip",
}  # fmt: skip
_FORWARDING_PREFIX = b"x-forwarded-"


class MetricsApp:
    """Answers a scrape, in the format it asks for.

    Args:
        registry: what is shown.
        open_to_all: whether anybody may read it; else only who connects from this machine,
            directly and by a local name. For all others there is nothing here.
    """

    def __init__(self, registry: CollectorRegistry, *, open_to_all: bool = False) -> None:
        self._registry = registry
        self._open_to_all = open_to_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer one request."""
        if not (self._open_to_all or is_local(scope)):
            await _refuse(404, send)
        elif scope["method"] not in {"GET", "HEAD"}:
            await _refuse(405, send)
        else:
            await self._answer(scope, send)

    async def _answer(self, scope: Scope, send: Send) -> None:
        accept = b",".join(_values(scope, b"accept")).decode("latin-1")
        compressed = any(b"gzip" in value for value in _values(scope, b"accept-encoding"))
        # in a thread: with many routes it takes longer than other requests should wait
        body, content_type = await asyncio.to_thread(
            render, self._registry, accept, compressed=compressed
        )
        headers = [
            (b"content-type", content_type.encode("latin-1")),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"vary", b"accept, accept-encoding"),
        ]
        if compressed:
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )


def is_local(scope: Scope) -> bool:
    """Tell whether a request comes from this machine, and nobody sent it on.

    A proxy on this machine looks the same unless it says so: by a forwarding header, or by the
    name that its client asked for. One that does neither is not recognised; behind such a proxy
    metrics belong on a port of their own.
    """
    client = scope.get("client")
    if client is None or not _is_loopback(client[0]):
        return False
    hosts: list[bytes] = []
    for name, value in scope["headers"]:
        if name in _FORWARDING or name.startswith(_FORWARDING_PREFIX):
            return False
        if name == b"host":
            hosts.append(value.lower())
    # a page in a browser on this machine can make it ask, but only by the page's own name
    return len(hosts) == 1 and _without_port(hosts[0]) in _LOCAL_NAMES


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.rpartition(b":")
    return name if colon and port.isdigit() else host


def _is_loopback(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


async def _refuse(status: int, send: Send) -> None:
    context = current_context()
    allowed = {"allow": "GET, HEAD"} if status == 405 else {}  # noqa: PLR2004
    problem = status_problem(status, headers=allowed)
    body = problem.body(context.request_id if context else None)
    headers = problem.raw_headers(body)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
