"""What rate limits and idempotency keys add to an OpenAPI document, whoever wrote it."""

from collections.abc import Iterator, Sequence
from typing import Any

from bedplate.asgi import RateLimit
from bedplate.asgi.idempotency import METHODS
from bedplate.asgi.problems import CONTENT_TYPE, title_of
from bedplate.asgi.protection import rate_limits_of
from bedplate.schemas import ErrorResponse
from bedplate.settings import ServiceSettings

_REF = "#/components/schemas/"
_PROBLEM = {CONTENT_TYPE: {"schema": {"$ref": f"{_REF}{ErrorResponse.__name__}"}}}
_LIMIT_HEADERS: dict[str, Any] = {
    "Retry-After": {
        "description": "Seconds until more is allowed.",
        "schema": {"type": "integer"},
    },
    "RateLimit": {"description": "What is left of each limit.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "The limits.", "schema": {"type": "string"}},
}
_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The request is carried out once, however often it is sent with this key.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_KEY_ERRORS = (400, 409, 422)
_VERBS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def document_protection(
    document: dict[str, Any], settings: ServiceSettings, rate_limits: Sequence[RateLimit] = ()
) -> None:
    """Add the 429 of what is limited, and the header and errors of what takes a key.

    Args:
        document: OpenAPI 3; changed in place. What it says already stays.
        settings: the service's.
        rate_limits: those of the service besides the one for all requests.
    """
    limits = rate_limits_of(settings, rate_limits)
    for path, method, operation in operations_of(document, "paths"):
        statuses: list[int] = []
        if settings.idempotency_enabled and method.upper() in METHODS:
            operation["parameters"] = [*operation.get("parameters", ()), _KEY]
            statuses += _KEY_ERRORS
        if any(limit.covers(method.upper(), path) for limit in limits):
            statuses.append(429)
        responses = operation.setdefault("responses", {})
        for status in statuses:
            told = responses.setdefault(
                str(status), {"description": title_of(status), "content": _PROBLEM}
            )
            if status == 429:  # noqa: PLR2004
                told.setdefault("headers", _LIMIT_HEADERS)
        if statuses:
            operation["responses"] = dict(sorted(responses.items()))
            add_error_schema(document)


def add_error_schema(document: dict[str, Any]) -> None:
    """Add the schema of errors to a document that refers to it."""
    components = document.setdefault("components", {}).setdefault("schemas", {})
    if ErrorResponse.__name__ in components:
        return
    model = ErrorResponse.model_json_schema(ref_template=_REF + "{model}", mode="serialization")
    for name, definition in model.pop("$defs", {}).items():
        components.setdefault(name, definition)
    components[ErrorResponse.__name__] = model
    document["components"]["schemas"] = dict(sorted(components.items()))


def operations_of(
    document: dict[str, Any], group: str
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give path, method and operation, one after the other.

    Args:
        document: OpenAPI 3.
        group: ``paths`` or ``webhooks``.
    """
    for path, item in document.get(group, {}).items():
        for method, operation in item.items():
            if method in _VERBS:
                yield path, method, operation
