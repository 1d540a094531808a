"""One layer around an application: request id, context, access record, error boundary, limits."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from bedplate.asgi.exchange import Exchange
from bedplate.asgi.forwarded import TrustedProxies
from bedplate.asgi.headers import SECURITY_HEADERS
from bedplate.asgi.request_id import HEADER, context_from
from bedplate.asgi.types import ASGIApp, Header, Receive, Scope, Send
from bedplate.asgi.websocket import Conversation
from bedplate.context import enter_context, leave_context

if TYPE_CHECKING:
    from bedplate.metrics.requests import RequestMetrics

_SEEN = "bedplate.operations"  # an application mounted in another must not be recorded twice

type RouteResolver = Callable[[Scope], str | None]


def no_route(_scope: Scope) -> str | None:
    """Say that a request has no route that could be named."""
    return None


class OperationsMiddleware:
    """Wraps any ASGI application.

    Each HTTP request and each websocket leaves one access record, each unhandled exception one
    error record and, where nothing was sent yet, a problem document; the exception is raised
    again. Bodies are never buffered.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        resolve_route: RouteResolver = no_route,
        security_headers: Sequence[Header] = SECURITY_HEADERS,
        body_limit: int | None = None,
        metrics: "RequestMetrics | None" = None,
        trusted_proxies: TrustedProxies | None = None,
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            resolve_route: finds the route's template in the scope as the application left it.
            security_headers: added to each answer that does not set them itself.
            body_limit: the largest request body in bytes; None for no limit.
            metrics: what measures each request; None for nothing.
            trusted_proxies: who may tell a client's address; None for nobody.
        """
        self.app = app
        self.resolve_route = resolve_route
        self.security_headers = tuple(security_headers)
        self.own_headers = frozenset((HEADER, *(name for name, _ in self.security_headers)))
        self.body_limit = body_limit
        self.metrics = metrics
        self.trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        kind = scope["type"]
        if kind not in {"http", "websocket"} or _SEEN in scope:
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        scope[_SEEN] = True
        if self.trusted_proxies is not None:
            self.trusted_proxies.apply(scope)
        context = context_from(scope["headers"])
        if (client := scope.get("client")) is not None:
            context.client = client[0]
        token = enter_context(context)
        try:
            if kind == "http":
                await Exchange(self, context, scope, receive, send, began).run()
            else:
                await Conversation(self, context, scope, receive, send, began).run()
        finally:
            leave_context(token)
