"""Dependencies of FastAPI around tokens; all async, since it sends plain functions to threads."""

from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.security import OAuth2PasswordBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.responses import Response

from bedplate.auth.bearer import bearer_token


class BearerToken(OAuth2PasswordBearer):
    """A dependency that gives the request's bearer token; ``/docs`` shows its "Authorize" button.

    ::

        AccessToken = Annotated[str, Depends(BearerToken("/api/v1/auth/token"))]

    Args:
        token_url: where the password form is sent (RFC 6749 section 4.3).
    """

    def __init__(self, token_url: str) -> None:
        super().__init__(tokenUrl=token_url.removeprefix("/"), scheme_name="Bearer")

    async def __call__(self, request: HTTPConnection) -> str:
        """Take the token out of the request.

        Raises:
            MissingTokenError: there is none.
            InvalidRequestError: there are several headers, or the one is malformed.
        """
        return bearer_token(request.headers.getlist("authorization"))


class BearerAuth[P](SecurityBase):
    """A dependency that gives who calls; ``/docs`` shows its "Authorize" button.

    For FastAPI it is one dependency, where a function that asks for a ``BearerToken`` and for what
    knows the callers is three; and it stands behind every request::

        async def authenticate(request: Request, token: str) -> Principal[User]: ...

        get_principal = BearerAuth("/api/v1/auth/token", authenticate)
        Caller = Annotated[Principal[User], Depends(get_principal)]

    Args:
        token_url: where the password form is sent (RFC 6749 section 4.3).
        authenticate: tells who calls by the token, or raises.
    """

    def __init__(
        self, token_url: str, authenticate: Callable[[Request, str], Awaitable[P]]
    ) -> None:
        self._token = BearerToken(token_url)
        self.model, self.scheme_name = self._token.model, self._token.scheme_name
        self._authenticate = authenticate

    async def __call__(self, request: Request) -> P:
        """Take the token out of the request, and ask whose it is.

        Raises:
            MissingTokenError: there is none.
            InvalidRequestError: there are several headers, or the one is malformed.
        """
        return await self._authenticate(request, await self._token(request))


async def no_store(response: Response) -> None:
    """Keep caches from storing the answer, as tokens need it (RFC 6749 section 5.1).

    A dependency: ``Router(dependencies=[Depends(no_store)])``.
    """
    response.headers["cache-control"] = "no-store"


async def client_address(connection: HTTPConnection) -> str | None:
    """Give where a request comes from, as the server tells it: it knows which proxies to trust.

    A dependency: ``Annotated[str | None, Depends(client_address)]``.
    """
    return connection.client.host if connection.client else None
