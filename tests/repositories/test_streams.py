"""Streams: any number of rows by a cursor of the server, in the memory of some."""

import gc
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from tests.repositories.library import Author, AuthorRepository, Book, BookRepository

from bedplate.database import Database

type Counter = Callable[[Database], AbstractContextManager[list[str]]]

NUMBER = 2500


class Listed(NamedTuple):
    name: str
    rank: int | None


@pytest.fixture
async def many(authors: AuthorRepository) -> AuthorRepository:
    await authors.add_many({"name": f"{i:05}", "rank": i} for i in range(NUMBER))
    return authors


async def test_all_rows_come_in_order_in_one_statement(
    many: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        found = [a.rank async for a in many.stream(Author.rank >= 10, order_by=[Author.name])]
        rows = [row async for row in many.select_as(Listed).stream(order_by=[Author.rank.desc()])]
    assert len(statements) == 2
    assert found == list(range(10, NUMBER))
    assert rows == [Listed(f"{i:05}", i) for i in reversed(range(NUMBER))]


@pytest.mark.unhappy
async def test_rows_that_have_gone_by_are_not_kept(many: AuthorRepository) -> None:
    gone: list[weakref.ref[Author]] = []
    most = 0
    async for author in many.stream(order_by=[Author.name]):
        gone.append(weakref.ref(author))
        if len(gone) % 500 == 0:
            gc.collect()
            most = max(most, sum(reference() is not None for reference in gone))
    assert len(gone) == NUMBER
    assert most <= 1001


@pytest.mark.unhappy
async def test_a_loop_that_ends_early_leaves_a_session_that_works(
    committed_database: Database,
) -> None:
    async with committed_database.session() as session:
        authors = AuthorRepository(session)
        await authors.add_many({"name": f"{i:05}"} for i in range(NUMBER))
        async for author in authors.stream(order_by=[Author.name]):
            await authors.update(author, {"rank": 1})
            if author.name == "00002":
                break
        assert await authors.count(Author.rank == 1) == 3
        await session.commit()
        assert await authors.count() == NUMBER


@pytest.mark.unhappy
async def test_relationships_are_loaded_for_each_batch_but_not_by_a_join(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    ada = await authors.add(Author(name="Ada"))
    await BookRepository(session).add_many({"title": t, "author_id": ada.id} for t in "ab")
    session.expunge_all()
    view = authors.with_options(selectinload(Author.books))
    assert [len(author.books) async for author in view.stream()] == [2]
    books = BookRepository(session).with_options(joinedload(Book.author))
    assert [book.author.name async for book in books.stream()] == ["Ada", "Ada"]
    with pytest.raises(InvalidRequestError):
        _ = [a async for a in authors.with_options(joinedload(Author.books)).stream()]


@pytest.mark.unhappy
async def test_it_needs_a_transaction(committed_database: Database) -> None:
    async with committed_database.session() as session:
        await AuthorRepository(session).add(Author(name="Ada"))
        await session.commit()
    async with committed_database.read_only_session() as session:
        with pytest.raises(RuntimeError, match=r"use uow\.snapshot\(\)"):
            _ = [author async for author in AuthorRepository(session).stream()]
    async with committed_database.snapshot_session() as session:
        names = [author.name async for author in AuthorRepository(session).stream()]
    assert names == ["Ada"]
