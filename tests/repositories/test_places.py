"""The places of a page's ends: taken from its entities where they surely hold them, else asked for."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import ClassVar, Literal

import pytest
from sqlalchemy import event, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, load_only
from tests.repositories.library import CODEC, Author, AuthorParams, AuthorRepository

from bedplate.database import Database
from bedplate.pagination import CursorPage, CursorParams
from bedplate.repositories import Sortable

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


@pytest.fixture(autouse=True)
async def seven(authors: AuthorRepository, session: AsyncSession) -> None:
    await authors.add_many({"name": name, "rank": None} for name in "abcdefg")
    session.expunge_all()


def names(page: CursorPage[Author]) -> str:
    return "".join(author.name for author in page.items)


async def walk(authors: AuthorRepository, limit: int = 2) -> list[str]:
    pages, cursor = [], None
    while True:
        page = await authors.cursor_page(AuthorParams(limit=limit, cursor=cursor))
        pages.append(names(page))
        cursor = page.next_cursor
        if cursor is None:
            return pages


async def test_rows_that_are_loaded_anew_come_without_columns_beside_them(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        page = await authors.cursor_page(AuthorParams(limit=2))
    assert names(page) == "ab"
    assert [sent.partition("FROM")[0].count("authors.name") for sent in statements] == [1]
    assert await walk(authors) == ["ab", "cd", "ef", "g"]


@pytest.mark.unhappy
async def test_a_pending_row_that_the_database_changes_does_not_lead_astray(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    await session.execute(
        text(
            "CREATE FUNCTION lowered() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN NEW.name = lower(NEW.name); RETURN NEW; END'"
        )
    )
    await session.execute(
        text(
            "CREATE TRIGGER lowered BEFORE INSERT ON authors"
            " FOR EACH ROW EXECUTE FUNCTION lowered()"
        )
    )
    pending = Author(name="AA", rank=None)
    session.add(pending)  # sent by the page itself
    page = await authors.cursor_page(AuthorParams(limit=2))
    assert names(page) == "aAA"
    following = await authors.cursor_page(AuthorParams(limit=2, cursor=page.next_cursor))
    assert names(following) == "bc"


@pytest.mark.unhappy
async def test_entities_that_the_service_changes_on_loading_do_not_lead_astray(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    def shout(author: Author, _: object) -> None:
        author.__dict__["name"] = author.__dict__["name"].upper()

    event.listen(Author, "load", shout)
    try:
        assert await walk(authors) == ["AB", "CD", "EF", "G"]
    finally:
        event.remove(Author, "load", shout)


@pytest.mark.unhappy
async def test_attributes_that_something_else_leaves_out_do_not_fail(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    def only_keys(state: ORMExecuteState) -> None:
        if state.is_select:
            state.statement = state.statement.options(load_only(Author.id))

    event.listen(session.sync_session, "do_orm_execute", only_keys)
    page = await authors.cursor_page(AuthorParams(limit=2))
    event.remove(session.sync_session, "do_orm_execute", only_keys)
    session.expunge_all()
    following = await authors.cursor_page(AuthorParams(limit=2, cursor=page.next_cursor))
    assert names(following) == "cd"


@pytest.mark.unhappy
async def test_an_order_that_no_attribute_holds_is_asked_for(session: AsyncSession) -> None:
    class Lowered(AuthorRepository):
        sortable: ClassVar[Sortable] = {"name": func.lower(Author.name)}

    class LoweredParams(CursorParams):
        sort: Literal["name"] = "name"

    authors = Lowered(session, cursors=CODEC)
    page = await authors.cursor_page(LoweredParams(limit=2))
    following = await authors.cursor_page(LoweredParams(limit=2, cursor=page.next_cursor))
    assert names(page) + names(following) == "abcd"


async def test_unsent_changes_of_entities_are_seen_by_exists_and_count(
    authors: AuthorRepository,
) -> None:
    author = await authors.one(Author.name == "a")
    author.name = "z"
    assert await authors.exists(Author.name == "z")
    author.name = "y"
    assert await authors.count(Author.name == "y") == 1
