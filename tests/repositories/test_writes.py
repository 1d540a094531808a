"""The writes, and how many statements each takes."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import and_, func, select, true
from sqlalchemy.exc import CompileError, SADeprecationWarning
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
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
    NotFoundError,
    StillReferencedError,
)
from bedplate.models import uuid7

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


@pytest.fixture
async def ada(authors: AuthorRepository) -> Author:
    return await authors.add(Author(name="Ada", rank=1))


async def test_each_write_takes_one_statement(
    authors: AuthorRepository, database: Database, count_statements: Counter, session: AsyncSession
) -> None:
    with count_statements(database) as statements:
        ada = await authors.add(Author(name="Ada"))
    assert len(statements) == 1
    assert ada.created_at is not None
    for which in (ada.id, ada):
        with count_statements(database) as statements:
            changed = await authors.update(which, {"rank": 2})
        assert len(statements) == 1
        assert changed is ada
        assert ada.rank == 2
        assert ada.updated_at > ada.created_at
    with count_statements(database) as statements:
        await authors.delete(ada.id)
    assert len(statements) == 1
    assert ada not in session


async def test_update_takes_expressions(authors: AuthorRepository, ada: Author) -> None:
    await authors.update(ada, {"rank": Author.rank + 10, "name": func.upper(Author.name)})
    assert (ada.rank, ada.name) == (11, "ADA")


async def test_many_rows_are_added_and_give_their_keys(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    rows = [{"name": f"a{i}", "rank": None if i % 3 else i} for i in range(900)]
    keys = await authors.add_many(rows)
    found = await authors.get_many(keys)
    assert [author.name for author in found.rows] == [row["name"] for row in rows]
    assert await BookRepository(session).add_many(
        {"title": str(i), "author_id": keys[0]} for i in range(3)
    ) == list(await session.scalars(select(Book.id).order_by(Book.title)))
    assert await PlaceRepository(session).add_many([{"row": 1, "seat": 2}]) == [(1, 2)]


async def test_update_where_and_delete_where_give_their_number(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    await authors.add_many({"name": f"a{i}", "rank": i} for i in range(10))
    with count_statements(database) as statements:
        assert await authors.update_where({"active": False}, Author.rank >= 4) == 6
        assert await authors.delete_where(Author.active.is_(False), Author.rank > 8) == 1
    assert len(statements) == 2
    assert await authors.count() == 9
    assert await authors.delete_where(true()) == 9


@pytest.mark.unhappy
async def test_update_keeps_loaded_relationships_that_stay_true(
    authors: AuthorRepository, session: AsyncSession, ada: Author
) -> None:
    books = BookRepository(session)
    book = await books.add(Book(title="x", author_id=ada.id))
    await authors.with_options(selectinload(Author.books)).get(ada.id)
    await authors.update(ada, {"rank": 5})
    assert ada.books == [book]
    bob = await authors.add(Author(name="Bob"))
    await books.with_options(selectinload(Book.author)).get(book.id)
    assert book.author is ada
    await books.update(book, {"author_id": bob.id})
    assert "author" not in book.__dict__  # it would tell a lie


@pytest.mark.unhappy
@pytest.mark.parametrize("option", [selectinload(Author.books), joinedload(Author.books)])
async def test_update_of_a_view_with_options_loads_them(
    authors: AuthorRepository, session: AsyncSession, ada: Author, option: object
) -> None:
    await BookRepository(session).add(Book(title="x", author_id=ada.id))
    changed = await authors.with_options(option).update(ada.id, {"rank": 3})  # type: ignore[arg-type]
    assert changed.rank == 3
    assert [book.title for book in changed.books] == ["x"]
    with pytest.raises(NotFoundError):
        await authors.with_options(option).update(uuid7(), {"rank": 3})  # type: ignore[arg-type]


@pytest.mark.unhappy
async def test_an_update_without_changes_gives_the_row(
    authors: AuthorRepository, ada: Author
) -> None:
    before = ada.updated_at
    assert await authors.update(ada.id, {}) is ada
    assert ada.updated_at == before
    with pytest.raises(NotFoundError):
        await authors.update(uuid7(), {})


@pytest.mark.unhappy
async def test_update_where_reaches_loaded_entities(
    authors: AuthorRepository, session: AsyncSession, ada: Author
) -> None:
    book = await BookRepository(session).add(Book(title="x", author_id=ada.id))
    await authors.with_options(selectinload(Author.books)).get(ada.id)
    before = ada.updated_at
    assert await authors.update_where({"rank": Author.rank + 1}, Author.name == "Ada") == 1
    assert ada.rank == 2
    assert ada.updated_at > before
    assert ada.books == [book]


@pytest.mark.unhappy
async def test_deleted_entities_leave_the_session(
    authors: AuthorRepository, session: AsyncSession, ada: Author
) -> None:
    bob = await authors.add(Author(name="Bob"))
    assert await authors.delete_where(Author.name == "Ada") == 1
    assert ada not in session
    assert bob in session
    assert await authors.find(ada.id) is None


@pytest.mark.unhappy
async def test_what_is_not_there_cannot_be_changed(authors: AuthorRepository) -> None:
    with pytest.raises(NotFoundError, match="Author not found"):
        await authors.update(uuid7(), {"rank": 1})
    with pytest.raises(NotFoundError, match="Author not found"):
        await authors.delete(uuid7())
    assert await authors.update_where({"rank": 1}, Author.rank == 77) == 0
    assert await authors.delete_where(Author.rank == 77) == 0


@pytest.mark.unhappy
async def test_a_change_of_everything_must_be_said(authors: AuthorRepository, ada: Author) -> None:
    with pytest.warns(SADeprecationWarning):
        nothing = and_()  # type: ignore[call-arg]
    for conditions in ((), (nothing,)):
        with pytest.raises(ValueError, match="no condition"):
            await authors.delete_where(*conditions)
        with pytest.raises(ValueError, match="no condition"):
            await authors.update_where({"rank": 0}, *conditions)
    assert await authors.count(Author.rank == 1) == 1


@pytest.mark.unhappy
async def test_an_unknown_attribute_is_a_programming_error(
    authors: AuthorRepository, ada: Author
) -> None:
    with pytest.raises(CompileError):
        await authors.update(ada, {"nonsense": 1})
    with pytest.raises(CompileError):
        await authors.update_where({"nonsense": 1}, true())


@pytest.mark.unhappy
async def test_rows_of_different_attributes_are_refused(authors: AuthorRepository) -> None:
    with pytest.raises(TypeError, match="same attributes"):
        await authors.add_many([{"name": "a"}, {"name": "b", "rank": 1}])
    assert await authors.add_many([]) == []


@pytest.mark.unhappy
async def test_duplicates_name_their_constraint(authors: AuthorRepository, ada: Author) -> None:
    session = authors.session
    with pytest.raises(DuplicateError) as info:
        async with session.begin_nested():
            await authors.add(Author(name="Ada"))
    assert (info.value.constraint, info.value.columns) == ("uq_authors_name", ("name",))
    bob = await authors.add(Author(name="Bob"))
    with pytest.raises(DuplicateError):
        async with session.begin_nested():
            await authors.update(bob, {"name": "Ada"})
    with pytest.raises(DuplicateError):
        async with session.begin_nested():
            await authors.add_many([{"name": "x"}, {"name": "Ada"}])
    assert await authors.count() == 2


@pytest.mark.unhappy
async def test_references_are_kept(authors: AuthorRepository, ada: Author) -> None:
    session = authors.session
    books = BookRepository(session)
    with pytest.raises(BrokenReferenceError):
        async with session.begin_nested():
            await books.add(Book(title="x", author_id=uuid7()))
    await books.add(Book(title="x", author_id=ada.id))
    with pytest.raises(StillReferencedError) as info:
        async with session.begin_nested():
            await authors.delete(ada)
    assert info.value.constraint == "fk_books_author_id_authors"
    with pytest.raises(StillReferencedError):
        async with session.begin_nested():
            await authors.delete_where(Author.name == "Ada")
    assert await authors.exists(Author.name == "Ada")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "changes", [{"name": "\0"}, {"name": 51 * "x"}, {"rank": 2**31}, {"name": None}]
)
async def test_values_that_cannot_be_stored_are_invalid_data(
    authors: AuthorRepository, ada: Author, changes: dict[str, object]
) -> None:
    for write in (
        lambda: authors.update(ada.id, changes),
        lambda: authors.update_where(changes, true()),
        lambda: authors.add_many([{"name": "new", **changes}]),
        lambda: authors.add(Author(**{"name": "new", **changes})),
    ):
        with pytest.raises(InvalidDataError):
            async with authors.session.begin_nested():
                await write()


@pytest.mark.unhappy
async def test_pending_changes_are_sent_before_a_write_by_sql(
    authors: AuthorRepository, ada: Author
) -> None:
    ada.name = "Ada L."
    changed = await authors.update(ada.id, {"rank": 9})
    assert (changed.name, changed.rank) == ("Ada L.", 9)
    assert await authors.exists(Author.name == "Ada L.")


@pytest.mark.unhappy
async def test_entities_whose_attributes_a_rollback_forgot_can_be_named(
    authors: AuthorRepository, ada: Author
) -> None:
    await authors.session.commit()
    await authors.update(ada, {"rank": 2})
    await authors.session.rollback()
    assert await authors.update_where({"rank": 3}, Author.name == "Ada") == 1
    assert ada.rank == 3
    await authors.session.rollback()
    await authors.delete(ada)
