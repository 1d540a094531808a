"""Litestar's exceptions and the domain's, answered from the one table."""

import re
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandler

from bedplate.asgi.problems import (
    Problem,
    malformed_json_problem,
    problem_for,
    status_problem,
    title_of,
    validation_problem,
)
from bedplate.context import current_context
from bedplate.errors import BedplateError
from bedplate.integrations._request_data import InvalidArgumentsError, MalformedBodyError
from bedplate.logging import get_logger

type Handler = ExceptionHandler[Any]

_OUR_FAULT = 500
_log = get_logger("bedplate.errors")


def add_error_handlers(handlers: dict[Any, Handler]) -> None:
    """Answer every error as problem details; handlers that are there already stay.

    Args:
        handlers: those of the application, which are changed.
    """
    for kind, handler in (
        (BedplateError, _on_domain_error),
        (ValidationException, _on_invalid_request),
        (HTTPException, _on_http_exception),
        (InvalidArgumentsError, _on_invalid_arguments),
        (MalformedBodyError, _on_malformed_body),
    ):
        handlers.setdefault(kind, handler)
    key = _OUR_FAULT if _OUR_FAULT in handlers else Exception
    own = handlers.get(key)
    handlers[key] = _on_unhandled if own is None else _noting(own)


def _respond(problem: Problem) -> Response[bytes]:
    context = current_context()
    headers = problem.all_headers()
    return Response(
        problem.body(context.request_id if context else None),
        status_code=problem.status,
        media_type=headers.pop("content-type"),
        headers=headers,
    )


def _on_domain_error(request: Request[Any, Any, Any], error: BedplateError) -> Response[bytes]:
    problem = problem_for(error)
    if problem.status == _OUR_FAULT:
        raise error
    if problem.status > _OUR_FAULT:
        _note(error)
        _log.warning(
            "request refused", code=error.code, cause=error.__cause__, path=request.url.path
        )
    return _respond(problem)


def _on_http_exception(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    if error.status_code >= _OUR_FAULT:
        _note(error)
    if type(error.__cause__).__name__ == "SerializationException":
        return _respond(malformed_json_problem())
    code = error.extra.get("code") if isinstance(error.extra, Mapping) else None
    # what Litestar says itself names routes and methods; what a service says is for the client
    own = error.detail if _tells(error) else None
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if "allow" in headers:  # out of a set, in any order
        headers["allow"] = ", ".join(sorted(re.split(", ?", headers["allow"])))
    problem = status_problem(error.status_code, own, headers)
    if isinstance(code, str):
        problem = Problem(problem.status, code, problem.detail, problem.headers)
    return _respond(problem)


def _tells(error: HTTPException) -> bool:
    """Tell whether the detail is more than the status in words, as Litestar fills it in."""
    plain = {title_of(error.status_code), type(error)(status_code=error.status_code).detail}
    return bool(error.detail) and error.detail not in plain


def _on_invalid_request(
    _request: Request[Any, Any, Any], error: ValidationException
) -> Response[bytes]:
    entries = error.extra if isinstance(error.extra, list) else []
    causes = getattr(error.__cause__, "errors", None)
    known = (
        causes if isinstance(causes, list) and len(causes) == len(entries) else [{}] * len(entries)
    )
    faults = [
        {
            "type": "invalid",
            **cause,
            "loc": (
                getattr(entry.get("source"), "value", "body"),
                *entry.get("key", "").split("."),
            ),
            "msg": entry["message"],
        }
        for entry, cause in zip(entries, known, strict=True)
    ]
    if not faults:
        return _respond(status_problem(422, error.detail))
    return _respond(validation_problem(faults))


def _on_invalid_arguments(
    _request: Request[Any, Any, Any], error: InvalidArgumentsError
) -> Response[bytes]:
    return _respond(validation_problem(error.faults))


def _on_malformed_body(_request: Request[Any, Any, Any], _error: Exception) -> Response[bytes]:
    return _respond(malformed_json_problem())


def _on_unhandled(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Let it go on to the error boundary, which answers and logs it once."""
    if isinstance(error, RecursionError) and _raised_by_decoder(error):
        return _respond(malformed_json_problem())
    raise error


def _raised_by_decoder(error: Exception) -> bool:
    """Tell whether a body was nested too deep, which Litestar takes for a fault of ours."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("decode_json") is not None


def _noting(handler: Handler) -> Handler:
    """Wrap a service's own handler of all exceptions, so that the access record has their type."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        _note(error)
        return handler(request, error)

    return handle


def _note(error: Exception) -> None:
    if (context := current_context()) is not None:
        context.error_type = type(error).__name__
