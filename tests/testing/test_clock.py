"""bedplate.testing.clock"""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bedplate.testing import FrozenClock


def test_it_moves_only_when_told(frozen_clock: FrozenClock) -> None:
    before = frozen_clock()
    assert frozen_clock() == before
    assert frozen_clock.advance(timedelta(minutes=5)) == before + timedelta(minutes=5)
    assert frozen_clock() == before + timedelta(minutes=5)


@pytest.mark.unhappy
def test_a_moment_without_a_timezone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        FrozenClock(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.unhappy
def test_a_moment_of_another_timezone_is_given_in_utc() -> None:
    clock = FrozenClock(datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))))
    assert clock() == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert clock().tzinfo is UTC
