"""The one table from errors to answers, as problem details (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bedplate import errors as domain
from bedplate._validation import safe_message
from bedplate.asgi.types import Header
from bedplate.auth.bearer import challenge
from bedplate.schemas import FieldError

CONTENT_TYPE = "application/problem+json"

_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout",
    409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
    413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type",
    416: "Range Not Satisfiable", 417: "Expectation Failed", 418: "I'm a Teapot",
    421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked",
    424: "Failed Dependency", 425: "Too Early", 426: "Upgrade Required",
    428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
    507: "Insufficient Storage", 508: "Loop Detected", 511: "Network Authentication Required",
}  # fmt: skip
_CODES = {401: "unauthenticated", 418: "teapot", 500: "internal_error", 503: "unavailable"}
_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not support this method.",
    413: "The request body is larger than allowed.",
    500: "Something went wrong here; the request id helps to find out what.",
}

# the nearest ancestor counts; what is not in the table is our fault: 500
_STATUSES: dict[type[domain.BedplateError], int] = {
    domain.NotFoundError: 404,
    domain.ConflictError: 409,
    domain.InvalidDataError: 422,
    domain.AuthenticationError: 401,
    domain.InvalidRequestError: 400,
    domain.InvalidGrantError: 400,
    domain.InvalidOneTimeTokenError: 400,
    domain.PermissionDeniedError: 403,
    domain.ThrottledError: 429,
    domain.UnavailableError: 503,
}
_OUR_FAULT = 500
_LOCATIONS = {"body", "query", "path", "header", "cookie"}
_MAX_ERRORS = 50
_MAX_FIELD = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """An error's answer, apart from the request it answers."""

    status: int
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: Sequence[FieldError] = ()

    def content(self, request_id: str | None) -> dict[str, Any]:
        """Give the members of the JSON document, as ``bedplate.schemas.ErrorResponse`` has them."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": title_of(self.status),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if request_id is not None:
            document["request_id"] = request_id
        if self.errors:
            document["errors"] = [error.model_dump() for error in self.errors]
        return document

    def body(self, request_id: str | None) -> bytes:
        """Give the JSON document as ASCII."""
        return json.dumps(self.content(request_id)).encode()

    def all_headers(self) -> dict[str, str]:
        """Give every header of the answer but its length: no error is ever stored by a cache."""
        return {"content-type": CONTENT_TYPE, "cache-control": "no-store", **self.headers}

    def raw_headers(self, body: bytes) -> list[Header]:
        """Give the headers as ASGI sends them."""
        headers = self.all_headers() | {"content-length": str(len(body))}
        return [
            (name.lower().encode("latin-1"), text.encode("latin-1"))
            for name, text in headers.items()
        ]


def title_of(status: int) -> str:
    """Give the name of an HTTP status, the same on every version of Python."""
    return _TITLES.get(status) or ("Server Error" if status >= _OUR_FAULT else "Client Error")


def code_of(status: int) -> str:
    """Give the stable code of an error that is known by its HTTP status only."""
    return _CODES.get(status) or title_of(status).lower().replace(" ", "_").replace("'", "")


def problem_for(error: BaseException) -> Problem:
    """Find the answer to an error.

    A domain error gives the status of its nearest ancestor in the table; anything else, and a
    wrong configuration, is our own fault and tells nothing.
    """
    status = next(
        (_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), _OUR_FAULT
    )
    if status == _OUR_FAULT or not isinstance(error, domain.BedplateError):
        return status_problem(_OUR_FAULT)
    headers: dict[str, str] = {}
    if (credentials := challenge(error)) is not None:
        headers["www-authenticate"] = credentials
    if isinstance(error, (domain.ThrottledError, domain.UnavailableError)):
        headers["retry-after"] = str(max(1, error.retry_after))
    fields: list[FieldError] = []
    if isinstance(error, domain.InvalidDataError) and error.field:
        fields.append(
            FieldError(location="body", field=error.field, message=error.message, code=error.code)
        )
    return Problem(status, error.code, error.message, headers, fields)


def status_problem(
    status: int, detail: str | None = None, headers: Mapping[str, str] | None = None
) -> Problem:
    """Build the answer for an error that is known by its HTTP status only."""
    text = detail or _DETAILS.get(status) or f"{title_of(status)}."
    return Problem(status, code_of(status), text, headers or {})


def malformed_json_problem() -> Problem:
    """Build the answer for a body that no parser takes: broken, too deep, or not UTF-8."""
    return Problem(400, "malformed_json", "The request body is not valid JSON.")


def validation_problem(faults: Sequence[Any]) -> Problem:
    """Build the answer for a request that does not fit its schema: 422, or 400 if it is no JSON.

    Args:
        faults: entries as of pydantic's ``ValidationError.errors()``, whose ``loc`` begins with
            the part of the request; the values in them are not repeated.
    """
    if any(fault["type"] == "json_invalid" and fault["loc"][:1] == ("body",) for fault in faults):
        return malformed_json_problem()
    fields = [_field_error(fault) for fault in faults[:_MAX_ERRORS]]
    return Problem(
        422, "invalid_request_data", "The request does not fit what is asked for.", errors=fields
    )


def _field_error(fault: Any) -> FieldError:  # noqa: ANN401 - a dict of pydantic's or of FastAPI's
    head, *path = [str(part) for part in fault["loc"]] or ["request"]
    if head not in _LOCATIONS:
        head, path = "request", [head, *path]
    message = safe_message(fault)
    return FieldError.model_construct(
        location=head,
        field=".".join(path)[:_MAX_FIELD],
        message=f"Value {message}" if message.startswith("is ") else message,
        code=fault["type"],
    )
