"""Statements of one form are made once, and never answer for one another."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, bindparam, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, subqueryload
from tests.repositories.library import Author, AuthorPageParams, AuthorRepository, Book

from bedplate.pagination import CursorParams
from bedplate.repositories import forms, statements

type Asked = tuple[Any, dict[str, Any]]


def asked(*conditions: Any, order_by: Sequence[Any] = ()) -> Asked:
    base = statements.rows(Author, (Author,))
    statement, values = forms.asked(statements.narrowed, base, conditions, order_by).sent
    return statement, dict(values)


async def stored(authors: AuthorRepository, *names: str) -> list[Author]:
    return [await authors.add(Author(name=name, rank=rank)) for rank, name in enumerate(names)]


def test_conditions_that_differ_in_values_share_a_statement() -> None:
    one, values = asked(Author.name == "Ada", Author.rank > 1)
    other, others = asked(Author.name == "Bob", Author.rank > 2)
    assert one is other
    assert (list(values.values()), list(others.values())) == (["Ada", 1], ["Bob", 2])


async def test_each_call_is_answered_by_its_own_values(authors: AuthorRepository) -> None:
    ada, bob, eve = await stored(authors, "Ada", "Bob", "Eve")
    for author in (ada, bob, eve):
        assert await authors.one(Author.name == author.name) is author
        assert await authors.first(Author.rank == author.rank) is author
        assert await authors.list(Author.id == author.id, limit=1) == [author]
        assert await authors.count(Author.rank >= author.rank) == 3 - (author.rank or 0)
        assert await authors.exists(Author.name == author.name)
        assert not await authors.exists(Author.name == author.name, Author.rank == 7)
    for size in range(4):
        names = ["Ada", "Bob", "Eve"][:size]
        found = await authors.list(Author.name.in_(names), order_by=[Author.name])
        assert [author.name for author in found] == names


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Author.name == "x", Author.name != "x"),
        (Author.name == "x", Author.name.is_(None)),
        (Author.rank > 1, Author.rank >= 1),
        (Author.rank == 1, Author.name == 1),
        (or_(Author.rank == 1, Author.active), Author.active),
    ],
)
def test_conditions_of_another_form_have_another_statement(
    one: ColumnElement[bool], other: ColumnElement[bool]
) -> None:
    assert asked(one)[0] is not asked(other)[0]


@pytest.mark.unhappy
def test_an_order_is_part_of_the_form() -> None:
    rising, falling = asked(order_by=[Author.rank]), asked(order_by=[Author.rank.desc()])
    assert rising[0] is not falling[0]
    assert rising[0] is asked(order_by=[Author.rank])[0]
    # An attribute that is true or false can be either.
    assert asked(Author.active)[0] is not asked(order_by=[Author.active])[0]


@pytest.mark.unhappy
def test_two_conditions_on_one_alias_are_not_two_on_two() -> None:
    one, other = aliased(Author), aliased(Author)

    def among(of: Any, at: Any) -> Asked:
        return asked(
            select(of.id).where(of.rank == 1).exists(), select(at.id).where(at.rank == 1).exists()
        )

    assert among(one, one)[0] is not among(one, other)[0]
    shared = asked(one.rank == 1, one.name == "x")[0]
    assert shared is not asked(one.rank == 1, other.name == "x")[0]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "condition",
    [
        Author.name == bindparam("name", "Ada"),
        Author.name == bindparam(None, callable_=lambda: "Ada"),
        text("name = 'Ada'"),
        lambda: Author.name == "Ada",
    ],
    ids=["named parameter", "late value", "text", "lambda"],
)
async def test_what_has_no_form_is_answered_too(authors: AuthorRepository, condition: Any) -> None:
    ada, _ = await stored(authors, "Ada", "Bob")
    assert await authors.list(condition) == [ada]
    assert await authors.count(condition) == 1
    assert await authors.exists(condition)


@pytest.mark.unhappy
async def test_two_values_of_one_name_are_not_mixed_up(authors: AuthorRepository) -> None:
    ada, bob = await stored(authors, "Ada", "Bob")
    for author in (ada, bob):
        condition = Author.name == bindparam("name", author.name)
        assert await authors.one(condition, Author.rank == author.rank) is author


@pytest.mark.unhappy
async def test_a_row_is_asked_for_by_rows_of_another_table(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    ada, bob = await stored(authors, "Ada", "Bob")
    session.add_all([Book(title="One", author_id=ada.id), Book(title="Two", author_id=bob.id)])
    await session.flush()
    for title, author in (("One", ada), ("Two", bob), ("Three", None)):
        written = Author.books.any(Book.title == title)
        assert await authors.first(written) is author
        assert await authors.exists(written) is (author is not None)
        numbered = select(func.count()).where(Book.author_id == Author.id, Book.title == title)
        assert await authors.count(numbered.scalar_subquery() == 1) == (author is not None)


@pytest.mark.unhappy
async def test_what_is_loaded_besides_knows_the_values(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    ada, bob = await stored(authors, "Ada", "Bob")
    session.add_all([Book(title="One", author_id=ada.id), Book(title="Two", author_id=bob.id)])
    await session.flush()
    session.expire_all()
    reading = authors.with_options(subqueryload(Author.books))
    for name, title in (("Ada", "One"), ("Bob", "Two")):
        (found,) = await reading.list(Author.name == name)
        assert [book.title for book in found.books] == [title]


@pytest.mark.unhappy
async def test_pages_with_conditions_are_answered_by_their_own_values(
    authors: AuthorRepository,
) -> None:
    class ByRank(CursorParams):
        sort: str = "rank"

    await stored(authors, *"abcdefgh")
    for least in (2, 5):
        walked: list[UUID] = []
        cursor = None
        while True:
            params = ByRank(limit=2, cursor=cursor, total=True)
            page = await authors.cursor_page(params, Author.rank >= least)
            assert page.total == 8 - least
            walked += [author.rank for author in page.items]  # type: ignore[misc]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert walked == list(range(least, 8))
        paged = await authors.page(AuthorPageParams(limit=50, total=True), Author.rank >= least)
        assert len(paged.items) == paged.total == 8 - least
