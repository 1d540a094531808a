"""Who is calling, and whether they may."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from bedplate.auth.principal import Principal, scope_of
from bedplate.auth.service import Authenticated
from bedplate.integrations.starlette import BearerToken, FromRequest
from starlette.requests import Request

from app.dependencies import get_auth
from app.models import User

bearer_token = BearerToken("/api/v1/auth/token")


async def get_principal(request: Request) -> Principal[User]:
    """Tell who calls: people, or an API key with `read`, or `write` where this is no GET."""
    principal = await get_auth(request).authenticate(bearer_token(request))
    principal.demand(scope_of(request.method))
    return principal


async def get_caller(request: Request) -> Authenticated[User]:
    """Give the person who is signed in, with the session; no API key will do."""
    return (await get_principal(request)).demand_person()


def allowed(*scopes: str) -> Callable[[Request], Awaitable[User]]:
    """Make a dependency: the account that calls, if its roles, and its API key, bring the scopes."""

    async def get_account(request: Request) -> User:
        principal = await get_principal(request)
        principal.demand(*scopes)
        return principal.account

    return get_account


AnyPrincipal = Annotated[Principal[User], FromRequest(get_principal, security=bearer_token)]
Caller = Annotated[Authenticated[User], FromRequest(get_caller, security=bearer_token)]
CurrentUser = Annotated[User, FromRequest(allowed(), security=bearer_token)]
AdminUser = Annotated[User, FromRequest(allowed("admin"), security=bearer_token)]
