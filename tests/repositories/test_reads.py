"""The reads, and how many statements each takes."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import InvalidRequestError, MultipleResultsFound
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from tests.repositories.library import (
    Author,
    AuthorPageParams,
    AuthorRepository,
    Book,
    Place,
    PlaceRepository,
)

from bedplate.database import Database
from bedplate.errors import InvalidDataError, LockTimeoutError, NotFoundError
from bedplate.models import uuid7
from bedplate.pagination import PageParams

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


async def named(authors: AuthorRepository, *names: str) -> list[Author]:
    return [await authors.add(Author(name=name, rank=rank)) for rank, name in enumerate(names)]


async def test_each_read_takes_one_statement(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    ada, bob = await named(authors, "Ada", "Bob")
    reads = [
        (authors.get(ada.id), ada),
        (authors.find(ada.id), ada),
        (authors.first(Author.name == "Bob"), bob),
        (authors.one(Author.name == "Bob"), bob),
        (authors.list(order_by=[Author.name.desc()]), [bob, ada]),
        (authors.list(Author.active, limit=1, order_by=[Author.name]), [ada]),
        (authors.exists(Author.rank == 1), True),
        (authors.exists(Author.rank == 7), False),
        (authors.count(), 2),
        (authors.count(Author.rank > 0), 1),
    ]
    for read, expected in reads:
        with count_statements(database) as statements:
            assert await read == expected
        assert len(statements) == 1, statements


async def test_a_page_takes_one_statement_and_two_with_the_total_of_no_rows(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    await named(authors, *"abcde")
    with count_statements(database) as statements:
        page = await authors.page(AuthorPageParams(limit=2, offset=2, sort="-name"))
    assert len(statements) == 1
    assert [author.name for author in page.items] == ["c", "b"]
    assert (page.has_more, page.total) == (True, None)
    with count_statements(database) as statements:
        page = await authors.page(PageParams(limit=2, offset=7, total=True), Author.rank >= 1)
    assert len(statements) == 2
    assert (page.items, page.has_more, page.total) == ([], False, 4)


async def test_many_keys_give_rows_in_their_order_and_what_is_missing(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    ada, bob = await named(authors, "Ada", "Bob")
    nobody = uuid7()
    with count_statements(database) as statements:
        found = await authors.get_many([bob.id, nobody, ada.id, bob.id])
    assert (found.rows, found.missing) == ([bob, ada], [nobody])
    assert len(statements) == 1
    with count_statements(database) as statements:
        assert await authors.get_many([]) == ([], [])
    assert statements == []


async def test_options_load_more_with_each_entity(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    (ada,) = await named(authors, "Ada")
    session.add_all([Book(title=title, author_id=ada.id) for title in "xy"])
    await session.flush()
    session.expunge_all()
    for option in (selectinload(Author.books), joinedload(Author.books)):
        author = await authors.with_options(option).get(ada.id)
        assert sorted(book.title for book in author.books) == ["x", "y"]
        session.expunge_all()
        page = await authors.with_options(option).page(PageParams(limit=1))
        assert len(page.items[0].books) == 2
        session.expunge_all()


async def test_composite_keys_are_tuples(session: AsyncSession) -> None:
    places = PlaceRepository(session)
    await session.execute(insert(Place), [{"row": 1, "seat": seat} for seat in (1, 2)])
    assert (await places.get((1, 2))).seat == 2
    found = await places.get_many([(1, 2), (9, 9), (1, 1)])
    assert [place.seat for place in found.rows] == [2, 1]
    assert found.missing == [(9, 9)]


@pytest.mark.unhappy
async def test_find_gives_none_where_get_raises(authors: AuthorRepository) -> None:
    assert await authors.find(uuid7()) is None
    assert await authors.first(Author.name == "Nobody") is None
    with pytest.raises(NotFoundError) as info:
        await authors.get(uuid7())
    assert (info.value.message, info.value.resource) == ("Author not found.", "Author")
    with pytest.raises(NotFoundError):
        await authors.one(Author.name == "Nobody")


@pytest.mark.unhappy
async def test_one_refuses_several(authors: AuthorRepository) -> None:
    await named(authors, "Ada", "Bob", "Cyd")
    with pytest.raises(MultipleResultsFound):
        await authors.one(Author.active)


@pytest.mark.unhappy
async def test_what_was_not_asked_for_is_not_loaded(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    (ada,) = await named(authors, "Ada")
    session.expunge_all()
    author = await authors.get(ada.id)
    with pytest.raises(InvalidRequestError):
        _ = author.books


@pytest.mark.unhappy
async def test_a_view_leaves_the_repository_as_it_was(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    (ada,) = await named(authors, "Ada")
    authors.with_options(selectinload(Author.books))
    authors.locked()
    with count_statements(database) as statements:
        await authors.get(ada.id)
    assert len(statements) == 1
    assert "FOR UPDATE" not in statements[0]


@pytest.mark.unhappy
@pytest.mark.parametrize("key", [(1,), (1, 2, 3), 1])
async def test_a_key_of_the_wrong_width_is_refused(session: AsyncSession, key: object) -> None:
    with pytest.raises(TypeError, match="2 columns"):
        await PlaceRepository(session).get(key)


@pytest.mark.unhappy
@pytest.mark.parametrize("key", [(2**31, 1), (1, 2**63), (1, 10**30)])
async def test_a_key_out_of_range_is_invalid_data(session: AsyncSession, key: object) -> None:
    with pytest.raises(InvalidDataError):
        await PlaceRepository(session).find(key)


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["%", "_", "nobody"])
async def test_wildcards_of_a_client_are_plain_text(authors: AuthorRepository, name: str) -> None:
    await named(authors, "Ada", "100 percent")
    assert (await authors.page(AuthorPageParams(name=name))).items == []
    await authors.add(Author(name=f"with {name} in it"))
    assert len((await authors.page(AuthorPageParams(name=name))).items) == 1


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["\0", "\ud800"], ids=["nul", "surrogate"])
async def test_text_that_cannot_be_asked_for_is_invalid_data(
    authors: AuthorRepository, name: str
) -> None:
    with pytest.raises(InvalidDataError):
        await authors.page(AuthorPageParams.model_construct(limit=5, offset=0, name=name))


@pytest.mark.unhappy
async def test_a_lock_is_not_waited_for_when_told_so(committed_database: Database) -> None:
    async with committed_database.session() as session:
        await named(AuthorRepository(session), "Ada", "Bob")
        await session.commit()
    async with committed_database.session() as one, committed_database.session() as other:
        mine, yours = AuthorRepository(one).locked(), AuthorRepository(other)
        ada = await mine.one(Author.name == "Ada")
        with pytest.raises(LockTimeoutError):
            await yours.locked(nowait=True).get(ada.id)
        await other.rollback()
        free = await yours.locked(skip_locked=True).list()
        assert [author.name for author in free] == ["Bob"]


@pytest.mark.unhappy
async def test_a_locked_read_shows_what_another_changed_meanwhile(
    committed_database: Database,
) -> None:
    async with committed_database.session() as session:
        (ada,) = await named(AuthorRepository(session), "Ada")
        await session.commit()
    async with committed_database.session() as one, committed_database.session() as other:
        authors = AuthorRepository(one)
        seen = await authors.get(ada.id)
        await AuthorRepository(other).update(ada.id, {"rank": 99})
        waiting = asyncio.create_task(authors.locked().get(ada.id))
        await other.commit()
        assert (await waiting).rank == 99
        assert seen.rank == 99


@pytest.mark.unhappy
async def test_a_joined_relationship_does_not_hinder_a_lock(authors: AuthorRepository) -> None:
    (ada,) = await named(authors, "Ada")
    view = authors.with_options(joinedload(Author.books)).locked()
    assert await view.get(ada.id) is ada
    assert (await authors.session.execute(text("SELECT count(*) FROM authors"))).scalar() == 1
