"""Who is calling: a person in a session, or a machine with an API key; and what they may do."""

from dataclasses import dataclass

from bedplate.auth.claims import AccessClaims
from bedplate.auth.models import AccountMixin
from bedplate.auth.service import Authenticated
from bedplate.errors import InsufficientScopeError, PermissionDeniedError

READ = "read"
WRITE = "write"
EVERYBODY = frozenset({READ, WRITE})
"""The scopes of every account: to read, and to change, what it may as its owner."""

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}  # RFC 9110 section 9.2.1


@dataclass(frozen=True, slots=True)
class Principal[U: AccountMixin]:
    """The account that a request acts for, and how far."""

    account: U
    permissions: frozenset[str]
    """The scopes of the account as it is now: those of everybody, and those of its roles."""
    granted: frozenset[str] | None
    """The scopes of the API key or token; None for all that the account may."""
    claims: AccessClaims | None
    """Of the session's access token; None for an API key."""

    def may(self, *scopes: str) -> bool:
        """Tell whether the account, and the credentials that were sent, bring every scope."""
        granted = self.permissions if self.granted is None else self.granted & self.permissions
        return granted.issuperset(scopes)

    def demand(self, *scopes: str) -> None:
        """Let only callers pass who have every scope.

        Raises:
            PermissionDeniedError: the account may not do this, with whatever credentials.
            InsufficientScopeError: the account may, but not with this key or token.
        """
        if not self.permissions.issuperset(scopes):
            raise PermissionDeniedError
        if self.granted is not None and not self.granted.issuperset(scopes):
            raise InsufficientScopeError(scope=" ".join(scopes))

    def demand_person(self) -> Authenticated[U]:
        """Let only people pass who are signed in, with all that they may.

        Raises:
            InsufficientScopeError: an API key was sent, or a token for less.
        """
        if self.claims is None or self.granted is not None:
            raise InsufficientScopeError("This takes somebody who is signed in.")
        return Authenticated(self.account, self.claims)


def scope_of(method: str) -> str:
    """Give the scope that a request of this HTTP method takes: ``read`` or ``write``."""
    return READ if method in _SAFE_METHODS else WRITE
