"""A new entity by one INSERT: values of every kind are stored as by a flush."""

from collections.abc import Sequence
from typing import Any

import pytest
from pytest_mock import MockerFixture
from sqlalchemy import MetaData, Text, cast, select
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from tests.repositories.kinds import ONE_OF_EACH, Kind, KindRepository, Model, Wide, WideRepository

from bedplate.errors import InvalidDataError


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


async def stored(entity: Kind, session: AsyncSession) -> Sequence[object]:
    """Give what is stored, as text but for the key, and delete it: some values are unique."""
    columns = [column for column in Kind.__table__.columns if not column.primary_key]
    texts = select(*(cast(column, Text) for column in columns)).where(Kind.id == entity.id)
    row = (await session.execute(texts)).one()
    await session.delete(entity)
    await session.flush()
    return tuple(row)


@pytest.mark.parametrize(
    "values",
    [
        ONE_OF_EACH,
        dict.fromkeys(ONE_OF_EACH),  # of JSON's, None is a value and not NULL
        dict.fromkeys(["given", "drawn", "constant"]),  # of a default's, it is none
        {},
    ],
)
async def test_a_row_is_that_of_a_flush(
    session: AsyncSession, values: dict[str, Any], mocker: MockerFixture
) -> None:
    flush = mocker.spy(Session, "flush")
    ours, theirs = Kind(**values), Kind(**values)
    await KindRepository(session).add(ours)
    assert flush.call_count == 0
    by_itself = await stored(ours, session)
    session.add(theirs)
    await session.flush()
    assert by_itself == await stored(theirs, session)


async def test_what_a_type_wraps_in_sql_is_wrapped(session: AsyncSession) -> None:
    wide = await WideRepository(session).add(Wide(tags=["a", None], shout="hear"))
    await session.refresh(wide)
    assert (wide.shout, wide.tags) == ("HEAR", ["a", None])


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "values",
    [
        {"number": 2**31},
        {"text": "a\0"},
        {"code": "toolong"},
        {"amount": 10**9},
        {"colour": "pink"},
    ],
)
async def test_what_the_column_cannot_hold_is_invalid(
    session: AsyncSession, values: dict[str, Any]
) -> None:
    with pytest.raises(InvalidDataError):
        await KindRepository(session).add(Kind(**values))


@pytest.mark.unhappy
@pytest.mark.parametrize("values", [{"backwards": 7}, {"shade": 7}])
async def test_what_its_type_does_not_know_is_a_programming_error(
    session: AsyncSession, values: dict[str, Any]
) -> None:
    with pytest.raises(StatementError):
        await KindRepository(session).add(Kind(**values))


@pytest.mark.unhappy
async def test_what_the_database_computes_cannot_be_given(session: AsyncSession) -> None:
    with pytest.raises(Exception, match="half"):
        await KindRepository(session).add(Kind(half=3))
