"""Cursors this service signed for columns of another type: refused or served, on both drivers."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession
from tests.repositories.kinds import Colour, Kind, KindRepository, Model
from tests.repositories.library import CODEC

from bedplate.database import Database
from bedplate.errors import InvalidCursorError, InvalidDataError
from bedplate.pagination import CursorParams
from bedplate.repositories.keyset import Position
from bedplate.repositories.listing import Listing

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
# A value of each column that can be sorted by, and others that it cannot have.
COLUMNS: dict[str, tuple[Any, list[Any]]] = {
    "text": ("a", [1, True, UUID(int=1), Decimal(1), MOMENT]),
    "code": ("a", [1.5, b"a"]),
    "fixed": ("abc", [7]),
    "number": (1, ["a", "1", True, UUID(int=1), date(2026, 1, 1), b"1"]),
    "large": (1, ["a", True, timedelta(1)]),
    "amount": (Decimal("1.5"), ["1.5", time(1)]),
    "ratio": (1.5, ["1.5", False]),
    "truth": (True, [1, "true", Decimal(1)]),
    "moment": (MOMENT, ["2026-01-01", date(2026, 1, 1), 1, datetime(2026, 1, 1)]),  # noqa: DTZ001
    "day": (date(2026, 1, 1), ["2026-01-01", 1, time(1)]),
    "hour": (time(1), ["01:00", timedelta(1), 1]),
    "span": (timedelta(1), ["1 day", 1, time(1)]),
    "other": (UUID(int=1), [str(UUID(int=1)), 1, b"1"]),
    "data": (b"a", ["a", 1]),
    "colour": (Colour.red, [1, UUID(int=1)]),
    "shade": (Colour.red, [1, 1.5]),
    "backwards": ("abc", [1, UUID(int=1), b"abc"]),
}
FOREIGN = [(name, value) for name, (_, values) in COLUMNS.items() for value in values]
ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.decimals()
    | st.binary()
)


class Params(CursorParams):
    sort: Literal["it"] = "it"


class Kinds(KindRepository):
    by: ClassVar[str]

    @property
    def sortable(self) -> Any:  # type: ignore[override]  # a different one in each test
        return {"it": getattr(Kind, self.by)}


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def kinds(database: Database) -> AsyncIterator[Kinds]:
    async with database.session() as session:
        repository = Kinds(session, cursors=CODEC)
        row = {name: value for name, (value, _) in COLUMNS.items() if name != "code"}
        await repository.add_many([row, row, row])
        yield repository


def cursor_of(kinds: Kinds, by: str, value: object, key: object = UUID(int=0)) -> CursorParams:
    """Give a request with a cursor that this service has signed."""
    kinds.by = by  # type: ignore[misc]  # of this one alone
    listing = Listing.of(Kind, Params(), kinds.sortable, {})
    signed = CODEC.encode(Position((value, key)).dump(), listing.signature())
    return Params(limit=2, cursor=signed)


async def in_savepoint(session: AsyncSession, kinds: Kinds, params: CursorParams) -> int:
    async with session.begin_nested():
        return len((await kinds.cursor_page(params)).items)


@pytest.mark.parametrize("by", COLUMNS)
async def test_a_value_of_the_column_is_served(kinds: Kinds, by: str) -> None:
    value = COLUMNS[by][0] if by != "code" else None
    assert await in_savepoint(kinds.session, kinds, cursor_of(kinds, by, value)) == 2


@pytest.mark.unhappy
@pytest.mark.parametrize(("by", "value"), FOREIGN, ids=repr)
async def test_a_value_of_another_type_is_refused(kinds: Kinds, by: str, value: object) -> None:
    """The type of a column may have changed since."""
    with pytest.raises(InvalidCursorError):
        await kinds.cursor_page(cursor_of(kinds, by, value))
    with pytest.raises(InvalidCursorError):
        await kinds.cursor_page(cursor_of(kinds, by, COLUMNS[by][0], key=1))


@pytest.mark.unhappy
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(by=st.sampled_from([*COLUMNS]), value=ANY)
async def test_no_value_gives_another_error(kinds: Kinds, by: str, value: object) -> None:
    params = cursor_of(kinds, by, value)
    try:
        assert await in_savepoint(kinds.session, kinds, params) <= 2
    except InvalidDataError:
        assert len(await kinds.list()) == 3
