"""Litestar: one call gives an application logs, errors, health, CORS, limits and offline docs."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from bedplate._extras import missing_extra

try:
    from litestar import Litestar, asgi
except ImportError as error:
    raise missing_extra("litestar", "litestar") from error

from litestar.config.cors import CORSConfig
from litestar.exceptions import HTTPException, LitestarException
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as LitestarScope

from bedplate.asgi import (
    HTTPS_ONLY,
    SECURITY_HEADERS,
    CallerOf,
    OperationsMiddleware,
    RateLimit,
)
from bedplate.asgi.problems import problem_for
from bedplate.asgi.protection import EXPOSED_HEADERS, close_protected, protected, trusted_proxies_of
from bedplate.asgi.types import Scope
from bedplate.context import current_context
from bedplate.health import Check, Health, Probe, ProbeApp
from bedplate.integrations._litestar_arguments import take_over_arguments
from bedplate.integrations._litestar_declarations import (
    BearerToken,
    Router,
    client_address,
    error_responses,
    no_store,
)
from bedplate.integrations._litestar_docs import serve_docs
from bedplate.integrations._litestar_errors import add_error_handlers
from bedplate.integrations._litestar_lifespan import fail_plainly
from bedplate.integrations._openapi_protection import document_protection
from bedplate.logging import configure_logging, silence_server_access_logs
from bedplate.metrics.alongside import close_all
from bedplate.metrics.setup import Exposed, metrics_of
from bedplate.settings import ServiceSettings

__all__ = ["BearerToken", "Router", "client_address", "error_responses", "install", "no_store"]

_METRICS = "/metrics"
_TYPED = re.compile(r"{(\w+):\w+}")  # a parameter with its converter


def install(
    app: Litestar,
    settings: ServiceSettings,
    *,
    checks: Mapping[str, Check] | None = None,
    rate_limits: Sequence[RateLimit] = (),
    caller: CallerOf | None = None,
    title: str = "API",
    version: str = "1",
) -> Health:
    """Give an application everything that it needs to be operated.

    Logging is configured; each request gets an id, an access record, security headers and a body
    limit; every error becomes problem details; ``/health/live``, ``/health/ready`` and
    ``/health/startup`` answer; CORS follows the settings. What pydantic knows is validated by it,
    all of a request at once, and a model in the query may take all of it: ``FromQuery[Model]``.
    The application stays the object and the type it was, and handlers it has already are kept.

    Create it with ``logging_config=None``, for Litestar's own would replace the configuration of
    logging at start, and with ``openapi_config=None`` for an ``/openapi.json`` and a ``/docs`` that
    load nothing from other hosts; with a configuration, Litestar's own documentation stays.

    Args:
        app: the application, not started yet.
        settings: the service's settings.
        checks: what ``/health/ready`` asks, by name; each returns, or raises what is wrong.
        rate_limits: limits of some routes, besides RATE_LIMIT for all of them.
        caller: tells who sends a request, so that idempotency keys stay theirs when their token changes.
        title: the API's name in its documentation.
        version: the API's version in its documentation.

    Returns:
        The probes, also found at ``app.state.health``; call ``begin_shutdown()`` on it when the
        process is told to end.

    Raises:
        RuntimeError: this was called before.
        MissingExtraError: the documentation is switched on, and its assets are not installed.
    """
    if "health" in app.state:
        raise RuntimeError("install() was called on this application before")
    configure_logging(settings.log_level, json=settings.logs_as_json)
    silence_server_access_logs()
    health = app.state.health = Health(checks)
    add_error_handlers(cast("dict[Any, Any]", app.exception_handlers))
    take_over_arguments(app)
    fail_plainly(app)
    for name in ("live", "ready", "startup"):
        app.register(_probe(f"/health/{name}", getattr(health, name)))
    if settings.docs_enabled and app.openapi_config is None:
        document = partial(document_protection, settings=settings, rate_limits=rate_limits)
        serve_docs(app, title=title, version=version, protection=document)
    app.after_exception.append(_raise_bugs_of_websockets)
    exposed = _add_metrics(app, settings)
    traced = exposed.traced(cast("Any", app.asgi_handler), _resolve_route)
    inner = protected(traced, settings, rate_limits=rate_limits, caller=caller)
    app.on_shutdown.append(partial(close_protected, inner))
    _wrap(app, cast("ASGIApp", inner), settings, exposed)
    return health


def _add_metrics(app: Litestar, settings: ServiceSettings) -> Exposed:
    exposed = metrics_of(settings)
    app.state.metrics = exposed.metrics
    if exposed.endpoint is not None and not any(route.path == _METRICS for route in app.routes):
        app.register(_mounted(_METRICS, exposed.endpoint))
    for companion in exposed.companions:
        app.on_startup.append(companion.open)
    app.on_shutdown.append(partial(close_all, exposed.companions))
    return exposed


def _wrap(app: Litestar, inner: ASGIApp, settings: ServiceSettings, exposed: Exposed) -> None:
    """Put the layer outside of everything, where it also sees what Litestar's own layers answer."""
    if settings.cors_origins:
        inner = _cors(_answering_bugs(inner), settings)
    app.asgi_handler = cast(
        "ASGIApp",
        OperationsMiddleware(
            cast("Any", inner),
            resolve_route=_resolve_route,
            security_headers=[*SECURITY_HEADERS, *([HTTPS_ONLY] if settings.is_deployed else [])],
            body_limit=settings.request_body_limit,
            metrics=exposed.requests,
            trusted_proxies=trusted_proxies_of(settings),
        ),
    )


def _cors(inner: ASGIApp, settings: ServiceSettings) -> ASGIApp:
    from litestar.middleware._internal.cors import CORSMiddleware

    config = CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_credentials=settings.cors_allow_credentials,
        expose_headers=list(EXPOSED_HEADERS),
    )
    return CORSMiddleware(inner, config)


async def _raise_bugs_of_websockets(error: Exception, scope: LitestarScope) -> None:
    """Let a bug go on to the error boundary; Litestar would close the websocket and say nothing."""
    if "method" not in scope and not isinstance(error, LitestarException):
        raise error


def _answering_bugs(inner: ASGIApp) -> ASGIApp:
    """Answer an exception inside of CORS, so that a page can read it, and let it go on."""

    async def answer(scope: LitestarScope, receive: Receive, send: Send) -> None:
        started = "method" not in scope  # a websocket is closed, not answered

        async def watched(message: Any) -> None:  # noqa: ANN401 - a union of Litestar's
            nonlocal started
            started = True
            await send(message)

        try:
            await inner(scope, receive, watched)
        except Exception as error:
            if not started:
                context = current_context()
                problem = problem_for(error)
                body = problem.body(context.request_id if context else None)
                headers = problem.raw_headers(body)
                start = {"type": "http.response.start", "status": problem.status}
                await send(cast("Any", {**start, "headers": headers}))
                await send(cast("Any", {"type": "http.response.body", "body": body}))
            raise

    return answer


def _probe(path: str, probe: Probe) -> Any:  # noqa: ANN401 - a route handler
    answer = ProbeApp(probe)

    @asgi(path, copy_scope=False)
    async def health(scope: LitestarScope, receive: Receive, send: Send) -> None:
        if scope.get("method") not in {"GET", "HEAD"}:
            raise HTTPException(status_code=405, headers={"Allow": "GET, HEAD"})
        await answer(cast("Scope", scope), cast("Any", receive), cast("Any", send))

    return health


def _mounted(path: str, app: Any) -> Any:  # noqa: ANN401 - any ASGI application; a route handler
    @asgi(path, copy_scope=False)
    async def answer(scope: LitestarScope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return answer


def _resolve_route(scope: Scope) -> str | None:
    """Give the template of the route, as other frameworks write it: without converters."""
    template = scope.get("path_template")
    if template is None:
        return None
    handler = scope.get("route_handler")
    if getattr(handler, "is_mount", False):  # of these it gives the template of the root
        return _TYPED.sub(r"{\1}", f"{_path_of(handler)}/{{path}}")
    return _TYPED.sub(r"{\1}", template) or "/"


def _path_of(handler: Any) -> str:  # noqa: ANN401 - a route handler
    """Give the whole path of a handler, those of the routers around it included."""
    above = [getattr(layer, "path", "") for layer in handler.ownership_layers[:-1]]
    parts = [part.strip("/") for part in (*above, min(handler.paths))]
    return "".join(f"/{part}" for part in parts if part)
