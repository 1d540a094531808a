"""Changes and deletions of many rows by their keys."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

import pytest
from sqlalchemy import func
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
from bedplate.errors import (
    BrokenReferenceError,
    DuplicateError,
    InvalidDataError,
    StillReferencedError,
)
from bedplate.models import uuid7

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


@pytest.fixture
async def keys(authors: AuthorRepository) -> list[UUID]:
    return list(await authors.add_many({"name": f"a{i}", "rank": i} for i in range(5)))


async def test_each_row_gets_its_own_values_in_one_statement(
    authors: AuthorRepository, keys: list[UUID], database: Database, count_statements: Counter
) -> None:
    nobody = uuid7()
    rows = [{"id": key, "rank": 10 * i, "name": f"b{i}"} for i, key in enumerate(keys[:4])]
    with count_statements(database) as statements:
        written = await authors.update_many(
            [{"name": "n", "rank": None, "id": nobody}, *reversed(rows)]
        )
    assert len(statements) == 1
    assert written == (4, [nobody])
    found = (await authors.get_many(keys)).rows
    assert [(row.name, row.rank) for row in found] == [
        *((f"b{i}", 10 * i) for i in range(4)),
        ("a4", 4),
    ]
    assert [row.updated_at > row.created_at for row in found] == [True] * 4 + [False]


async def test_rows_are_deleted_in_one_statement(
    authors: AuthorRepository,
    keys: list[UUID],
    session: AsyncSession,
    database: Database,
    count_statements: Counter,
) -> None:
    nobody = uuid7()
    gone, stays = await authors.get(keys[0]), await authors.get(keys[4])
    with count_statements(database) as statements:
        written = await authors.delete_many([keys[1], nobody, gone, keys[1]])
    assert len(statements) == 1
    assert written == (2, [nobody])
    assert gone not in session
    assert stays in session
    assert await authors.count() == 3


@pytest.mark.unhappy
async def test_keys_not_found_are_named_once_and_in_order(
    authors: AuthorRepository,
    keys: list[UUID],
    session: AsyncSession,
    database: Database,
    count_statements: Counter,
) -> None:
    nobody, neither = uuid7(), uuid7()
    session.expunge_all()  # no entity has to leave
    with count_statements(database) as statements:
        written = await authors.delete_many([neither, keys[0], nobody, keys[0], neither])
    assert len(statements) == 1
    assert written == (1, [neither, nobody])
    assert await authors.delete_many(keys) == (len(keys) - 1, [keys[0]])
    assert await authors.count() == 0


@pytest.mark.unhappy
async def test_composite_keys_are_named_by_tuples(session: AsyncSession) -> None:
    places = PlaceRepository(session)
    await places.add_many({"row": i // 3, "seat": i % 3} for i in range(9))
    changes = [{"row": 1, "seat": seat, "taken": True} for seat in range(4)]
    assert await places.update_many(changes) == (3, [(1, 3)])
    assert [(p.row, p.seat) for p in await places.list() if p.taken] == [(1, 0), (1, 1), (1, 2)]
    assert await places.delete_many([(1, 1), (7, 7)]) == (1, [(7, 7)])
    assert await places.count() == 8


@pytest.mark.unhappy
async def test_loaded_entities_learn_of_it(
    authors: AuthorRepository,
    keys: list[UUID],
    session: AsyncSession,
    database: Database,
    count_statements: Counter,
) -> None:
    await BookRepository(session).add_many([{"title": "x", "author_id": keys[0]}])
    loaded = await authors.with_options(selectinload(Author.books)).get(keys[0])
    before = loaded.updated_at
    with count_statements(database) as statements:
        await authors.update_many([{"id": keys[0], "rank": 77}])
    assert len(statements) == 2
    assert loaded.rank == 77
    assert loaded.updated_at > before
    assert [book.title for book in loaded.books] == ["x"]


@pytest.mark.unhappy
async def test_pending_changes_are_sent_first(authors: AuthorRepository, keys: list[UUID]) -> None:
    loaded = await authors.get(keys[0])
    loaded.name = "pending"
    await authors.update_many([{"id": keys[0], "rank": 77}])
    assert (loaded.name, loaded.rank) == ("pending", 77)
    assert await authors.exists(Author.name == "pending", Author.rank == 77)


@pytest.mark.unhappy
async def test_nothing_is_sent_for_no_rows(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        assert await authors.update_many([]) == (0, [])
        assert await authors.delete_many([]) == (0, [])
    assert statements == []


@pytest.mark.unhappy
async def test_rows_that_make_no_sense_are_refused(
    authors: AuthorRepository, keys: list[UUID], database: Database, count_statements: Counter
) -> None:
    key = keys[0]
    with count_statements(database) as statements:
        with pytest.raises(TypeError, match="same attributes"):
            await authors.update_many([{"id": key, "rank": 1}, {"id": keys[1], "name": "x"}])
        with pytest.raises(ValueError, match="a key is there twice"):
            await authors.update_many([{"id": key, "rank": 1}, {"id": key, "rank": 2}])
        with pytest.raises(TypeError, match="needs id, its key"):
            await authors.update_many([{"rank": 1}])
        with pytest.raises(TypeError, match="change nothing"):
            await authors.update_many([{"id": key}])
        with pytest.raises(TypeError, match="Author has no column 'books', 'nonsense'"):
            await authors.update_many([{"id": key, "nonsense": 1, "books": []}])
        with pytest.raises(TypeError, match="SQL expression"):
            await authors.update_many([{"id": key, "rank": Author.rank + 1}])
        with pytest.raises(TypeError, match="SQL expression"):
            await authors.update_many([{"id": key, "rank": Author.rank}])
        with pytest.raises(TypeError, match="SQL expression"):
            await authors.update_many([{"id": func.gen_random_uuid(), "rank": 1}])
        with pytest.raises(TypeError, match="the key of Author has 1 columns"):
            await authors.delete_many([(key, key)])
    assert statements == []


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "changes", [{"name": "\0"}, {"name": 51 * "x"}, {"rank": 2**31}, {"name": None}]
)
async def test_values_that_cannot_be_stored_are_invalid_data(
    authors: AuthorRepository, keys: list[UUID], changes: dict[str, object]
) -> None:
    with pytest.raises(InvalidDataError) as info:
        async with authors.session.begin_nested():
            await authors.update_many([{"id": keys[0], **changes}])
    assert "xxx" not in str(info.value)
    assert await authors.count(Author.name == "a0", Author.rank == 0) == 1


@pytest.mark.unhappy
async def test_constraints_are_named(
    authors: AuthorRepository, keys: list[UUID], session: AsyncSession
) -> None:
    with pytest.raises(DuplicateError) as info:
        async with session.begin_nested():
            await authors.update_many({"id": key, "name": "same"} for key in keys)
    assert (info.value.constraint, info.value.columns) == ("uq_authors_name", ("name",))
    books = BookRepository(session)
    (book,) = await books.add_many([{"title": "x", "author_id": keys[0]}])
    with pytest.raises(StillReferencedError):
        async with session.begin_nested():
            await authors.delete_many(keys)
    with pytest.raises(BrokenReferenceError):
        async with session.begin_nested():
            await books.update_many([{"id": book, "author_id": uuid7()}])
    assert await books.count(Book.author_id == keys[0]) == 1
