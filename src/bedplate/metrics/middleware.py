"""Metrics alone, around any ASGI application."""

# else Python evaluates those of an inner function anew for each request
from __future__ import annotations

from asyncio import CancelledError
from time import perf_counter

from bedplate.asgi.operations import RouteResolver, no_route
from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from bedplate.metrics.metrics import Metrics
from bedplate.metrics.requests import CLIENT_GONE, NO_RESPONSE

__all__ = ["MetricsMiddleware"]

_SEEN = "bedplate.metrics"  # an application mounted in another must not be counted twice
_ENDING = {"http.response.body", "http.response.pathsend", "http.response.zerocopysend"}
_SWITCHING_PROTOCOLS = 101
_FORBIDDEN = 403


class MetricsMiddleware:
    """Measures each request and each websocket; ``OperationsMiddleware`` does so by itself.

    Args:
        app: the application.
        metrics: where to.
        resolve_route: finds the route's template in the scope as the application left it.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, *, resolve_route: RouteResolver = no_route
    ) -> None:
        self.app = app
        self._requests = metrics.requests
        self._resolve_route = resolve_route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Measure one connection."""
        if scope["type"] != "http" or _SEEN in scope:
            await self._pass_on(scope, receive, send)
            return
        scope[_SEEN] = True
        requests = self._requests
        method = requests.begin(scope)
        if method is None:
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status = 0
        ended = False

        async def send_and_measure(message: Message) -> None:
            nonlocal ended, status
            await send(message)
            kind = message["type"]
            if kind == "http.response.start":
                status = message["status"]
            elif kind in _ENDING and not message.get("more_body", False) and not ended:
                ended = True
                route = self._resolve_route(scope)
                requests.end(method, route, status, None, perf_counter() - began)

        error: str | None = None
        try:
            await self.app(scope, receive, send_and_measure)
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            if not ended:
                # who stops in the middle has nobody to talk to
                error = error or (CLIENT_GONE if status else NO_RESPONSE)
                route = self._resolve_route(scope)
                requests.end(method, route, status, error, perf_counter() - began)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or _SEEN in scope:
            await self.app(scope, receive, send)
            return
        scope[_SEEN] = True
        self._requests.begin_websocket()
        began = perf_counter()
        status = _FORBIDDEN  # what a server answers when nothing is accepted
        error: str | None = None

        async def send_and_measure(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.accept":
                status = _SWITCHING_PROTOCOLS
            elif message["type"] == "websocket.http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_measure)
        except (Exception, CancelledError) as raised:
            error = type(raised).__name__
            raise
        finally:
            seconds = perf_counter() - began
            self._requests.end_websocket(self._resolve_route(scope), status, error, seconds)
