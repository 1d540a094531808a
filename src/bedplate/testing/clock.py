"""A clock that stands still until it is told to move."""

from datetime import UTC, datetime, timedelta


class FrozenClock:
    """A `bedplate.clock.Clock` for tests: calling it gives the same moment every time.

    Args:
        now: the moment it starts at, timezone-aware.
    """

    def __init__(self, now: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)) -> None:
        self.move_to(now)

    def __call__(self) -> datetime:
        """Give the moment it stands at."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Set the clock.

        Raises:
            ValueError: the moment has no timezone.
        """
        if moment.tzinfo is None:
            raise ValueError("a clock needs a timezone-aware moment")
        self._now = moment.astimezone(UTC)

    def advance(self, by: timedelta) -> datetime:
        """Move the clock and give the new moment."""
        self._now += by
        return self._now
