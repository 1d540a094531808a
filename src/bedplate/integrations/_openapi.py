"""OpenAPI 3.1 out of operations: what is documented is what is validated."""

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from bedplate.asgi.problems import CONTENT_TYPE, title_of
from bedplate.integrations._operations import MISSING, Argument, Operation
from bedplate.schemas import ErrorResponse

SECURITY_SCHEME = "Bearer"
_REFERENCE = "#/components/schemas/{model}"
_MEDIA_TYPES = {"body": "application/json", "form": "application/x-www-form-urlencoded"}
_SUCCESSES = {200: "Successful Response", 201: "Created", 202: "Accepted", 204: "No Content"}
_NO_CONTENT = 204
MALFORMED = 400
"""What a body may be answered with that is not what its content type says."""
TOKEN_ERRORS = frozenset({400, 401, 403})
"""What a token may be answered with: malformed, missing or invalid, not enough (RFC 6750 section 3.1)."""

PROBLEM = {CONTENT_TYPE: {"schema": {"$ref": _REFERENCE.format(model=ErrorResponse.__name__)}}}
"""The content of every error."""
type _Key = tuple[int, str]
type _Schemas = dict[_Key, dict[str, Any]]


def openapi_document(
    operations: Sequence[Operation],
    *,
    title: str,
    version: str,
) -> dict[str, Any]:
    """Write the document of an API.

    Args:
        operations: what it answers.
        title: the API's name.
        version: the API's version, not that of OpenAPI.
    """
    schemas, components = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for number, operation in enumerate(operations):
        item = paths.setdefault(operation.path, {})
        item[operation.method.lower()] = _operation(number, operation, schemas, components)
    told: dict[str, Any] = {"schemas": _used(components, paths)}
    for url in sorted({operation.token_url or "" for operation in operations} - {""}):
        told["securitySchemes"] = {SECURITY_SCHEME: password_scheme(url)}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": told,
    }


def password_scheme(token_url: str) -> dict[str, Any]:
    """Describe bearer tokens that a password form gives (RFC 6749 section 4.3).

    Args:
        token_url: where the form is sent; relative ones follow a proxy's prefix.
    """
    flow = {"scopes": {}, "tokenUrl": token_url.removeprefix("/")}
    return {"type": "oauth2", "flows": {"password": flow}}


def operation_id(operation: Operation) -> str:
    """Name an operation for ever: by its function, its path and its method."""
    name = getattr(operation.function, "__name__", "operation") + operation.path
    return f"{re.sub(r'\W', '_', name)}_{operation.method.lower()}"


def _schemas(operations: Sequence[Operation]) -> tuple[_Schemas, dict[str, Any]]:
    """Make the schemas of all types at once, so that each name is one component."""
    inputs: list[tuple[_Key, JsonSchemaMode, TypeAdapter[Any]]] = []
    for number, operation in enumerate(operations):
        inputs += [
            ((number, argument.name), "validation", argument.adapter)
            for argument in operation.arguments
        ]
        if operation.status != _NO_CONTENT:
            returned = TypeAdapter(operation.returns)
            inputs.append(((number, "return"), "serialization", returned))
    error: tuple[_Key, Literal["serialization"], TypeAdapter[Any]]
    error = ((-1, "error"), "serialization", TypeAdapter(ErrorResponse))
    found, document = TypeAdapter.json_schemas([*inputs, error], ref_template=_REFERENCE)
    return {key: schema for (key, _), schema in found.items()}, document.get("$defs", {})


def _used(components: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Keep what something refers to: a model whose fields became parameters is told there."""
    kept = dict(components)
    while True:
        text = json.dumps([paths, kept])
        unused = [name for name in kept if f'"{_REFERENCE.format(model=name)}"' not in text]
        if not unused:
            return kept
        for name in unused:
            del kept[name]


def _operation(
    number: int, operation: Operation, schemas: _Schemas, components: dict[str, Any]
) -> dict[str, Any]:
    lines = inspect.cleandoc(operation.function.__doc__ or "")
    name = getattr(operation.function, "__name__", "operation")
    told: dict[str, Any] = {
        "tags": list(operation.tags),
        "summary": name.replace("_", " ").title(),
        "description": lines,
        "operationId": operation_id(operation),
    }
    if operation.token_url:
        told["security"] = [{SECURITY_SCHEME: []}]
    parameters: list[dict[str, Any]] = []
    for argument in operation.arguments:
        schema = schemas[number, argument.name]
        if media_type := _MEDIA_TYPES.get(argument.place):
            told["requestBody"] = {
                "content": {media_type: {"schema": schema}},
                "required": argument.default is MISSING,
            }
        else:
            parameters += _parameters(argument, schema, components)
    if parameters:
        told["parameters"] = parameters
    told["responses"] = _responses(operation, schemas.get((number, "return")))
    return {key: value for key, value in told.items() if value not in ("", [])}


def _parameters(
    argument: Argument, schema: dict[str, Any], components: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if not argument.model:
        required = argument.default is MISSING
        if argument.default not in (MISSING, None):
            default = argument.adapter.dump_python(argument.default, mode="json")
            schema = {**schema, "default": default}
        yield {"name": argument.name, "in": argument.place, "required": required, "schema": schema}
        return
    whole = components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    for name, inner in whole["properties"].items():
        parameter = {"name": name, "in": argument.place}
        parameter["required"] = name in whole.get("required", ())
        if "description" in inner:
            parameter["description"] = inner["description"]
        yield {**parameter, "schema": inner}


def _responses(operation: Operation, returned: dict[str, Any] | None) -> dict[str, Any]:
    success: dict[str, Any] = {"description": _SUCCESSES.get(operation.status, "Success")}
    if returned is not None:
        success["content"] = {"application/json": {"schema": returned}}
    errors = set(operation.errors)
    if operation.arguments:
        errors.add(422)
    if any(argument.place in _MEDIA_TYPES for argument in operation.arguments):
        errors.add(MALFORMED)
    if operation.token_url:
        errors |= TOKEN_ERRORS
    return {
        str(operation.status): success,
        **{
            str(status): {"description": title_of(status), "content": PROBLEM}
            for status in sorted(errors)
        },
    }
