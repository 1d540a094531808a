"""FastAPI: one call gives an application logs, errors, health, CORS, limits and offline docs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bedplate._extras import missing_extra

try:
    from fastapi import FastAPI
except ImportError as error:
    raise missing_extra("fastapi", "fastapi") from error

from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from bedplate.asgi import CallerOf, RateLimit
from bedplate.asgi.problems import malformed_json_problem, title_of, validation_problem
from bedplate.health import Check, Health
from bedplate.integrations._fastapi_docs import remove_docs, serve_docs_offline
from bedplate.integrations._fastapi_openapi import document_errors
from bedplate.integrations._fastapi_routes import Router
from bedplate.integrations._fastapi_security import (
    BearerAuth,
    BearerToken,
    client_address,
    no_store,
)
from bedplate.integrations._openapi_protection import document_protection
from bedplate.integrations._starlette_errors import on_http_exception, problem_response
from bedplate.integrations._starlette_stack import install_operations
from bedplate.schemas import ErrorResponse
from bedplate.settings import ServiceSettings

__all__ = [
    "BearerAuth",
    "BearerToken",
    "Router",
    "client_address",
    "error_responses",
    "install",
    "no_store",
]

_POLICY_VIOLATION = 1008
_UNPARSED = "There was an error parsing the body"  # FastAPI's words
_FASTAPI_DEFAULTS: dict[Any, Any] = {
    HTTPException: http_exception_handler,
    RequestValidationError: request_validation_exception_handler,
    WebSocketRequestValidationError: websocket_request_validation_exception_handler,
}


def install(
    app: FastAPI,
    settings: ServiceSettings,
    *,
    checks: Mapping[str, Check] | None = None,
    rate_limits: Sequence[RateLimit] = (),
    caller: CallerOf | None = None,
) -> Health:
    """Give an application everything that it needs to be operated.

    Logging is configured; each request gets an id, an access record, security headers and a body
    limit; every error becomes problem details; ``/health/live``, ``/health/ready`` and
    ``/health/startup`` answer; CORS follows the settings; ``/docs`` loads nothing from other hosts.
    The application stays the object and the type it was, and handlers it has already are kept.

    Args:
        app: the application, not started yet.
        settings: the service's settings.
        checks: what ``/health/ready`` asks, by name; each returns, or raises what is wrong.
        rate_limits: limits of some routes, besides RATE_LIMIT for all of them.
        caller: tells who sends a request, so that idempotency keys stay theirs when their token changes.

    Returns:
        The probes, also found at ``app.state.health``; call ``begin_shutdown()`` on it when the
        process is told to end.

    Raises:
        RuntimeError: the application has started, or this was called before.
    """
    for kind, default in _FASTAPI_DEFAULTS.items():
        if app.exception_handlers.get(kind) is default:  # not one of the service's own
            del app.exception_handlers[kind]
    app.exception_handlers.setdefault(HTTPException, _on_http_exception)
    health = install_operations(app, settings, dict(checks or {}), rate_limits, caller)
    app.exception_handlers.setdefault(RequestValidationError, _on_invalid_request)
    app.exception_handlers.setdefault(WebSocketRequestValidationError, _on_invalid_websocket)  # type: ignore[arg-type]
    if settings.docs_enabled:
        serve_docs_offline(app)
        document_errors(
            app, partial(document_protection, settings=settings, rate_limits=rate_limits)
        )
    else:
        remove_docs(app)
    return health


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document errors of a route: ``responses=error_responses(401, 404)``.

    Args:
        statuses: the HTTP statuses that it may answer with, besides 422.
    """
    return {
        status: {"model": ErrorResponse, "description": title_of(status)} for status in statuses
    }


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    if _is_malformed_json(request, error):
        return problem_response(malformed_json_problem())
    return await on_http_exception(request, error)


def _is_malformed_json(request: Request, error: HTTPException) -> bool:
    """Tell what the parser gave up on without a place in the text: depth, long integers, UTF-8."""
    return (
        error.detail == _UNPARSED
        and isinstance(error.__cause__, (ValueError, RecursionError))
        and "json" in request.headers.get("content-type", "json").lower()
    )


async def _on_invalid_request(_request: Request, error: RequestValidationError) -> Response:
    return problem_response(validation_problem(error.errors()))


async def _on_invalid_websocket(
    websocket: WebSocket, _error: WebSocketRequestValidationError
) -> None:
    await websocket.close(_POLICY_VIOLATION, "The request does not fit what is asked for.")
