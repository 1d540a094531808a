"""Many new rows: by which way they are stored, and that all ways store the same."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.schema import CreateSchema
from tests.repositories.library import Author, AuthorRepository, Book, BookRepository

from bedplate.database import Database
from bedplate.errors import BrokenReferenceError, DuplicateError, InvalidDataError
from bedplate.models import uuid7

type Counter = Callable[[Database], AbstractContextManager[list[str]]]

NOW = datetime(2026, 1, 1, tzinfo=UTC)

MANY = 150
"""So many rows are copied."""


@pytest.fixture(params=[3, MANY], ids=["by arrays", "by copy"])
def number(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


def names(number: int) -> Iterator[dict[str, object]]:
    return ({"name": f"a{i}", "rank": None if i % 3 else i} for i in range(number))


async def test_rows_are_copied_in_one_statement_after_the_table_was_asked_about(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        keys = await authors.add_many(names(MANY))
    assert [statement.split()[0] for statement in statements] == ["SELECT", "COPY"]
    with count_statements(database) as statements:
        await authors.add_many({"name": f"b{i}"} for i in range(MANY))
    assert [statement.split()[0] for statement in statements] == ["COPY"]
    found = await authors.get_many(keys)
    assert [(a.name, a.rank) for a in found.rows] == [(r["name"], r["rank"]) for r in names(MANY)]
    assert all(author.active and author.created_at for author in found.rows)


async def test_keys_that_the_database_makes_come_back_in_order(
    authors: AuthorRepository, database: Database, count_statements: Counter, number: int
) -> None:
    author = await authors.add(Author(name="x"))
    books = BookRepository(authors.session)
    rows = [{"title": str(i), "author_id": author.id} for i in range(number)]
    with count_statements(database) as statements:
        keys = await books.add_many(rows)
    assert len(statements) == 1
    assert statements[0].startswith("INSERT")
    found = await books.get_many(keys)
    assert [book.title for book in found.rows] == [row["title"] for row in rows]


@pytest.mark.unhappy
async def test_a_copy_begins_the_transaction_that_undoes_it(committed_database: Database) -> None:
    async with committed_database.session() as session:
        authors = AuthorRepository(session)
        await authors.add_many(names(MANY))  # the table is known now
        await session.rollback()
        await authors.add_many(names(MANY))
        await session.rollback()
        assert await authors.count() == 0
        await session.rollback()
        await authors.add_many(names(MANY))
        await session.commit()
    async with committed_database.session() as session:
        assert await AuthorRepository(session).count() == MANY


@pytest.mark.unhappy
async def test_pending_entities_are_stored_first(
    authors: AuthorRepository, session: AsyncSession, number: int
) -> None:
    parent = Author(id=uuid7(), name="pending")
    session.add(parent)
    books = BookRepository(session)
    await books.add_many({"title": str(i), "author_id": parent.id} for i in range(number))
    assert await books.count(Book.author_id == parent.id) == number


@pytest.mark.unhappy
async def test_a_duplicate_names_its_constraint(authors: AuthorRepository, number: int) -> None:
    await authors.add(Author(name="a1"))
    with pytest.raises(DuplicateError) as info:
        async with authors.session.begin_nested():
            await authors.add_many(names(number))
    assert (info.value.constraint, info.value.columns) == ("uq_authors_name", ("name",))
    assert await authors.count() == 1


@pytest.mark.unhappy
async def test_a_broken_reference_is_told(authors: AuthorRepository, number: int) -> None:
    books, nobody = BookRepository(authors.session), uuid7()
    with pytest.raises(BrokenReferenceError):
        async with authors.session.begin_nested():
            await books.add_many(
                {"id": i, "title": str(i), "author_id": nobody} for i in range(number)
            )
    assert await books.count() == 0


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "secret\0"},
        {"name": "secret\ud800"},
        {"name": 10 * "secret"},
        {"name": None},
        {"rank": 2**31},
        {"rank": "secret"},
        {"id": "secret"},
        {"created_at": datetime(2026, 1, 1)},  # noqa: DTZ001
    ],
)
async def test_values_that_cannot_be_stored_are_invalid_data(
    authors: AuthorRepository, number: int, wrong: dict[str, object]
) -> None:
    rows = [{"created_at": NOW, "id": uuid7(), **row} for row in names(number)]
    rows[1] |= wrong
    with pytest.raises(InvalidDataError) as info:
        async with authors.session.begin_nested():
            await authors.add_many(rows)
    assert "secret" not in str(info.value)
    assert await authors.count() == 0


@pytest.mark.unhappy
async def test_what_a_type_cannot_process_is_a_programming_error(
    authors: AuthorRepository, number: int
) -> None:
    rows = [{"active": True, **row} for row in names(number)]
    rows[1]["active"] = "maybe"
    with pytest.raises(StatementError, match="Not a boolean value"):
        await authors.add_many(rows)
    assert await authors.count() == 0


@pytest.mark.unhappy
async def test_rows_that_make_no_sense_are_refused_before_anything_is_sent(
    authors: AuthorRepository, database: Database, count_statements: Counter, number: int
) -> None:
    rows = list(names(number))
    with count_statements(database) as statements:
        with pytest.raises(TypeError, match="add_many: all rows need the same attributes"):
            await authors.add_many([*rows, {"name": "x"}])
        with pytest.raises(TypeError, match="add_many: Author has no column 'books', 'nonsense'"):
            await authors.add_many({**row, "nonsense": 1, "books": []} for row in rows)
        with pytest.raises(TypeError, match="add_many: a value is an SQL expression; use add"):
            await authors.add_many([*rows, {"name": "x", "rank": select(func.count())}])
        assert await authors.add_many([]) == []
    assert statements == []


@pytest.mark.unhappy
async def test_a_session_that_only_reads_refuses_them_before_anything_is_sent(
    committed_database: Database, count_statements: Counter, number: int
) -> None:
    with count_statements(committed_database) as statements:
        async with committed_database.read_only_session() as session:
            with pytest.raises(RuntimeError, match="only reads"):
                await AuthorRepository(session).add_many(names(number))
        async with committed_database.snapshot_session() as session:
            with pytest.raises(RuntimeError, match="only reads"):
                await AuthorRepository(session).add_many(names(number))
    assert statements == []


@pytest.mark.unhappy
async def test_errors_of_an_engine_of_your_own_are_those_of_sqlalchemy(
    committed_database: Database, number: int
) -> None:
    engine = create_async_engine(committed_database.engine.url)
    async with AsyncSession(engine) as session:
        authors = AuthorRepository(session)
        await authors.add_many(names(number))
        await session.commit()
        with pytest.raises(IntegrityError):
            await authors.add_many(names(number))
        await session.rollback()
        with pytest.raises(DBAPIError):
            await authors.add_many({"name": 60 * "x"} for _ in range(number))
        await session.rollback()
        assert await authors.count() == number
    await engine.dispose()


@pytest.mark.unhappy
async def test_the_schema_of_the_connection_is_kept(database: Database, number: int) -> None:
    async with database.engine.connect() as raw:
        connection = await raw.execution_options(schema_translate_map={None: "elsewhere"})
        await connection.execute(CreateSchema("elsewhere"))
        await connection.run_sync(Author.metadata.create_all)
        async with AsyncSession(connection, join_transaction_mode="create_savepoint") as session:
            authors = AuthorRepository(session)
            await authors.add_many(names(number))
            assert await authors.count() == number
            there = await session.scalar(text("SELECT count(*) FROM elsewhere.authors"))
            assert there == number
        await raw.rollback()


@pytest.mark.unhappy
async def test_a_copy_that_is_cancelled_leaves_nothing_and_a_connection_that_works(
    committed_database: Database,
) -> None:
    async with committed_database.session() as holder, committed_database.session() as session:
        await holder.execute(text("LOCK TABLE authors IN ACCESS EXCLUSIVE MODE"))
        copying = asyncio.create_task(AuthorRepository(session).add_many(names(MANY)))
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        async with committed_database.session() as watcher:
            while not await watcher.scalar(waiting):
                await watcher.rollback()
        copying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await copying
        await holder.rollback()
        await session.rollback()
        assert await AuthorRepository(session).count() == 0
        await AuthorRepository(session).add_many(names(MANY))
        await session.commit()
        assert await AuthorRepository(holder).count() == MANY
