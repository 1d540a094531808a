"""Handlers of Litestar whose arguments pydantic validates: all of a request at once.

Litestar reads and converts one argument after the other and stops at the first that fails; models
cannot take a query. Here what pydantic knows is read and validated as on every other framework;
the rest (dependencies, headers, cookies, types of msgspec) stays Litestar's.
"""

from collections.abc import Iterator
from typing import Any, cast

from litestar import Litestar, Request
from litestar._kwargs import KwargsModel
from litestar.connection import ASGIConnection
from litestar.enums import ParamType, RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg, ParameterKwarg
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition
from pydantic.errors import PydanticSchemaGenerationError

from bedplate.integrations._operations import MISSING, Argument, Place
from bedplate.integrations._request_data import RequestData, parse_body, read_arguments

_FORMS = {RequestEncodingType.URL_ENCODED}
_BODIES = {RequestEncodingType.JSON}


def take_over_arguments(app: Litestar) -> None:
    """Let pydantic validate the arguments of every handler that is there already."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, model in route.route_handler_map.values():
                arguments = handler_arguments(handler, route)
                if arguments:
                    _take_over(handler, model, arguments)


def handler_arguments(handler: HTTPRouteHandler, route: HTTPRoute) -> tuple[Argument, ...]:
    """Give what a handler takes out of the request and pydantic knows, in the order of faults."""
    order: list[Place] = ["path", "query", "form", "body"]
    found = _arguments(handler, set(route.path_parameters))
    return tuple(sorted(found, key=lambda argument: order.index(argument.place)))


def _arguments(handler: HTTPRouteHandler, path_parameters: set[str]) -> Iterator[Argument]:
    dependencies = handler.resolve_dependencies()
    for name, parameter in handler.parsed_fn_signature.parameters.items():
        if name in dependencies:
            continue
        place = _place(handler, parameter, path_parameters)
        if place is None:
            continue
        default = parameter.default if parameter.has_default else MISSING
        try:
            yield Argument(name, place, parameter.annotation, default)
        except PydanticSchemaGenerationError:
            continue  # Litestar validates it


def _place(
    handler: HTTPRouteHandler, parameter: FieldDefinition, path_parameters: set[str]
) -> Place | None:
    kwarg = parameter.kwarg_definition
    if parameter.name == "data":
        kind = kwarg.media_type if isinstance(kwarg, BodyKwarg) else RequestEncodingType.JSON
        if handler.resolve_data_dto() is not None:
            return None
        return "form" if kind in _FORMS else "body" if kind in _BODIES else None
    if parameter.name in path_parameters:
        return "path"
    if (
        isinstance(kwarg, ParameterKwarg)
        and kwarg.param_type is ParamType.QUERY
        and not kwarg.query
    ):
        return "query"
    return None


class _Signature:
    """In the place of Litestar's: it validates some arguments itself, and leaves the others."""

    def __init__(self, arguments: tuple[Argument, ...], native: Any) -> None:  # noqa: ANN401
        self._arguments = arguments
        self._native = native

    def parse_values_from_connection_kwargs(
        self, connection: ASGIConnection[Any, Any, Any, Any], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        body = kwargs.pop("data", MISSING)
        pairs = connection.query_params.multi_items()
        data = RequestData(connection.path_params, list(pairs), body)
        values = kwargs | read_arguments(self._arguments, data)
        parsed: dict[str, Any] = self._native.parse_values_from_connection_kwargs(
            connection=connection, kwargs=values
        )
        return parsed


def _take_over(
    handler: HTTPRouteHandler, model: KwargsModel, arguments: tuple[Argument, ...]
) -> None:
    """Read and validate these arguments in the place of Litestar.

    What is set here is private to Litestar; the tests run on its lowest and its newest version.
    """
    handler._signature_model = cast("Any", _Signature(arguments, handler.signature_model))
    ours = {argument.name for argument in arguments}
    model.expected_query_params = {
        parameter for parameter in model.expected_query_params if parameter.field_name not in ours
    }
    sent = next((part for part in arguments if part.name == "data"), None)
    if sent is None:
        model.extractors = model._create_extractors()
        return

    async def read_data(
        values: dict[str, Any], connection: ASGIConnection[Any, Any, Any, Any]
    ) -> None:
        request = cast("Request[Any, Any, Any]", connection)
        content_type = request.headers.get("content-type")
        values["data"] = parse_body(sent, content_type, await request.body())

    kept = model.expected_reserved_kwargs - {"data"}
    model.expected_reserved_kwargs = kept
    model.extractors = [*model._create_extractors(), read_data]
