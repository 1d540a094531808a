"""Starlette's exceptions and the domain's, answered from the one table."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bedplate.asgi.problems import Problem, problem_for, status_problem, title_of
from bedplate.asgi.websocket import RefusedError
from bedplate.context import current_context
from bedplate.errors import BedplateError
from bedplate.integrations._starlette_routes import allowed_methods
from bedplate.logging import get_logger

_log = get_logger("bedplate.errors")
_OUR_FAULT = 500
_WITHOUT_BODY = {204, 205, 304}

type Handler = Callable[[Request, Any], Awaitable[Response]]


def problem_response(problem: Problem) -> Response:
    """Turn a problem into a response that carries the request id."""
    context = current_context()
    body = problem.body(context.request_id if context else None)
    return Response(body, status_code=problem.status, headers=problem.all_headers())


async def on_domain_error(request: Request, error: BedplateError) -> Response:
    """Answer a domain error; our own fault, and a websocket's, go on to the layer around it all."""
    problem = problem_for(error)
    if problem.status == _OUR_FAULT or request.scope["type"] == "websocket":
        raise error
    if problem.status > _OUR_FAULT:
        note(error)
        _log.warning(
            "request refused", code=error.code, cause=error.__cause__, path=request.url.path
        )
    return problem_response(problem)


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer an HTTPException, of routing or of the service's own."""
    if error.status_code >= _OUR_FAULT:
        note(error)
    if error.status_code < 200 or error.status_code in _WITHOUT_BODY:  # noqa: PLR2004
        return Response(status_code=error.status_code, headers=error.headers)
    detail: object = error.detail
    code = None
    if isinstance(detail, Mapping):
        code, detail = detail.get("code"), detail.get("message") or detail.get("detail")
    headers = dict(error.headers or {})
    if error.status_code == 405 and "Allow" in headers:  # noqa: PLR2004
        # a router names the methods of one route; the others of the same path count too
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        methods = allowed_methods(request.app.routes, path)
        headers["Allow"] = ", ".join(sorted(methods)) or headers["Allow"]
    problem = status_problem(
        error.status_code,
        detail if isinstance(detail, str) and _tells(detail, error) else None,
        headers,
    )
    if isinstance(code, str):
        problem = Problem(problem.status, code, problem.detail, problem.headers)
    if request.scope["type"] == "websocket":
        raise RefusedError(problem) from error
    return problem_response(problem)


def _tells(detail: str, error: HTTPException) -> bool:
    """Tell whether a detail is more than the status in words, as Starlette fills it in."""
    return (
        detail != title_of(error.status_code) and detail != HTTPException(error.status_code).detail
    )


async def on_unhandled(_request: Request, error: Exception) -> Response:
    """Answer an exception that nothing handled; it is logged and raised again further out."""
    note(error)
    return problem_response(problem_for(error))


def noting(handler: Callable[..., Any]) -> Handler:
    """Wrap a service's own handler of all exceptions, so that the access record has their type."""

    async def handle(request: Request, error: Exception) -> Response:
        note(error)
        if _is_async(handler):
            return await handler(request, error)  # type: ignore[no-any-return]
        return await run_in_threadpool(handler, request, error)

    return handle


def note(error: Exception) -> None:
    """Keep the type of the error that the answer is made of, for the access record."""
    if (context := current_context()) is not None:
        context.error_type = type(error).__name__


def _is_async(handler: Callable[..., Any]) -> bool:
    call = getattr(type(handler), "__call__", None)  # noqa: B004 - the function, not whether
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)
