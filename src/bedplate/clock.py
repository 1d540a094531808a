"""The time of day as a value that is passed in, so that tests can freeze it."""

from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], datetime]
"""Something that gives the present moment as a timezone-aware datetime in UTC."""


def utc_now() -> datetime:
    """Give the present moment, timezone-aware, in UTC."""
    return datetime.now(UTC)
