"""Routes of Starlette whose functions say what they take and give, and are documented by it."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, TypeAliasType, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route

from bedplate.auth.bearer import bearer_token
from bedplate.integrations._operations import MISSING, Argument, Operation, Place
from bedplate.integrations._request_data import RequestData, parse_body, read_arguments

type Body[T] = Annotated[T, "body"]
"""An argument out of the request's JSON."""
type Form[T] = Annotated[T, "form"]
"""An argument out of the fields of a form: a model."""
type Path[T] = Annotated[T, "path"]
"""An argument out of the path: the parameter of its name."""
type Query[T] = Annotated[T, "query"]
"""An argument out of the query: a model takes all of it, another type the parameter of its name."""

_PLACES: dict[TypeAliasType, Place] = {Body: "body", Form: "form", Path: "path", Query: "query"}
_NO_CONTENT = 204


class BearerToken:
    """Gives the request's bearer token, and says where such tokens come from.

    Args:
        token_url: where the password form is sent (RFC 6749 section 4.3).
    """

    def __init__(self, token_url: str) -> None:
        self.token_url = token_url

    def __call__(self, connection: HTTPConnection) -> str:
        """Take the token out of the request.

        Raises:
            MissingTokenError: there is none.
            InvalidRequestError: there are several headers, or the one is malformed.
        """
        return bearer_token(connection.headers.getlist("authorization"))


def client_address(connection: HTTPConnection) -> str | None:
    """Give where a request comes from, as the server tells it: it knows which proxies to trust.

    An argument: ``Annotated[str | None, FromRequest(client_address)]``.
    """
    return connection.client.host if connection.client else None


@dataclass(frozen=True)
class FromRequest:
    """An argument that a function makes out of the request.

    ::

        CurrentUser = Annotated[User, FromRequest(get_current_user, security=bearer_token)]

    Args:
        make: takes the request and gives the value, or an awaitable of it.
        security: what the function takes the caller's token from; documented where it is used.
    """

    make: Callable[[Request], Any]
    security: BearerToken | None = None


@dataclass(frozen=True)
class _Declared:
    """A function, and what the route says about it."""

    operation: Operation
    provided: Mapping[str, FromRequest]
    headers: Mapping[str, str] = field(default_factory=dict)


class Routes:
    """Routes under one prefix; ``Starlette(routes=list(routes))`` serves them.

    ::

        routes = Routes("/users", tags=["users"])

        @routes.post("", status=201, errors=[409])
        async def register(new: Body[UserCreate], users: Users) -> UserRead: ...

    Args:
        prefix: what all paths begin with.
        included: further routes, which come under the prefix too.
        tags: under which the documentation lists them.
        headers: what every answer carries that is not an error.
    """

    def __init__(
        self,
        prefix: str = "",
        *included: "Routes",
        tags: Collection[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._prefix = prefix
        self._included = included
        self._tags = tuple(tags)
        self._headers = headers or {}
        self._declared: list[_Declared] = []

    def get[F: Callable[..., Awaitable[Any]]](
        self, path: str = "", *, status: int = 200, errors: Collection[int] = ()
    ) -> Callable[[F], F]:
        """Answer GET."""
        return self.route("GET", path, status=status, errors=errors)

    def post[F: Callable[..., Awaitable[Any]]](
        self, path: str = "", *, status: int = 200, errors: Collection[int] = ()
    ) -> Callable[[F], F]:
        """Answer POST."""
        return self.route("POST", path, status=status, errors=errors)

    def put[F: Callable[..., Awaitable[Any]]](
        self, path: str = "", *, status: int = 200, errors: Collection[int] = ()
    ) -> Callable[[F], F]:
        """Answer PUT."""
        return self.route("PUT", path, status=status, errors=errors)

    def patch[F: Callable[..., Awaitable[Any]]](
        self, path: str = "", *, status: int = 200, errors: Collection[int] = ()
    ) -> Callable[[F], F]:
        """Answer PATCH."""
        return self.route("PATCH", path, status=status, errors=errors)

    def delete[F: Callable[..., Awaitable[Any]]](
        self, path: str = "", *, status: int = 200, errors: Collection[int] = ()
    ) -> Callable[[F], F]:
        """Answer DELETE."""
        return self.route("DELETE", path, status=status, errors=errors)

    def route[F: Callable[..., Awaitable[Any]]](
        self, method: str, path: str = "", *, status: int = 200, errors: Collection[int] = ()
    ) -> Callable[[F], F]:
        """Answer a method of a path by a function.

        Each parameter of the function says where it comes from: ``Body``, ``Form``, ``Path``,
        ``Query``, ``FromRequest``, or it is the ``Request``. What does not fit is answered with
        422, and what the function returns is written as JSON of the type that it declares.

        Args:
            method: of HTTP.
            path: below the prefix, with ``{name}`` for each parameter.
            status: of the answer if nothing goes wrong.
            errors: the other statuses that it may answer with, besides 400 and 422 for what
                does not fit.

        Raises:
            TypeError: a parameter does not say where it comes from.
        """

        def declare(function: F) -> F:
            self._declared.append(_declare(function, method, path, status, errors))
            return function

        return declare

    def __iter__(self) -> Iterator[Route]:
        for declared in self._all():
            yield TypedRoute(declared)

    def _all(self) -> Iterator[_Declared]:
        below = [inner for routes in self._included for inner in routes._all()]
        for inner in (*self._declared, *below):
            operation = inner.operation
            path, tags = self._prefix + operation.path, (*self._tags, *operation.tags)
            headers = {**self._headers, **inner.headers}
            yield replace(
                inner, operation=replace(operation, path=path, tags=tags), headers=headers
            )


class TypedRoute(Route):
    """A route that knows its operation."""

    def __init__(self, declared: _Declared) -> None:
        operation = declared.operation
        super().__init__(operation.path, _endpoint(declared), methods=[operation.method])
        self.methods = {operation.method}  # HEAD too is answered by who declares it
        self.operation = replace(operation, path=self.path_format)


def _declare(
    function: Callable[..., Any], method: str, path: str, status: int, errors: Collection[int]
) -> _Declared:
    hints = get_type_hints(function, include_extras=True)
    arguments: list[Argument] = []
    provided: dict[str, FromRequest] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints.get(name)
        origin = get_origin(hint)
        makers = [part for part in get_args(hint) if isinstance(part, FromRequest)]
        if isinstance(origin, TypeAliasType) and origin in _PLACES:
            [annotation] = get_args(hint)
            arguments.append(Argument(name, _PLACES[origin], annotation, parameter.default))
        elif makers:
            provided[name] = makers[0]
        elif isinstance(hint, type) and issubclass(hint, HTTPConnection):
            provided[name] = FromRequest(_the_request)
        else:
            raise TypeError(
                f"{function.__module__}.{function.__qualname__}: {name} must be a Body, Form, Path, "
                "Query or FromRequest, or the Request"
            )
    returned = hints.get("return")
    order: list[Place] = ["path", "query", "form", "body"]
    operation = Operation(
        method=method,
        path=path,
        function=function,
        arguments=tuple(sorted(arguments, key=lambda argument: order.index(argument.place))),
        returns=Any if _is_response(returned) else returned,
        status=status,
        errors=tuple(errors),
        token_url=next(
            (maker.security.token_url for maker in provided.values() if maker.security), None
        ),
    )
    return _Declared(operation, provided)


def _is_response(returned: object) -> bool:
    """Tell whether a function answers by itself, so that nothing is known of the content."""
    return isinstance(returned, type) and issubclass(returned, Response)


def _the_request(request: Request) -> Request:
    return request


def _endpoint(declared: _Declared) -> Callable[[Request], Awaitable[Response]]:
    operation, headers = declared.operation, dict(declared.headers)
    sent = next((part for part in operation.arguments if part.place in {"body", "form"}), None)
    returned = TypeAdapter(operation.returns)

    async def endpoint(request: Request) -> Response:
        body: Any = MISSING
        if sent is not None:
            body = parse_body(sent, request.headers.get("content-type"), await request.body())
        values: dict[str, Any] = {}
        for name, source in declared.provided.items():
            made = source.make(request)
            values[name] = await made if inspect.isawaitable(made) else made
        query = request.query_params.multi_items()
        values |= read_arguments(operation.arguments, RequestData(request.path_params, query, body))
        result = await operation.function(**values)
        if isinstance(result, Response):
            return result
        if operation.status == _NO_CONTENT:
            return Response(status_code=operation.status, headers=headers)
        content = returned.dump_json(returned.validate_python(result, from_attributes=True))
        return Response(content, operation.status, headers, "application/json")

    return endpoint
