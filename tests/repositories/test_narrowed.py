"""Repositories of some rows only: all others are as if they were not there."""

import pytest
from tests.repositories.library import Author, AuthorParams, AuthorRepository

from bedplate.errors import NotFoundError
from bedplate.pagination import PageParams


@pytest.fixture
async def rows(authors: AuthorRepository) -> list[Author]:
    return [await authors.add(Author(name=name, rank=rank)) for rank, name in enumerate("abcdef")]


@pytest.fixture
def low(authors: AuthorRepository) -> AuthorRepository:
    return authors.where(Author.rank < 3)


async def test_every_read_sees_those_rows_alone(
    authors: AuthorRepository, low: AuthorRepository, rows: list[Author]
) -> None:
    assert await low.get(rows[0].id) is rows[0]
    assert await low.list(order_by=[Author.name]) == rows[:3]
    assert (await low.count(), await authors.count()) == (3, 6)
    assert (await low.page(PageParams(limit=2, total=True))).total == 3
    first = await low.cursor_page(AuthorParams(limit=2, total=True))
    second = await low.cursor_page(AuthorParams(limit=2, cursor=first.next_cursor))
    assert ([*first.items, *second.items], first.total) == (rows[:3], 3)
    names = await low.select_columns(Author.name).list(order_by=[Author.name.desc()])
    assert names == [("c",), ("b",), ("a",)]


async def test_conditions_add_up_and_go_with_locks(
    low: AuthorRepository, rows: list[Author]
) -> None:
    middle = low.where(Author.rank > 0, Author.name != "b").locked()
    assert await middle.list() == [rows[2]]
    assert (await middle.update(rows[2].id, {"name": "z"})).name == "z"
    assert await low.where().count() == 3


@pytest.mark.unhappy
async def test_another_row_is_not_found(low: AuthorRepository, rows: list[Author]) -> None:
    other = rows[5]
    assert await low.find(other.id) is None
    assert await low.first(Author.rank == 5) is None
    assert not await low.exists(Author.rank == 5)
    assert (await low.get_many([rows[0].id, other.id])).missing == [other.id]
    with pytest.raises(NotFoundError):
        await low.get(other.id)


@pytest.mark.unhappy
async def test_another_row_is_not_changed(low: AuthorRepository, rows: list[Author]) -> None:
    other = rows[5]
    for changes in ({"name": "z"}, {}):
        with pytest.raises(NotFoundError):
            await low.update(other.id, changes)
    assert await low.update_where({"name": "z"}, Author.rank == 5) == 0
    assert (await low.update_many([{"id": other.id, "name": "z"}])).missing == [other.id]
    assert (await low.session.get_one(Author, other.id)).name == "f"


@pytest.mark.unhappy
async def test_another_row_is_not_deleted(
    authors: AuthorRepository, low: AuthorRepository, rows: list[Author]
) -> None:
    other = rows[5]
    with pytest.raises(NotFoundError):
        await low.delete(other.id)
    assert await low.delete_where(Author.rank > 1) == 1
    assert (await low.delete_many([other.id, rows[0].id])).missing == [other.id]
    assert {author.name for author in await authors.list()} == set("bdef")


@pytest.mark.unhappy
async def test_the_repository_that_was_narrowed_stays_as_it_was(
    authors: AuthorRepository, low: AuthorRepository, rows: list[Author]
) -> None:
    assert await authors.get(rows[5].id) is rows[5]
    assert await low.count() == 3
    assert await authors.count() == 6
