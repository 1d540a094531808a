"""Cursor pages by property: for any rows and any order, walking gives each row once, in order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from tests.repositories.library import CODEC

from bedplate.database import Database
from bedplate.errors import InvalidCursorError
from bedplate.models import NAMING_CONVENTION, Base
from bedplate.pagination import CursorPage, CursorParams
from bedplate.repositories import Repository
from bedplate.repositories.ordering import OrderBy


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Row(Model):
    __tablename__ = "rows"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int]
    flag: Mapped[bool]
    maybe: Mapped[int | None]
    word: Mapped[str | None]
    moment: Mapped[datetime | None]


class Rows(Repository[Row]):
    model = Row


class Params(CursorParams):
    sort: Literal["it", "-it"] = "it"


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


# Few values, so that there are many ties.
VALUES = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "number": st.integers(-1, 1),
        "flag": st.booleans(),
        "maybe": st.none() | st.integers(-1, 1),
        "word": st.none() | st.sampled_from(["", "a", "A", "ä", "a b", "z'\\%"]),
        "moment": st.none()
        | st.sampled_from(
            [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]
        ),
    }
)
ROWS = st.lists(VALUES, max_size=14, unique_by=lambda row: row["id"])
COLUMNS = [Row.id, Row.number, Row.flag, Row.maybe, Row.word, Row.moment]


@st.composite
def orders(draw: st.DrawFn) -> tuple[OrderBy, ...]:
    elements: list[OrderBy] = []
    for column in draw(st.lists(st.sampled_from(COLUMNS), max_size=3, unique_by=id)):
        element: Any = draw(st.sampled_from([column, column.asc(), column.desc()]))
        places = [element, element.nulls_first(), element.nulls_last()]
        elements.append(draw(st.sampled_from(places)))
    return tuple(elements)


def with_property(test: Any) -> Any:
    given_all = given(
        rows=ROWS, order=orders(), sort=st.sampled_from(["it", "-it"]), limit=st.integers(1, 5)
    )
    fixture = HealthCheck.function_scoped_fixture
    return settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[fixture, HealthCheck.too_slow],
    )(given_all(test))


async def stored(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await session.execute(insert(Row), list(rows), execution_options={"render_nulls": True})


async def in_order(session: AsyncSession, order: Sequence[OrderBy], sort: str) -> list[UUID]:
    """Give all keys as PostgreSQL sorts them; the reversed order is the list reversed."""
    last = str(order[-1]) if order else ""
    tie_breaker = Row.id.desc() if " DESC" in last else Row.id.asc()
    ids = list(await session.scalars(select(Row.id).order_by(*order, tie_breaker)))
    return ids if sort == "it" else ids[::-1]


def repository(session: AsyncSession, order: tuple[OrderBy, ...]) -> Rows:
    rows = Rows(session, cursors=CODEC)
    rows.sortable = {"it": order}  # type: ignore[misc]
    return rows


def ids(page: CursorPage[Row]) -> list[UUID]:
    return [row.id for row in page.items]


@with_property
async def test_walking_gives_each_row_once_in_order_both_ways(
    database: Database,
    rows: list[dict[str, Any]],
    order: tuple[OrderBy, ...],
    sort: Literal["it", "-it"],
    limit: int,
) -> None:
    async with database.session() as session:
        await stored(session, rows)
        expected = await in_order(session, order, sort)
        listing = repository(session, order)
        walked: list[UUID] = []
        cursor = None
        while True:
            page = await listing.cursor_page(Params(limit=limit, sort=sort, cursor=cursor))
            start = len(walked)
            walked += ids(page)
            assert page.has_more == (len(walked) < len(expected))
            assert (page.next_cursor is not None) == page.has_more
            if page.previous_cursor is not None:
                back = Params(limit=limit, sort=sort, cursor=page.previous_cursor)
                before = await listing.cursor_page(back)
                assert ids(before) == expected[max(0, start - limit) : start]
                again = Params(limit=limit, sort=sort, cursor=before.next_cursor)
                assert ids(await listing.cursor_page(again)) == ids(page)
            cursor = page.next_cursor
            if cursor is None:
                break
        assert walked == expected


@pytest.mark.unhappy
@with_property
async def test_rows_that_come_and_go_make_no_other_repeat_or_vanish(
    database: Database,
    rows: list[dict[str, Any]],
    order: tuple[OrderBy, ...],
    sort: Literal["it", "-it"],
    limit: int,
) -> None:
    late, gone, kept = rows[::3], rows[1::3], rows[2::3]
    async with database.session() as session:
        await stored(session, gone + kept)
        listing = repository(session, order)
        walked: list[UUID] = []
        cursor = None
        while True:
            page = await listing.cursor_page(Params(limit=limit, sort=sort, cursor=cursor))
            walked += ids(page)
            if gone:
                await session.execute(delete(Row).where(Row.id == gone.pop()["id"]))
            if late:
                await stored(session, [late.pop()])
            cursor = page.next_cursor
            if cursor is None:
                break
        survivors = {row["id"] for row in kept}
        expected = [key for key in await in_order(session, order, sort) if key in survivors]
        assert [key for key in walked if key in survivors] == expected
        assert len(walked) == len(set(walked))


@pytest.mark.unhappy
@with_property
async def test_an_empty_page_leads_back_to_what_is_left(
    database: Database,
    rows: list[dict[str, Any]],
    order: tuple[OrderBy, ...],
    sort: Literal["it", "-it"],
    limit: int,
) -> None:
    assume(len(rows) > limit)
    async with database.session() as session:
        await stored(session, rows)
        listing = repository(session, order)
        first = await listing.cursor_page(Params(limit=limit, sort=sort))
        await session.execute(delete(Row).where(Row.id.not_in(ids(first))))
        ahead = Params(limit=limit, sort=sort, cursor=first.next_cursor)
        empty = await listing.cursor_page(ahead)
        assert (ids(empty), empty.next_cursor) == ([], None)
        back = Params(limit=limit, sort=sort, cursor=empty.previous_cursor)
        assert ids(await listing.cursor_page(back)) == ids(first)


@pytest.mark.unhappy
@with_property
async def test_no_cursor_serves_another_order(
    database: Database,
    rows: list[dict[str, Any]],
    order: tuple[OrderBy, ...],
    sort: Literal["it", "-it"],
    limit: int,
) -> None:
    assume(len(rows) > limit)
    async with database.session() as session:
        await stored(session, rows)
        listing = repository(session, order)
        page = await listing.cursor_page(Params(limit=limit, sort=sort))
        other: Literal["it", "-it"] = "-it" if sort == "it" else "it"
        with pytest.raises(InvalidCursorError):
            await listing.cursor_page(Params(limit=limit, sort=other, cursor=page.next_cursor))
