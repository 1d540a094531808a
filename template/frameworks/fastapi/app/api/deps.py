"""Who is calling, and whether they may; all `async`, lest FastAPI sends them to threads."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from bedplate.auth.principal import Principal, scope_of
from bedplate.auth.service import Authenticated
from bedplate.integrations.fastapi import BearerAuth
from fastapi import Depends
from starlette.requests import Request

from app.dependencies import get_auth
from app.models import User


async def authenticate(request: Request, token: str) -> Principal[User]:
    """Tell who calls: people, or an API key with `read`, or `write` where this is no GET."""
    principal = await (await get_auth(request)).authenticate(token)
    principal.demand(scope_of(request.method))
    return principal


get_principal = BearerAuth("/api/v1/auth/token", authenticate)
AnyPrincipal = Annotated[Principal[User], Depends(get_principal)]


async def get_caller(principal: AnyPrincipal) -> Authenticated[User]:
    """Give the person who is signed in, with the session; no API key will do."""
    return principal.demand_person()


def allowed(*scopes: str) -> Callable[..., Awaitable[User]]:
    """Make a dependency: the account that calls, if its roles, and its API key, bring the scopes."""

    async def get_account(principal: AnyPrincipal) -> User:
        principal.demand(*scopes)
        return principal.account

    return get_account


Caller = Annotated[Authenticated[User], Depends(get_caller)]
CurrentUser = Annotated[User, Depends(allowed())]
AdminUser = Annotated[User, Depends(allowed("admin"))]
