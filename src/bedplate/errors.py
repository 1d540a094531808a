"""The tree of domain errors: facts without HTTP, given to clients by one table at the rim.

::

    BedplateError
    ├── NotFoundError
    ├── ConflictError
    │   ├── DuplicateError
    │   ├── StaleError
    │   └── StillReferencedError
    ├── InvalidDataError
    │   ├── BrokenReferenceError
    │   ├── InvalidCursorError
    │   └── WeakPasswordError
    ├── AuthenticationError
    │   ├── MissingTokenError
    │   ├── InvalidTokenError
    │   ├── InvalidCredentialsError
    │   ├── InvalidRequestError
    │   ├── InvalidGrantError
    │   └── InvalidOneTimeTokenError
    ├── PermissionDeniedError
    │   ├── InsufficientScopeError
    │   └── WrongPasswordError
    ├── ThrottledError
    ├── UnavailableError
    │   ├── DatabaseUnavailableError
    │   │   ├── PoolTimeoutError
    │   │   └── CommitOutcomeUnknownError
    │   ├── RetryableError
    │   ├── QueryTimeoutError
    │   ├── LockTimeoutError
    │   ├── HasherBusyError
    │   └── MailUnavailableError
    └── ConfigurationError
        └── WeakSecretError

Messages reach clients and logs, so they never carry a value from a row, a request or a setting.
"""

from collections.abc import Sequence
from typing import ClassVar


class BedplateError(Exception):
    """The root of every error that bedplate raises on purpose."""

    code: ClassVar[str] = "error"
    """Stable snake_case name that clients may test for."""

    default_message: ClassVar[str] = "Something went wrong."

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.default_message
        super().__init__(self.message)


class NotFoundError(BedplateError):
    """What was asked for does not exist, or not for this caller."""

    code = "not_found"
    default_message = "Not found."

    def __init__(self, message: str | None = None, *, resource: str | None = None) -> None:
        super().__init__(message or (f"{resource} not found." if resource else None))
        self.resource = resource


class ConflictError(BedplateError):
    """The request contradicts the present state."""

    code = "conflict"
    default_message = "This contradicts the present state."


class DuplicateError(ConflictError):
    """A unique constraint already holds such a row."""

    code = "duplicate"
    default_message = "This already exists."

    def __init__(
        self,
        message: str | None = None,
        *,
        constraint: str | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.constraint = constraint
        self.columns = tuple(columns)


class StaleError(ConflictError):
    """The row was changed by somebody else since it was read."""

    code = "stale"
    default_message = "This was changed by somebody else meanwhile; read it again."


class StillReferencedError(ConflictError):
    """The row cannot be deleted: another row points to it."""

    code = "still_referenced"
    default_message = "Something else still refers to this."

    def __init__(self, message: str | None = None, *, constraint: str | None = None) -> None:
        super().__init__(message)
        self.constraint = constraint


class InvalidDataError(BedplateError):
    """A value is refused: by a constraint, a type or a rule of the domain."""

    code = "invalid_data"
    default_message = "A value is not acceptable."

    def __init__(
        self,
        message: str | None = None,
        *,
        constraint: str | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(message)
        self.constraint = constraint
        self.field = field


class BrokenReferenceError(InvalidDataError):
    """A foreign key points to nothing."""

    code = "broken_reference"
    default_message = "Something that this refers to does not exist."


class InvalidCursorError(InvalidDataError):
    """The cursor is damaged, forged, or belongs to another listing."""

    code = "invalid_cursor"
    default_message = "The cursor is not valid for this listing."


class WeakPasswordError(InvalidDataError):
    """The password is too short, too long or too common."""

    code = "weak_password"
    default_message = "The password is too weak."


class AuthenticationError(BedplateError):
    """The caller is not, or not sufficiently, identified."""

    code = "unauthenticated"
    default_message = "Authentication is required."


class MissingTokenError(AuthenticationError):
    """No credentials were sent (RFC 6750 section 3: no error attribute)."""


class InvalidTokenError(AuthenticationError):
    """The access token is malformed, forged, expired or revoked (RFC 6750 section 3.1)."""

    code = "invalid_token"
    default_message = "The access token is not valid."


class InvalidCredentialsError(AuthenticationError):
    """The account or its password is wrong; which one is not told."""

    code = "invalid_credentials"
    default_message = "The e-mail address or the password is wrong."


class InvalidRequestError(AuthenticationError):
    """The credentials were sent in a way the protocol forbids (RFC 6750 section 3.1)."""

    code = "invalid_request"
    default_message = "The Authorization header is malformed."


class InvalidGrantError(AuthenticationError):
    """The refresh token is unknown, expired, revoked or used (RFC 6749 section 5.2)."""

    code = "invalid_grant"
    default_message = "The refresh token is not valid."


class InvalidOneTimeTokenError(AuthenticationError):
    """The token from a mail is unknown, expired, used, or not for this any more."""

    code = "invalid_one_time_token"
    default_message = "This link is not valid any more; ask for another one."


class PermissionDeniedError(BedplateError):
    """The caller is known but not allowed to do this."""

    code = "forbidden"
    default_message = "This is not allowed."


class InsufficientScopeError(PermissionDeniedError):
    """The token lacks a scope (RFC 6750 section 3.1)."""

    code = "insufficient_scope"
    default_message = "The access token lacks a required scope."

    def __init__(self, message: str | None = None, *, scope: str | None = None) -> None:
        super().__init__(message)
        self.scope = scope


class WrongPasswordError(PermissionDeniedError):
    """The caller's token is valid, but not the password that this needs besides.

    No 401, on which clients refresh the token and try again.
    """

    code = "wrong_password"
    default_message = "The current password is wrong."


class ThrottledError(BedplateError):
    """The caller, or somebody in the caller's name, asks too often."""

    code = "too_many_requests"
    default_message = "Too many attempts; try again later."

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        """Keep how long to wait.

        Args:
            message: one sentence for the client, or None for the default.
            retry_after: seconds after which the next attempt is allowed.
        """
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(BedplateError):
    """Something that is needed does not answer now; trying later may succeed."""

    code = "unavailable"
    default_message = "The service is not available now; try again later."

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        """Keep how long to wait.

        Args:
            message: one sentence for the client, or None for the default.
            retry_after: seconds after which trying again makes sense.
        """
        super().__init__(message)
        self.retry_after = retry_after


class DatabaseUnavailableError(UnavailableError):
    """The database cannot be reached, or the connection to it was lost."""

    code = "database_unavailable"
    default_message = "The database is not available now; try again later."


class PoolTimeoutError(DatabaseUnavailableError):
    """No connection became free in time."""

    code = "pool_timeout"
    default_message = "No database connection became free in time; try again later."


class CommitOutcomeUnknownError(DatabaseUnavailableError):
    """The connection was lost during commit: the change may or may not be stored."""

    code = "commit_outcome_unknown"
    default_message = "The connection was lost during commit; the outcome is unknown."


class RetryableError(UnavailableError):
    """A serialization failure or deadlock: the same transaction may succeed if run again."""

    code = "retryable"
    default_message = "This collided with another transaction; try again."


class QueryTimeoutError(UnavailableError):
    """A statement took longer than allowed and was cancelled."""

    code = "query_timeout"
    default_message = "A database query took too long."


class LockTimeoutError(UnavailableError):
    """A lock was not granted in time."""

    code = "lock_timeout"
    default_message = "Somebody else holds a lock on this; try again."


class HasherBusyError(UnavailableError):
    """Too many passwords are waiting to be hashed."""

    code = "hasher_busy"
    default_message = "Too many logins at once; try again shortly."


class MailUnavailableError(UnavailableError):
    """The mail server does not take the mail now, or there is too much to send."""

    code = "mail_unavailable"
    default_message = "Mail cannot be sent now; try again later."


class ConfigurationError(BedplateError):
    """The service is configured wrongly; the message names settings, never their values."""

    code = "configuration"
    default_message = "The service is configured wrongly."


class WeakSecretError(ConfigurationError):
    """A secret key is too short, a placeholder, or of the wrong kind."""

    code = "weak_secret"
    default_message = "The secret key is too weak."
