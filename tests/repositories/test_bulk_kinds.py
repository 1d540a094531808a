"""Bulk operations store every kind of value as the ORM does."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, delete, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from tests.repositories.kinds import (
    Kind,
    KindRepository,
    Model,
    Wide,
    WideRepository,
    rows_of_kind,
    rows_wide,
)

from bedplate.database import Database
from bedplate.errors import InvalidDataError
from bedplate.models import uuid7
from bedplate.repositories import Repository

pytestmark = pytest.mark.asyncio

hostile = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        yield opened


async def stored(
    session: AsyncSession, model: type[Any], keys: Sequence[UUID], names: Sequence[str]
) -> list[tuple[Any, ...]]:
    columns = [getattr(model, name) for name in names]
    found = await session.execute(select(model.id, *columns).where(model.id.in_(keys)))
    by_key = {key: tuple(values) for key, *values in found}
    return [by_key[key] for key in keys]


async def by_orm(
    session: AsyncSession,
    model: type[Any],
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str] | None = None,
) -> list[tuple[Any, ...]]:
    entities = [model(**row) for row in rows]
    session.add_all(entities)
    await session.flush()
    keys = [entity.id for entity in entities]
    return await stored(session, model, keys, names or list(rows[0]))


@hostile
@given(rows=st.lists(rows_of_kind, min_size=1, max_size=5))
async def test_update_many_stores_what_the_orm_stores(
    session: AsyncSession, rows: list[dict[str, Any]]
) -> None:
    await same_by_update(session, KindRepository(session), rows)


@pytest.mark.unhappy
@hostile
@given(rows=st.lists(rows_wide, min_size=1, max_size=5))
async def test_update_many_stores_what_no_array_can_hold(
    session: AsyncSession, rows: list[dict[str, Any]]
) -> None:
    await same_by_update(session, WideRepository(session), rows)


async def same_by_update(
    session: AsyncSession, repository: Repository[Any], rows: list[dict[str, Any]]
) -> None:
    keys = [uuid7() for _ in rows]
    session.add_all(repository.model(id=key) for key in keys)
    await session.flush()
    changes = [{"id": key, **row} for key, row in zip(keys, rows, strict=True)]
    assert await repository.update_many(changes) == (len(rows), [])
    expected = await by_orm(session, repository.model, rows)
    assert await stored(session, repository.model, keys, list(rows[0])) == expected


@pytest.mark.unhappy
@pytest.mark.parametrize("number", [1, 100], ids=["few", "many"])
@hostile
@given(rows=st.lists(rows_of_kind, min_size=1, max_size=5))
async def test_add_many_stores_what_the_orm_stores(
    session: AsyncSession, rows: list[dict[str, Any]], number: int
) -> None:
    await same_by_adding(session, KindRepository(session), rows, number)


@pytest.mark.unhappy
@pytest.mark.parametrize("number", [1, 100], ids=["few", "many"])
@hostile
@given(rows=st.lists(rows_wide, min_size=1, max_size=5))
async def test_add_many_stores_what_no_array_can_hold(
    session: AsyncSession, rows: list[dict[str, Any]], number: int
) -> None:
    await same_by_adding(session, WideRepository(session), rows, number)
    unwrapped = [{name: row[name] for name in ("tags", "grid", "stretches")} for row in rows]
    await same_by_adding(session, WideRepository(session), unwrapped, number)


@pytest.mark.unhappy
@hostile
@given(
    rows=st.lists(rows_of_kind, min_size=1, max_size=5),
    others=st.lists(rows_of_kind, min_size=1, max_size=5),
)
async def test_upsert_many_stores_what_the_orm_stores(
    session: AsyncSession, rows: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    await same_by_upserting(session, KindRepository(session).known_by(Kind.code), rows, others)


@pytest.mark.unhappy
@hostile
@given(
    rows=st.lists(rows_wide, min_size=1, max_size=5),
    others=st.lists(rows_wide, min_size=1, max_size=5),
)
async def test_upsert_many_stores_what_no_array_can_hold(
    session: AsyncSession, rows: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    await same_by_upserting(session, WideRepository(session).known_by(Wide.limited), rows, others)


async def same_by_upserting(
    session: AsyncSession,
    repository: Repository[Any],
    rows: list[dict[str, Any]],
    others: list[dict[str, Any]],
) -> None:
    model, name = repository.model, repository._known_by[0]
    await session.execute(delete(model))
    for given_rows in (rows, others):
        coded = [{**row, name: f"r{number}"} for number, row in enumerate(given_rows)]
        keys = (await repository.upsert_many(coded)).keys
        expected = await by_orm(session, model, given_rows)
        assert await stored(session, model, keys, list(given_rows[0])) == expected
        again = await repository.if_changed().upsert_many(coded)
        assert again == (keys, 0)
        for key, row in zip(keys, coded, strict=True):
            assert (await repository.if_changed().upsert(row)).id == key
        assert await repository.add_many_if_missing(coded) == [None] * len(coded)


async def same_by_adding(
    session: AsyncSession, repository: Repository[Any], rows: list[dict[str, Any]], number: int
) -> None:
    names = [*rows[0], *(["given", "drawn", "constant", "half"] if "number" in rows[0] else [])]
    keys = await repository.add_many(rows * number)
    expected = await by_orm(session, repository.model, rows, names)
    assert await stored(session, repository.model, keys, names) == expected * number


@pytest.mark.unhappy
async def test_a_text_that_is_too_long_is_refused_and_not_cut_off(session: AsyncSession) -> None:
    kinds, wide = KindRepository(session), WideRepository(session)
    kind, thing = await kinds.add(Kind()), await wide.add(Wide())
    with pytest.raises(InvalidDataError):
        async with session.begin_nested():
            await kinds.update_many([{"id": kind.id, "code": "secret"}])
    with pytest.raises(InvalidDataError):
        async with session.begin_nested():
            await kinds.update_many([{"id": kind.id, "fixed": "four"}])
    with pytest.raises(InvalidDataError):
        async with session.begin_nested():
            await wide.update_many([{"id": thing.id, "limited": "secret", "tags": []}])
    assert await kinds.count(Kind.code.is_(None)) == 1


@pytest.mark.unhappy
async def test_what_needs_values_is_sent_in_as_many_statements_as_it_takes(
    session: AsyncSession,
) -> None:
    wide = WideRepository(session)
    keys = [uuid7() for _ in range(10_001)]
    session.add_all(Wide(id=key) for key in keys[1:])
    await session.flush()
    session.expunge_all()
    written = await wide.update_many({"id": key, "tags": [str(key)]} for key in keys)
    assert written == (10_000, keys[:1])
    found = await session.execute(select(Wide.id, Wide.tags).where(true()))
    assert all([str(key)] == tags for key, tags in found)
