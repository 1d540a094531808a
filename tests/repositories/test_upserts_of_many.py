"""Upserts of many rows, each kind in one statement."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from tests.repositories.library import (
    Author,
    AuthorRepository,
    Book,
    BookRepository,
    PlaceRepository,
)

from bedplate.database import Database
from bedplate.errors import DuplicateError, InvalidDataError
from bedplate.models import uuid7

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


@pytest.fixture
def named(authors: AuthorRepository) -> AuthorRepository:
    return authors.known_by(Author.name)


def rows(*numbers: int, **values: object) -> Iterator[dict[str, object]]:
    return ({"name": f"a{number}", "rank": number, **values} for number in numbers)


async def test_rows_are_stored_or_changed_in_one_statement_and_give_their_keys(
    named: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        keys, written = await named.upsert_many(rows(7, 2, 5))
        more, changed = await named.upsert_many(rows(9, 5, 1, 2, active=False))
    assert len(statements) == 2
    assert (written, changed) == (3, 4)
    assert (more[1], more[3]) == (keys[2], keys[1])
    found = (await named.get_many([keys[0], *more])).rows
    assert [(author.name, author.active) for author in found] == [
        ("a7", True),
        *((f"a{number}", False) for number in (9, 5, 1, 2)),
    ]
    assert [author.updated_at > author.created_at for author in found] == [
        *(False, False, True, False, True)
    ]


async def test_rows_are_added_unless_they_are_there_in_one_statement(
    named: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    there = await named.add_many(rows(4, 1))
    with count_statements(database) as statements:
        keys = await named.add_many_if_missing(rows(3, 1, 2, 4, active=False))
    assert len(statements) == 1
    assert [key is None for key in keys] == [False, True, False, True]
    added = (await named.get_many([keys[0], keys[2]])).rows
    assert [author.name for author in added] == ["a3", "a2"]
    assert await named.count(Author.active, Author.id.in_(there)) == 2
    books = BookRepository(named.session)
    titles = [{"id": i, "title": str(i), "author_id": there[0]} for i in (3, 1)]
    assert await books.add_many_if_missing(titles) == [3, 1]
    assert await books.add_many_if_missing(titles) == [None, None]


@pytest.mark.unhappy
async def test_rows_that_hold_the_values_are_left_alone_and_give_their_keys_too(
    named: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    keys = (await named.upsert_many([*rows(3, 1, 2), {"name": "none", "rank": None}])).keys
    with count_statements(database) as statements:
        again = await named.if_changed().upsert_many(
            [{"name": "none", "rank": None}, {"name": "a1", "rank": 9}, *rows(4, 3)]
        )
    assert len(statements) == 2
    assert again.written == 2
    assert (again.keys[0], again.keys[1], again.keys[3]) == (keys[3], keys[1], keys[0])
    changed = named.select_columns(Author.name, Author.rank)
    assert await changed.list(Author.updated_at > Author.created_at) == [("a1", 9)]
    with count_statements(database) as statements:
        all_of_them = await named.if_changed().upsert_many(rows(7, 8))
    assert (len(statements), all_of_them.written) == (1, 2)


@pytest.mark.unhappy
async def test_composite_natural_keys_and_primary_keys(session: AsyncSession) -> None:
    places = PlaceRepository(session)
    seats = [{"row": row, "seat": seat} for row, seat in ((2, 1), (1, 2), (1, 1))]
    assert await places.upsert_many(seats) == ([(2, 1), (1, 2), (1, 1)], 3)
    taken = [{**seat, "taken": True} for seat in (seats[1], {"row": 3, "seat": 3})]
    assert await places.add_many_if_missing(taken) == [None, (3, 3)]
    assert await places.if_changed().upsert_many(taken) == ([(1, 2), (3, 3)], 1)
    assert (await places.get((1, 2))).taken


@pytest.mark.unhappy
async def test_loaded_entities_learn_of_it(
    named: AuthorRepository, session: AsyncSession, database: Database, count_statements: Counter
) -> None:
    (key, _), _ = await named.upsert_many(rows(1, 2))
    await BookRepository(session).add(Book(title="x", author_id=key))
    loaded = await named.with_options(selectinload(Author.books)).get(key)
    before = loaded.updated_at
    with count_statements(database) as statements:
        await named.upsert_many([{"name": "a1", "rank": 77}])
    assert len(statements) == 2
    assert (loaded.rank, loaded.updated_at > before) == (77, True)
    assert [book.title for book in loaded.books] == ["x"]
    with count_statements(database) as statements:
        await named.if_changed().upsert_many([{"name": "a1", "rank": 77}])
        await named.add_many_if_missing([{"name": "a1", "rank": 1}])
    assert len(statements) == 3


@pytest.mark.unhappy
async def test_pending_entities_are_stored_first(
    named: AuthorRepository, session: AsyncSession
) -> None:
    session.add_all([Author(name="a1"), Author(name="a2")])
    assert (await named.upsert_many(rows(1))).written == 1
    assert await named.count() == 2
    session.add(Author(name="a3"))
    assert await named.add_many_if_missing(rows(3)) == [None]


@pytest.mark.unhappy
async def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    named: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        assert await named.upsert_many([]) == ([], 0)
        assert await named.add_many_if_missing([]) == []
        for write in (named.upsert_many, named.add_many_if_missing):
            with pytest.raises(TypeError, match="same attributes"):
                await write([*rows(1), {"name": "x"}])
            with pytest.raises(TypeError, match="name is not given"):
                await write([{"rank": 1}])
            with pytest.raises(TypeError, match="no column 'nonsense'"):
                await write(rows(1, nonsense=1))
            with pytest.raises(TypeError, match="SQL expression"):
                await write(rows(1, rank=select(func.count()).scalar_subquery()))
            with pytest.raises(ValueError, match="name may not be None"):
                await write([*rows(1), {"name": None, "rank": 1}])
            with pytest.raises(ValueError, match="a natural key is there twice"):
                await write(rows(1, 2, 1))
        with pytest.raises(TypeError, match="no unique constraint or index on rank"):
            await named.known_by(Author.rank).upsert_many(rows(1))
    assert statements == []


@pytest.mark.unhappy
@pytest.mark.parametrize("wrong", [{"name": "\0"}, {"name": 51 * "x"}, {"rank": 2**31}])
async def test_values_that_cannot_be_stored_are_invalid_data(
    named: AuthorRepository, wrong: dict[str, Any]
) -> None:
    for write in (named.upsert_many, named.if_changed().upsert_many, named.add_many_if_missing):
        with pytest.raises(InvalidDataError):
            async with named.session.begin_nested():
                await write([*rows(1), {"name": "x", "rank": 1, **wrong}])
    assert await named.count() == 0


@pytest.mark.unhappy
async def test_other_constraints_hold(named: AuthorRepository, session: AsyncSession) -> None:
    await named.upsert_many(rows(1))
    known_by_id = named.known_by(Author.id)
    for write in (known_by_id.upsert_many, known_by_id.add_many_if_missing):
        with pytest.raises(DuplicateError) as info:
            async with session.begin_nested():
                await write({"id": uuid7(), **row} for row in rows(2, 1))
        assert (info.value.constraint, info.value.columns) == ("uq_authors_name", ("name",))
    assert await named.count() == 1


@pytest.mark.unhappy
async def test_who_upsert_the_same_rows_at_once_wait_and_do_not_block_each_other(
    committed_database: Database,
) -> None:
    numbers = list(range(10, 20))

    async def sync(*given: int) -> None:
        async with committed_database.session() as session:
            named = AuthorRepository(session).known_by(Author.name)
            await named.upsert_many(rows(*given))
            await session.commit()

    async def all_wait(number: int) -> None:
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        async with committed_database.session() as watcher:
            while await watcher.scalar(waiting) < number:
                await watcher.rollback()

    await sync(*numbers)
    async with committed_database.session() as holder:
        await AuthorRepository(holder).locked().one(Author.name == "a15")
        upwards = asyncio.create_task(sync(*numbers))
        await all_wait(1)
        downwards = asyncio.create_task(sync(*reversed(numbers)))
        await all_wait(2)
    await asyncio.gather(upwards, downwards)


@pytest.mark.unhappy
async def test_of_many_who_add_a_row_if_missing_one_did(committed_database: Database) -> None:
    async def take() -> bool:
        async with committed_database.session() as session:
            named = AuthorRepository(session).known_by(Author.name)
            added = await named.add_if_missing({"name": "one"})
            await session.commit()
        return added is not None

    assert sorted(await asyncio.gather(*(take() for _ in range(10)))) == [False] * 9 + [True]
