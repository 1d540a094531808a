"""Any ASGI application: one wrapper gives it logs, errors, metrics, health and limits."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from bedplate.asgi import (
    HTTPS_ONLY,
    SECURITY_HEADERS,
    CallerOf,
    OperationsMiddleware,
    RateLimit,
    RouteResolver,
)
from bedplate.asgi.answer import answer_problem
from bedplate.asgi.operations import no_route
from bedplate.asgi.problems import problem_for, status_problem
from bedplate.asgi.protection import protected, trusted_proxies_of
from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from bedplate.context import current_context
from bedplate.errors import BedplateError
from bedplate.health import Check, Health, ProbeApp
from bedplate.logging import configure_logging, get_logger, silence_server_access_logs
from bedplate.metrics.setup import metrics_of
from bedplate.settings import ServiceSettings

__all__ = ["Operations"]

_METRICS = "/metrics"
_OUR_FAULT = 500
_log = get_logger("bedplate.errors")


class Operations:
    """An application, and everything that it needs to be operated around it.

    ::

        app = Operations(app, settings, checks={"database": database.ping})

    Logging is configured; each request gets an id, an access record, security headers and a body
    limit; domain errors and bugs become problem details; ``/health/live``, ``/health/ready`` and
    ``/health/startup`` answer, and ``/metrics`` where metrics are kept. Where a framework of its
    own is used, ``install()`` of its integration does more; CORS is the application's own affair
    here.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServiceSettings,
        *,
        checks: Mapping[str, Check] | None = None,
        rate_limits: Sequence[RateLimit] = (),
        caller: CallerOf | None = None,
        resolve_route: RouteResolver = no_route,
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            settings: the service's settings.
            checks: what ``/health/ready`` asks, by name; each returns, or raises what is wrong.
            rate_limits: limits of some routes, besides RATE_LIMIT for all of them.
            caller: tells who sends a request, so that idempotency keys stay theirs when their
                token changes.
            resolve_route: finds a route's template in the scope as the application left it; without
                it all requests have one label.
        """
        configure_logging(settings.log_level, json=settings.logs_as_json)
        silence_server_access_logs()
        self.app = app
        exposed = metrics_of(settings)
        health = Health(checks)
        self.state = SimpleNamespace(health=health, metrics=exposed.metrics)
        self._own: dict[str, ASGIApp] = {
            f"/health/{name}": ProbeApp(probe)
            for name, probe in (
                ("live", health.live),
                ("ready", health.ready),
                ("startup", health.startup),
            )
        }
        if exposed.endpoint is not None:
            self._own[_METRICS] = exposed.endpoint
        self._resolve_route = resolve_route
        traced = exposed.traced(self._route, self._template)
        inner = protected(traced, settings, rate_limits=rate_limits, caller=caller)
        self._whole = OperationsMiddleware(
            exposed.accompanied(inner),
            resolve_route=self._template,
            security_headers=[*SECURITY_HEADERS, *([HTTPS_ONLY] if settings.is_deployed else [])],
            body_limit=settings.request_body_limit,
            metrics=exposed.requests,
            trusted_proxies=trusted_proxies_of(settings),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        await self._whole(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _own_path(scope) if scope["type"] == "http" else ""
        own = self._own.get(path)
        if own is None:
            await _answering_domain_errors(self.app, scope, receive, send)
        elif scope["method"] in {"GET", "HEAD"} or path == _METRICS:  # this one refuses by itself
            await own(scope, receive, send)
        else:
            refused = status_problem(405, headers={"allow": "GET, HEAD"})
            await answer_problem(refused, scope, receive, send)

    def _template(self, scope: Scope) -> str | None:
        path = _own_path(scope)
        return path if path in self._own else self._resolve_route(scope)


async def _answering_domain_errors(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer a domain error; one that is our own fault goes on to the error boundary."""
    started = scope["type"] != "http"

    async def send_and_remember(message: Message) -> None:
        nonlocal started
        started = True
        await send(message)

    try:
        await app(scope, receive, send_and_remember)
    except BedplateError as error:
        problem = problem_for(error)
        if started or problem.status == _OUR_FAULT:
            raise
        if problem.status > _OUR_FAULT:
            if (context := current_context()) is not None:
                context.error_type = type(error).__name__
            _log.warning(
                "request refused", code=error.code, cause=error.__cause__, path=scope["path"]
            )
        await answer_problem(problem, scope, receive, send)


def _own_path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
