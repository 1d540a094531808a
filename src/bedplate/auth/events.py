"""What happens when people sign in, for who counts it."""

from collections.abc import Callable
from enum import StrEnum

__all__ = ["AuthEvent", "AuthListener", "ignore"]


class AuthEvent(StrEnum):
    """One attempt and how it ended; who made it is in the log, not here."""

    LOGIN_SUCCEEDED = "login_succeeded"
    LOGIN_REFUSED = "login_refused"
    """Unknown, wrong, disabled or unverified: the outcome is the same, and so is this."""
    LOGIN_THROTTLED = "login_throttled"
    """Too many attempts; nothing was verified."""
    REFRESH_SUCCEEDED = "refresh_succeeded"
    REFRESH_REFUSED = "refresh_refused"
    """The token was unknown, expired or revoked."""
    REFRESH_REUSED = "refresh_reused"
    """The token was used before: somebody else has it too, and its session was ended."""


type AuthListener = Callable[[AuthEvent], object]
"""Called at once, from within the request; it must be quick and raise nothing."""


def ignore(event: AuthEvent) -> None:
    """Listen to nothing."""
    del event
