"""The operations layer around a Starlette application that stays the type it was."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Match, Route

from bedplate.asgi import HTTPS_ONLY, SECURITY_HEADERS, OperationsMiddleware, RateLimit
from bedplate.asgi.idempotency import CallerOf
from bedplate.asgi.protection import EXPOSED_HEADERS, protected, trusted_proxies_of
from bedplate.asgi.types import ASGIApp, Receive, Scope, Send
from bedplate.errors import BedplateError
from bedplate.health import Check, Health, ProbeApp
from bedplate.integrations._starlette_errors import (
    noting,
    on_domain_error,
    on_http_exception,
    on_unhandled,
)
from bedplate.integrations._starlette_metrics import add_metrics
from bedplate.integrations._starlette_routes import route_resolver
from bedplate.logging import configure_logging, silence_server_access_logs
from bedplate.metrics.setup import Exposed
from bedplate.settings import ServiceSettings

type Handlers = dict[Any, Callable[..., Any]]


def install_operations(
    app: Starlette,
    settings: ServiceSettings,
    checks: dict[str, Check],
    rate_limits: Sequence[RateLimit] = (),
    caller: CallerOf | None = None,
) -> Health:
    """Give an application logs, the operations layer, problem details, CORS and health.

    Raises:
        RuntimeError: the application has started, or has all this already.
    """
    if app.middleware_stack is not None:
        raise RuntimeError("install() must be called before the application starts")
    if hasattr(app.state, "health"):
        raise RuntimeError("install() was called on this application before")
    configure_logging(settings.log_level, json=settings.logs_as_json)
    silence_server_access_logs()
    health = Health(checks)
    app.state.health = health
    handlers: Handlers = app.exception_handlers
    handlers.setdefault(BedplateError, on_domain_error)
    handlers.setdefault(HTTPException, on_http_exception)
    probes = [
        Route(f"/health/{name}", ProbeApp(probe), methods=["GET"], include_in_schema=False)
        for name, probe in (
            ("live", health.live),
            ("ready", health.ready),
            ("startup", health.startup),
        )
    ]
    app.router.routes.extend(probes)
    protect = partial(protected, settings=settings, rate_limits=rate_limits, caller=caller)
    _wrap_stack(app, settings, add_metrics(app, settings), protect, probes)
    return health


def _wrap_stack(
    app: Starlette,
    settings: ServiceSettings,
    exposed: Exposed,
    protect: Callable[[ASGIApp], ASGIApp],
    probes: Sequence[Route],
) -> None:
    """Put the layer outside of everything, where it also sees what Starlette's own layers answer."""
    build_inner = app.build_middleware_stack

    def build_middleware_stack() -> OperationsMiddleware:
        handlers: Handlers = app.exception_handlers
        key = 500 if 500 in handlers else Exception  # noqa: PLR2004
        own = handlers.get(key)
        handlers[key] = noting(own) if own is not None else on_unhandled
        resolve_route = route_resolver(app)
        inner = _answering_first(app.routes, probes, build_inner())
        stack = protect(exposed.accompanied(exposed.traced(inner, resolve_route)))
        if settings.cors_origins:  # outside of the error boundary, so that a 500 can be read too
            stack = CORSMiddleware(
                stack,
                allow_origins=list(settings.cors_origins),
                allow_credentials=settings.cors_allow_credentials,
                allow_methods=["*"],
                allow_headers=["*"],
                expose_headers=EXPOSED_HEADERS,
            )
        return OperationsMiddleware(
            stack,
            resolve_route=resolve_route,
            security_headers=[*SECURITY_HEADERS, *([HTTPS_ONLY] if settings.is_deployed else [])],
            body_limit=settings.request_body_limit,
            metrics=exposed.requests,
            trusted_proxies=trusted_proxies_of(settings),
        )

    app.build_middleware_stack = build_middleware_stack  # type: ignore[method-assign]


def _answering_first(routes: Sequence[BaseRoute], probes: Sequence[Route], app: ASGIApp) -> ASGIApp:
    """Answer probes without the framework: they are asked most, and its middleware tells them nothing.

    A route of the service's own that stands before a probe is left to answer in its place.
    """
    first = {probe.path: probe for probe in probes if _first_match(routes, probe.path) is probe}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        is_read = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        probe = first.get(scope["path"]) if is_read and not scope.get("root_path") else None
        if probe is None:
            await app(scope, receive, send)
            return
        scope["route"], scope["endpoint"] = probe, probe.endpoint
        await probe.app(scope, receive, send)

    return answer


def _first_match(routes: Sequence[BaseRoute], path: str) -> BaseRoute | None:
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    return next((route for route in routes if route.matches({**scope})[0] is Match.FULL), None)
