"""What handlers of Litestar are declared with: routers, tokens, errors."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import litestar
from litestar import Request
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ControllerRouterHandler, Scope

from bedplate.asgi.problems import CONTENT_TYPE, title_of
from bedplate.auth.bearer import bearer_token
from bedplate.schemas import ErrorResponse

no_store = CacheControlHeader(no_store=True)
"""Keeps caches from storing answers, as tokens need it (RFC 6749 section 5.1): ``cache_control = no_store``."""


class Declare(Protocol):
    """Declares a function as a handler and leaves it as it is."""

    def __call__[F: Callable[..., Any]](self, function: F, /) -> F: ...


class Router(litestar.Router):
    """Litestar's router, whose handlers can be declared one by one.

    ::

        router = Router("/users", tags=["users"])

        @router.post(responses=error_responses(409))
        async def register(data: JSONBody[UserCreate], users: Users) -> UserRead: ...

    The options of the decorators are those of Litestar's own, and so are the statuses of success
    that are not given: 201 for POST, 204 for DELETE, 200 for the others.

    Args:
        path: what all paths begin with.
        route_handlers: further handlers, controllers and routers below it.
        options: those of Litestar's router.
    """

    def __init__(
        self,
        path: str,
        *,
        route_handlers: Sequence[ControllerRouterHandler] = (),
        **options: Any,  # noqa: ANN401 - of many types
    ) -> None:
        super().__init__(path, route_handlers=route_handlers, **options)

    def get(self, path: str = "/", **options: Any) -> Declare:  # noqa: ANN401
        """Answer GET."""
        return self._declare(litestar.get(path, **options))

    def post(self, path: str = "/", **options: Any) -> Declare:  # noqa: ANN401
        """Answer POST."""
        return self._declare(litestar.post(path, **options))

    def put(self, path: str = "/", **options: Any) -> Declare:  # noqa: ANN401
        """Answer PUT."""
        return self._declare(litestar.put(path, **options))

    def patch(self, path: str = "/", **options: Any) -> Declare:  # noqa: ANN401
        """Answer PATCH."""
        return self._declare(litestar.patch(path, **options))

    def delete(self, path: str = "/", **options: Any) -> Declare:  # noqa: ANN401
        """Answer DELETE."""
        return self._declare(litestar.delete(path, **options))

    def _declare(self, handler: HTTPRouteHandler) -> Declare:
        def declare[F: Callable[..., Any]](function: F) -> F:
            self.register(handler(function))
            return function

        return declare


class BearerToken(Provide):
    """A dependency that gives the request's bearer token.

    ``/docs`` shows its "Authorize" button, and each handler that needs the token, by whichever
    other dependency, is documented as one that does::

        dependencies = {"token": BearerToken("/api/v1/auth/token"), "user": Provide(get_user)}

    Args:
        token_url: where the password form is sent (RFC 6749 section 4.3).
    """

    def __init__(self, token_url: str) -> None:
        super().__init__(_read_token, sync_to_thread=False)
        self.token_url = token_url


def _read_token(request: Request[Any, Any, Any]) -> str:
    return bearer_token(request.headers.getall("authorization", []))


async def client_address(scope: Scope) -> str | None:
    """Give where a request comes from, as the server tells it: it knows which proxies to trust.

    A dependency: ``dependencies={"address": client_address}``.
    """
    client = scope["client"]
    return client[0] if client else None


def error_responses(*statuses: int) -> dict[int, ResponseSpec]:
    """Document errors of a handler: ``responses=error_responses(401, 404)``.

    Args:
        statuses: the HTTP statuses that it may answer with, besides 400 and 422 for what does
            not fit.
    """
    return {
        status: ResponseSpec(
            ErrorResponse,
            description=title_of(status),
            media_type=CONTENT_TYPE,
            generate_examples=False,
        )
        for status in statuses
    }
