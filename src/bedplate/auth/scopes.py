"""What a caller may do: scopes of a token or key, roles of an account."""

from collections.abc import Collection, Mapping

from bedplate.auth.models import AccountMixin
from bedplate.errors import InsufficientScopeError, PermissionDeniedError


def demand_scopes(granted: Collection[str], *required: str) -> None:
    """Let only callers pass who have every scope.

    Args:
        granted: the scopes of the token or key.
        required: what the action takes.

    Raises:
        InsufficientScopeError: one is missing; it names all that are required (RFC 6750).
    """
    if not set(required) <= set(granted):
        raise InsufficientScopeError(scope=" ".join(required))


def demand_role(account: AccountMixin, *roles: str) -> None:
    """Let only accounts pass that have one of the roles.

    Raises:
        PermissionDeniedError: the account has none of them.
    """
    if not set(roles) & set(account.roles):
        raise PermissionDeniedError


def scopes_of(account: AccountMixin, by_role: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Give all scopes that the roles of an account bring.

    Args:
        account: whose.
        by_role: the scopes of each role; a role that is not in it brings none.
    """
    return frozenset(scope for role in account.roles for scope in by_role.get(role, ()))
