"""Upserts of one row: stored, or changed if its natural key is there, in one statement."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import func, select
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
from bedplate.errors import BrokenReferenceError, DuplicateError, InvalidDataError
from bedplate.models import uuid7

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


@pytest.fixture
def named(authors: AuthorRepository) -> AuthorRepository:
    return authors.known_by(Author.name)


async def test_a_row_is_stored_then_changed_in_one_statement_each(
    named: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        ada = await named.upsert({"name": "Ada", "rank": 1})
    assert len(statements) == 1
    assert (ada.rank, ada.active, ada.created_at == ada.updated_at) == (1, True, True)
    with count_statements(database) as statements:
        again = await named.upsert({"name": "Ada", "rank": 2, "active": False})
    assert len(statements) == 1
    assert again is ada
    assert (ada.rank, ada.active) == (2, False)
    assert ada.updated_at > ada.created_at
    assert await named.count() == 1


async def test_a_row_is_added_unless_it_is_there(
    named: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        ada = await named.add_if_missing({"name": "Ada", "rank": 1})
        assert await named.add_if_missing({"name": "Ada", "rank": 2}) is None
    assert len(statements) == 2
    assert ada is not None
    assert await named.count(Author.rank == 1) == 1


@pytest.mark.unhappy
async def test_a_row_that_holds_the_values_is_left_alone(
    named: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    ada = await named.upsert({"name": "Ada", "rank": None})
    before = ada.updated_at
    with count_statements(database) as statements:
        assert await named.if_changed().upsert({"name": "Ada", "rank": None}) is ada
    assert len(statements) == 2
    assert ada.updated_at == before
    with count_statements(database) as statements:
        assert await named.if_changed().upsert({"name": "Ada", "rank": 3}) is ada
    assert len(statements) == 1
    assert (ada.rank, ada.updated_at > before) == (3, True)


@pytest.mark.unhappy
async def test_what_was_left_alone_is_given_as_it_is_and_not_as_it_was_loaded(
    committed_database: Database,
) -> None:
    async with committed_database.session() as ours, committed_database.session() as others:
        view = AuthorRepository(ours).known_by(Author.name).if_changed()
        ada = await view.upsert({"name": "Ada", "rank": 1})
        await ours.commit()
        await AuthorRepository(others).update(ada.id, {"rank": 2})
        await others.commit()
        assert ada.rank == 1
        assert (await view.upsert({"name": "Ada", "rank": 2})).rank == 2


@pytest.mark.unhappy
async def test_the_primary_key_is_the_natural_key_if_none_is_named(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    key = uuid7()
    await authors.upsert({"id": key, "name": "Ada"})
    assert (await authors.upsert({"id": key, "name": "Ada L."})).name == "Ada L."
    assert await authors.count() == 1
    places = PlaceRepository(session)
    await places.upsert({"row": 1, "seat": 2})
    place = await places.upsert({"row": 1, "seat": 2, "taken": True})
    assert (place.row, place.seat, place.taken) == (1, 2, True)
    with pytest.raises(TypeError, match="upsert: id is not given, by which it is known"):
        await authors.upsert({"name": "Ada"})


@pytest.mark.unhappy
async def test_a_row_that_is_there_keeps_its_primary_key(named: AuthorRepository) -> None:
    ada = await named.upsert({"name": "Ada", "id": uuid7()})
    again = await named.upsert({"name": "Ada", "id": uuid7(), "rank": 5})
    assert again is ada
    assert again.rank == 5


@pytest.mark.unhappy
async def test_values_that_are_all_of_the_natural_key_change_nothing(
    named: AuthorRepository, session: AsyncSession
) -> None:
    ada = await named.upsert({"name": "Ada"})
    before = ada.updated_at
    assert await named.upsert({"name": "Ada"}) is ada
    assert await named.if_changed().upsert({"name": "Ada"}) is ada
    assert ada.updated_at == before
    place = await PlaceRepository(session).upsert({"row": 1, "seat": 1})
    assert await PlaceRepository(session).upsert({"row": 1, "seat": 1}) is place


@pytest.mark.unhappy
async def test_values_may_be_expressions_but_not_those_of_the_natural_key(
    named: AuthorRepository,
) -> None:
    for _ in range(2):
        ada = await named.upsert(
            {"name": "Ada", "rank": select(func.length("four")).scalar_subquery()}
        )
        assert ada.rank == 4
    with pytest.raises(TypeError, match="natural key is an SQL expression"):
        await named.upsert({"name": func.upper("Ada")})


@pytest.mark.unhappy
async def test_loaded_relationships_that_stay_true_are_kept(
    named: AuthorRepository, session: AsyncSession
) -> None:
    ada = await named.upsert({"name": "Ada"})
    book = await BookRepository(session).add(Book(title="x", author_id=ada.id))
    await named.with_options(selectinload(Author.books)).get(ada.id)
    await named.upsert({"name": "Ada", "rank": 2})
    assert ada.books == [book]
    session.expunge_all()
    again = await named.with_options(selectinload(Author.books)).upsert({"name": "Ada", "rank": 3})
    assert ([book.title for book in again.books], again.rank) == (["x"], 3)


@pytest.mark.unhappy
async def test_pending_entities_are_stored_first(
    named: AuthorRepository, session: AsyncSession
) -> None:
    session.add(ada := Author(name="Ada", rank=1))
    assert await named.upsert({"name": "Ada", "rank": 2}) is ada
    session.add(Author(name="Bob"))
    assert await named.add_if_missing({"name": "Bob"}) is None


@pytest.mark.unhappy
async def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    named: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        for write in (named.upsert, named.add_if_missing):
            with pytest.raises(TypeError, match="name is not given"):
                await write({"rank": 1})
            with pytest.raises(TypeError, match="Author has no column 'nonsense'"):
                await write({"name": "Ada", "nonsense": 1})
            with pytest.raises(ValueError, match="name may not be None"):
                await write({"name": None})
        for view in (named.known_by(Author.rank), named.known_by(Author.name, Author.rank)):
            with pytest.raises(TypeError, match="Author has no unique constraint or index on"):
                await view.upsert({"name": "Ada", "rank": 1})
    assert statements == []


@pytest.mark.unhappy
async def test_other_constraints_hold(named: AuthorRepository, session: AsyncSession) -> None:
    ada = await named.upsert({"name": "Ada"})
    for write in (named.known_by(Author.id).upsert, named.known_by(Author.id).add_if_missing):
        with pytest.raises(DuplicateError) as info:
            async with session.begin_nested():
                await write({"id": uuid7(), "name": "Ada"})
        assert (info.value.constraint, info.value.columns) == ("uq_authors_name", ("name",))
    with pytest.raises(InvalidDataError):
        async with session.begin_nested():
            await named.upsert({"name": 51 * "x"})
    with pytest.raises(BrokenReferenceError):
        async with session.begin_nested():
            await BookRepository(session).upsert({"id": 1, "title": "x", "author_id": uuid7()})
    assert [author.id for author in await named.list()] == [ada.id]


@pytest.mark.unhappy
async def test_a_session_that_only_reads_refuses_it(
    committed_database: Database, count_statements: Counter
) -> None:
    with count_statements(committed_database) as statements:
        for opened in (committed_database.read_only_session, committed_database.snapshot_session):
            async with opened() as session:
                view = AuthorRepository(session).known_by(Author.name)
                for write in (view.upsert, view.if_changed().upsert, view.add_if_missing):
                    with pytest.raises(RuntimeError, match="only reads"):
                        await write({"name": "Ada"})
                for many in (view.upsert_many, view.add_many_if_missing):
                    with pytest.raises(RuntimeError, match="only reads"):
                        await many([{"name": "Ada"}])
    assert statements == []
