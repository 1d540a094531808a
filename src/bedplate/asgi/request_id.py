"""The request id: the caller's where it can be trusted to be harmless, else a fresh one."""

# else Python evaluates those of an inner function anew for each request
from __future__ import annotations

import re
from collections.abc import Awaitable, Iterable
from random import getrandbits

from bedplate.asgi.types import ASGIApp, Header, Message, Receive, Scope, Send
from bedplate.context import RequestContext, enter_context, leave_context

HEADER = b"x-request-id"
_TRACE_HEADER = b"traceparent"
_NAMES = frozenset((HEADER, _TRACE_HEADER))

_ACCEPTED = re.compile(rb"[A-Za-z0-9._-]{8,128}")
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)


class RequestIdMiddleware:
    """The request id alone, for an application that wants no more of ``OperationsMiddleware``.

    Each HTTP request and each websocket has a context, which logs and outgoing calls read; each
    answer to a request carries the id.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        kind = scope["type"]
        if kind != "http" and kind != "websocket":  # noqa: PLR1714 - faster
            await self.app(scope, receive, send)
            return
        context = context_from(scope["headers"])

        # not async: each message would cost one more coroutine
        def send_with_request_id(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = [each for each in message.get("headers", ()) if each[0] != HEADER]
                headers.append((HEADER, context.request_id.encode()))
                message["headers"] = headers  # in place, as Starlette does: a copy costs
            return send(message)

        token = enter_context(context)
        try:
            await self.app(scope, receive, send_with_request_id)
        finally:
            leave_context(token)


def context_from(headers: Iterable[Header]) -> RequestContext:
    """Begin a request's context from its headers.

    One X-Request-ID of 8 to 128 characters ``A-Z a-z 0-9 . _ -`` is taken; else the trace id of
    one valid traceparent (W3C Trace Context, section 3.2); else a random one is made. A refused
    value is kept nowhere.
    """
    told = [header for header in headers if header[0] in _NAMES]
    if told:
        return _context_of(told)
    return RequestContext(getrandbits(128).to_bytes(16).hex(), None)  # fresh_id(), called by nobody


def _context_of(headers: list[Header]) -> RequestContext:
    ids = [value for name, value in headers if name == HEADER]
    traces = [value for name, value in headers if name == _TRACE_HEADER]
    parent = _TRACEPARENT.fullmatch(traces[0]) if len(traces) == 1 else None
    traceparent = parent.string.decode() if parent else None
    if len(ids) == 1 and _ACCEPTED.fullmatch(ids[0]):
        return RequestContext(ids[0].decode(), traceparent=traceparent)
    return RequestContext(parent[1].decode() if parent else fresh_id(), traceparent=traceparent)


def fresh_id() -> str:
    """Make a new id, 32 hexadecimal digits: no secret, only unlikely to repeat."""
    return getrandbits(128).to_bytes(16).hex()
