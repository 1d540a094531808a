"""Starlette: typed routes, and one call for logs, errors, health, CORS, limits and offline docs."""

from collections.abc import Mapping, Sequence
from functools import partial

from bedplate._extras import missing_extra

try:
    from starlette.applications import Starlette
except ImportError as error:
    raise missing_extra("starlette", "starlette") from error

from starlette.requests import Request
from starlette.responses import Response

from bedplate.asgi import CallerOf, RateLimit
from bedplate.asgi.problems import malformed_json_problem, validation_problem
from bedplate.health import Check, Health
from bedplate.integrations._openapi_protection import document_protection
from bedplate.integrations._request_data import InvalidArgumentsError, MalformedBodyError
from bedplate.integrations._starlette_docs import serve_docs
from bedplate.integrations._starlette_errors import problem_response
from bedplate.integrations._starlette_stack import install_operations
from bedplate.integrations._starlette_typed import (
    BearerToken,
    Body,
    Form,
    FromRequest,
    Path,
    Query,
    Routes,
    client_address,
)
from bedplate.settings import ServiceSettings

__all__ = [
    "BearerToken",
    "Body",
    "Form",
    "FromRequest",
    "Path",
    "Query",
    "Routes",
    "client_address",
    "install",
]


def install(
    app: Starlette,
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
    ``/health/startup`` answer; CORS follows the settings; ``/openapi.json`` and ``/docs`` tell of the
    routes that ``Routes`` made, and load nothing from other hosts. The application stays the object
    and the type it was, and handlers it has already are kept.

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
        RuntimeError: the application has started, or this was called before.
        MissingExtraError: the documentation is switched on, and its assets are not installed.
    """
    health = install_operations(app, settings, dict(checks or {}), rate_limits, caller)
    app.exception_handlers.setdefault(InvalidArgumentsError, _on_invalid_arguments)
    app.exception_handlers.setdefault(MalformedBodyError, _on_malformed_body)
    if settings.docs_enabled:
        document = partial(document_protection, settings=settings, rate_limits=rate_limits)
        serve_docs(app, title=title, version=version, protection=document)
    return health


async def _on_invalid_arguments(_request: Request, error: InvalidArgumentsError) -> Response:
    return problem_response(validation_problem(error.faults))


async def _on_malformed_body(_request: Request, _error: Exception) -> Response:
    return problem_response(malformed_json_problem())
