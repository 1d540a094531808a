"""An OpenAPI document that tells the truth about errors."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI

from bedplate.asgi.problems import title_of
from bedplate.integrations._openapi import MALFORMED, PROBLEM, TOKEN_ERRORS
from bedplate.integrations._openapi_protection import add_error_schema, operations_of
from bedplate.schemas import ErrorResponse

_REF = "#/components/schemas/"
_OURS = f"{_REF}{ErrorResponse.__name__}"
_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")


def document_errors(app: FastAPI, protection: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite the document when it is made: every error is an ErrorResponse as problem details.

    Args:
        app: the application.
        protection: adds what limits and idempotency keys may be answered.
    """
    make = app.openapi
    rewritten: dict[str, Any] | None = None

    def openapi() -> dict[str, Any]:
        nonlocal rewritten
        schema = make()
        if schema is not rewritten:
            _rewrite(schema)
            protection(schema)
            rewritten = schema
        return schema

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI documents it


def _rewrite(schema: dict[str, Any]) -> None:
    for operation in _operations(schema):
        responses = operation.setdefault("responses", {})
        for status in _untold(operation):
            told = {"description": title_of(status), "content": PROBLEM}
            responses.setdefault(str(status), told)
        for response in responses.values():
            json_content = response.get("content", {}).get("application/json", {})
            reference = json_content.get("schema", {}).get("$ref")
            if reference == f"{_REF}{_FASTAPI_ERRORS[0]}":
                response["description"] = "Unprocessable Content"
            elif reference != _OURS:
                continue
            response["content"] = PROBLEM
    if f'"{_OURS}"' in json.dumps(schema):
        _replace_components(schema)


def _untold(operation: dict[str, Any]) -> set[int]:
    """Give the statuses that an operation may answer with although no route says so."""
    statuses = {MALFORMED} if "requestBody" in operation else set()
    return statuses | TOKEN_ERRORS if operation.get("security") else statuses


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for group in ("paths", "webhooks"):
        for _, _, operation in operations_of(schema, group):
            yield operation


def _replace_components(schema: dict[str, Any]) -> None:
    add_error_schema(schema)
    components = schema["components"]["schemas"]
    for name in _FASTAPI_ERRORS:  # the first refers to the second
        definition = components.pop(name, None)
        if definition is not None and f'"{_REF}{name}"' in json.dumps(schema):
            components[name] = definition
    schema["components"]["schemas"] = dict(sorted(components.items()))
