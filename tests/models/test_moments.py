"""Moments on their way into the database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import cast, literal, select

from bedplate.database import Database
from bedplate.errors import InvalidDataError
from bedplate.models import UTCDateTime

EARLY = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
LATE = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))


async def sent(database: Database, moment: datetime) -> datetime | None:
    async with database.session() as session:
        return await session.scalar(select(cast(literal(moment, UTCDateTime), UTCDateTime)))


async def test_a_moment_comes_back_in_utc(database: Database) -> None:
    moment = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    back = await sent(database, moment)
    assert back == moment
    assert back.tzinfo is UTC


@pytest.mark.unhappy
async def test_a_datetime_without_time_zone_is_invalid_data(database: Database) -> None:
    with pytest.raises(InvalidDataError, match="time zone"):
        await sent(database, datetime(2026, 1, 1))  # noqa: DTZ001 - the point


@pytest.mark.unhappy
@pytest.mark.parametrize("moment", [EARLY, LATE])
async def test_a_moment_out_of_range_is_invalid_data(database: Database, moment: datetime) -> None:
    with pytest.raises(InvalidDataError, match="out of range"):
        await sent(database, moment)
