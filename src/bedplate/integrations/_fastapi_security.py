"""Dependencies of FastAPI around tokens; all async, since it sends plain functions to threads."""

from fastapi.security import OAuth2PasswordBearer
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


async def no_store(response: Response) -> None:
    """Keep caches from storing the answer, as tokens need it (RFC 6749 section 5.1).

    A dependency: ``APIRouter(dependencies=[Depends(no_store)])``.
    """
    response.headers["cache-control"] = "no-store"


async def client_address(connection: HTTPConnection) -> str | None:
    """Give where a request comes from, as the server tells it: it knows which proxies to trust.

    A dependency: ``Annotated[str | None, Depends(client_address)]``.
    """
    return connection.client.host if connection.client else None
