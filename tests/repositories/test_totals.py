"""The total of a page: counted with its rows, by the same conditions and at the same moment."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy.orm import joinedload
from tests.repositories.library import (
    Author,
    AuthorPageParams,
    AuthorParams,
    AuthorRepository,
    Book,
)

from bedplate.database import Database

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


@pytest.fixture
async def stored(authors: AuthorRepository) -> None:
    """Five authors, each with one book more than the last."""
    made = [Author(name=name, rank=rank) for rank, name in enumerate("abcde")]
    for author in made:
        author.books = [Book(title=f"{author.name}{number}") for number in range(author.rank or 0)]
    authors.session.add_all(made)
    await authors.session.flush()
    authors.session.expunge_all()


@pytest.mark.usefixtures("stored")
async def test_the_total_comes_with_the_rows_wherever_the_page_begins(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    cursor = None
    with count_statements(database) as statements:
        for expected in (["a", "b"], ["c", "d"], ["e"]):
            page = await authors.cursor_page(AuthorParams(limit=2, cursor=cursor, total=True))
            assert ([author.name for author in page.items], page.total) == (expected, 5)
            cursor = page.next_cursor
        back = AuthorParams(limit=2, cursor=page.previous_cursor, total=True)
        assert (await authors.cursor_page(back)).total == 5
        for offset in (0, 2, 4):
            numbered = await authors.page(AuthorPageParams(limit=2, offset=offset, total=True))
            assert numbered.total == 5
    assert len(statements) == 7


@pytest.mark.unhappy
async def test_the_total_of_a_page_without_rows_is_asked_for(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        assert (await authors.cursor_page(AuthorParams(limit=2, total=True))).total == 0
        assert (await authors.page(AuthorPageParams(limit=2, total=True))).total == 0
    assert len(statements) == 4


@pytest.mark.unhappy
async def test_the_total_past_the_last_row_is_that_of_all(
    authors: AuthorRepository,
) -> None:
    await authors.add_many([{"name": name} for name in "abcde"])
    first = await authors.cursor_page(AuthorParams(limit=3))
    await authors.delete_where(Author.name > "c")
    past = AuthorParams(limit=3, cursor=first.next_cursor, total=True)
    page = await authors.cursor_page(past)
    assert (page.items, page.total) == ([], 3)
    numbered = await authors.page(AuthorPageParams(limit=2, offset=9, total=True))
    assert (numbered.items, numbered.total) == ([], 3)


@pytest.mark.unhappy
@pytest.mark.usefixtures("stored")
async def test_a_condition_on_other_rows_holds_for_the_total_too(authors: AuthorRepository) -> None:
    for title, total in (("%0", 4), ("%2", 2)):
        written = Author.books.any(Book.title.like(title))
        page = await authors.cursor_page(AuthorParams(limit=1, total=True), written)
        assert page.total == total
        numbered = await authors.where(written).page(AuthorPageParams(limit=1, total=True))
        assert numbered.total == total


@pytest.mark.unhappy
@pytest.mark.usefixtures("stored")
async def test_rows_that_are_joined_to_others_are_not_counted_more_than_once(
    authors: AuthorRepository,
) -> None:
    reading = authors.with_options(joinedload(Author.books))
    for least, total in ((1, 4), (3, 2)):
        params = AuthorParams(limit=2, sort="-rank", total=True)
        page = await reading.cursor_page(params, Author.rank >= least)
        assert [len(author.books) for author in page.items] == [4, 3]
        assert page.total == total
        numbered = await reading.page(AuthorPageParams(limit=2, total=True), Author.rank >= least)
        assert (len(numbered.items), numbered.total) == (2, total)


@pytest.mark.unhappy
@pytest.mark.usefixtures("stored")
async def test_values_that_are_no_entities_have_the_same_total(authors: AuthorRepository) -> None:
    rows = authors.select_columns(Author.name)
    page = await rows.cursor_page(AuthorParams(limit=2, total=True), Author.rank > 1)
    assert (page.items, page.total) == ([("c",), ("d",)], 3)
    numbered = await rows.page(AuthorPageParams(limit=2, offset=2, total=True), Author.rank > 1)
    assert (numbered.items, numbered.total) == ([("e",)], 3)


@pytest.mark.unhappy
async def test_rows_that_somebody_else_holds_are_counted_although_they_are_left_out(
    committed_database: Database,
) -> None:
    async with committed_database.session() as session, session.begin():
        await AuthorRepository(session).add_many([{"name": name} for name in "abc"])
    sessions = committed_database.session
    async with sessions() as holder, sessions() as other:
        await AuthorRepository(holder).locked().list(Author.name < "c")
        free = AuthorRepository(other).locked(skip_locked=True)
        page = await free.page(AuthorPageParams(limit=5, total=True))
        assert ([author.name for author in page.items], page.total) == (["c"], 3)
