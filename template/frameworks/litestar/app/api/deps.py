"""Who is calling, and whether they may."""

from collections.abc import Awaitable, Callable
from typing import Any

from bedplate.auth.principal import Principal, scope_of
from bedplate.auth.service import Authenticated
from bedplate.integrations.litestar import BearerToken
from litestar import Request
from litestar.di import NamedDependency
from litestar.types import Dependencies

from app.dependencies import Auth
from app.models import User

AnyPrincipal = NamedDependency[Principal[User]]
Caller = NamedDependency[Authenticated[User]]
CurrentUser = NamedDependency[User]
AdminUser = NamedDependency[User]


async def get_principal(
    request: Request[Any, Any, Any], token: NamedDependency[str], auth: Auth
) -> Principal[User]:
    """Tell who calls: people, or an API key with `read`, or `write` where this is no GET."""
    principal = await auth.authenticate(token)
    principal.demand(scope_of(request.method))
    return principal


async def get_caller(principal: AnyPrincipal) -> Authenticated[User]:
    """Give the person who is signed in, with the session; no API key will do."""
    return principal.demand_person()


def allowed(*scopes: str) -> Callable[..., Awaitable[User]]:
    """Make a dependency: the account that calls, if its roles, and its API key, bring the scopes."""

    async def get_account(principal: AnyPrincipal) -> User:
        principal.demand(*scopes)
        return principal.account

    return get_account


callers: Dependencies = {
    "token": BearerToken("/api/v1/auth/token"),
    "principal": get_principal,
    "caller": get_caller,
    "user": allowed(),
    "_user": allowed(),
    "_admin": allowed("admin"),
}
