"""Cursor pages: their statements, and the cursors they refuse."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import ClassVar, Literal, cast

import pytest
from sqlalchemy import event, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from tests.repositories.library import (
    CODEC,
    Author,
    AuthorPageParams,
    AuthorParams,
    AuthorRepository,
    BookRepository,
)

from bedplate.database import Database
from bedplate.errors import InvalidCursorError, InvalidDataError
from bedplate.pagination import CursorCodec, CursorPage, CursorParams
from bedplate.repositories import Filter, Sortable, one_of

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


@pytest.fixture(autouse=True)
async def seven(authors: AuthorRepository) -> None:
    await authors.add_many({"name": name, "rank": None} for name in "abcdefg")


def names(page: CursorPage[Author]) -> str:
    return "".join(author.name for author in page.items)


async def test_pages_lead_to_each_other(authors: AuthorRepository) -> None:
    first = await authors.cursor_page(AuthorParams(limit=3))
    assert (names(first), first.previous_cursor, first.has_more) == ("abc", None, True)
    second = await authors.cursor_page(AuthorParams(limit=3, cursor=first.next_cursor))
    assert (names(second), second.has_more) == ("def", True)
    third = await authors.cursor_page(AuthorParams(limit=3, cursor=second.next_cursor))
    assert (names(third), third.next_cursor, third.has_more) == ("g", None, False)
    back = await authors.cursor_page(AuthorParams(limit=3, cursor=third.previous_cursor))
    assert (names(back), back.has_more) == ("def", True)
    start = await authors.cursor_page(AuthorParams(limit=3, cursor=back.previous_cursor))
    assert (names(start), start.previous_cursor, start.has_more) == ("abc", None, True)


async def test_a_page_takes_one_statement_with_the_total_too(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    with count_statements(database) as statements:
        page = await authors.cursor_page(AuthorParams(limit=2))
    assert len(statements) == 1
    assert page.total is None
    with count_statements(database) as statements:
        page = await authors.cursor_page(
            AuthorParams(limit=2, cursor=page.next_cursor, total=True), Author.name > "a"
        )
    assert len(statements) == 1
    assert (names(page), page.total) == ("cd", 6)


async def test_one_direction_without_nulls_takes_the_row_value_form(
    authors: AuthorRepository, database: Database, count_statements: Counter
) -> None:
    page = await authors.cursor_page(AuthorParams(limit=2, sort="-name"))
    with count_statements(database) as statements:
        await authors.cursor_page(AuthorParams(limit=2, sort="-name", cursor=page.next_cursor))
    where = statements[0].partition("WHERE")[2].partition("ORDER BY")[0]
    assert where.strip().startswith("(authors.name, authors.id) <")
    assert " OR " not in where


async def test_options_work_on_pages(authors: AuthorRepository, session: AsyncSession) -> None:
    first = await authors.one(Author.name == "a")
    books = BookRepository(session)
    await books.add_many({"title": title, "author_id": first.id} for title in "xyz")
    for option in (selectinload(Author.books), joinedload(Author.books)):
        session.expunge_all()
        page = await authors.with_options(option).cursor_page(AuthorParams(limit=2))
        assert [len(author.books) for author in page.items] == [3, 0]
        assert page.has_more


@pytest.mark.unhappy
async def test_the_cursor_holds_what_the_database_has(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    kept = await authors.list()  # loaded, so that they do not see what happens next
    await session.execute(text("UPDATE authors SET name = upper(name)"))
    first = await authors.cursor_page(AuthorParams(limit=3))
    second = await authors.cursor_page(AuthorParams(limit=3, cursor=first.next_cursor))
    assert names(first) + names(second) == "abcdef"
    assert len(kept) == 7


@pytest.mark.unhappy
@pytest.mark.parametrize("gone", ["c", "d", "cd", "abc", "abcdefg"])
async def test_rows_that_vanish_do_not_hide_others(authors: AuthorRepository, gone: str) -> None:
    first = await authors.cursor_page(AuthorParams(limit=3))
    await authors.delete_where(Author.name.in_(list(gone)))
    second = await authors.cursor_page(AuthorParams(limit=9, cursor=first.next_cursor))
    assert names(second) == "".join(sorted(set("defg") - set(gone)))
    assert second.previous_cursor is not None
    back = await authors.cursor_page(AuthorParams(limit=9, cursor=second.previous_cursor))
    assert names(back) == "".join(sorted(set("abc") - set(gone)))


@pytest.mark.unhappy
async def test_an_empty_page_leads_back_to_the_last_row(authors: AuthorRepository) -> None:
    first = await authors.cursor_page(AuthorParams(limit=3))
    await authors.delete_where(Author.name > "c")
    empty = await authors.cursor_page(AuthorParams(limit=3, cursor=first.next_cursor))
    assert (names(empty), empty.next_cursor, empty.has_more) == ("", None, False)
    back = await authors.cursor_page(AuthorParams(limit=3, cursor=empty.previous_cursor))
    assert names(back) == "abc"


@pytest.mark.unhappy
async def test_rows_that_appear_do_not_make_others_repeat(authors: AuthorRepository) -> None:
    first = await authors.cursor_page(AuthorParams(limit=3))
    await authors.add_many({"name": name, "rank": None} for name in ("aa", "cc", "dd"))
    second = await authors.cursor_page(AuthorParams(limit=9, cursor=first.next_cursor))
    assert [author.name for author in second.items] == ["cc", "d", "dd", "e", "f", "g"]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "other",
    [
        {"sort": "-name"},
        {"sort": "rank"},
        {"name": "a"},
        {"active": True},
        {"created_after": "2026-01-01T00:00:00Z"},
    ],
)
async def test_a_cursor_of_another_order_or_filter_is_refused(
    authors: AuthorRepository, other: dict[str, str]
) -> None:
    page = await authors.cursor_page(AuthorParams(limit=2))
    params = AuthorParams.model_validate({"limit": 2, "cursor": page.next_cursor, **other})
    with pytest.raises(InvalidCursorError):
        await authors.cursor_page(params)


@pytest.mark.unhappy
async def test_a_cursor_of_another_model_is_refused(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    page = await authors.cursor_page(CursorParams(limit=2))
    with pytest.raises(InvalidCursorError):
        await BookRepository(session, cursors=CODEC).cursor_page(
            CursorParams(limit=2, cursor=page.next_cursor)
        )


@pytest.mark.unhappy
async def test_a_cursor_of_another_service_is_refused(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    page = await authors.cursor_page(AuthorParams(limit=2))
    other = AuthorRepository(session, cursors=CursorCodec(b"another key of enough bytes"))
    with pytest.raises(InvalidCursorError):
        await other.cursor_page(AuthorParams(limit=2, cursor=page.next_cursor))


@pytest.mark.unhappy
@pytest.mark.parametrize("cursor", ["", "x", "AQ", "🦉", "\0", "a" * 4000])
async def test_what_is_no_cursor_is_refused(authors: AuthorRepository, cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        await authors.cursor_page(AuthorParams(cursor=cursor))


@pytest.mark.unhappy
async def test_without_a_codec_there_are_no_cursor_pages(session: AsyncSession) -> None:
    with pytest.raises(RuntimeError, match="CursorCodec"):
        await AuthorRepository(session).cursor_page(CursorParams())


@pytest.mark.unhappy
async def test_an_undeclared_sort_is_the_clients_fault(authors: AuthorRepository) -> None:
    class Loose(CursorParams):
        sort: str = "password"

    with pytest.raises(InvalidDataError) as info:
        await authors.cursor_page(Loose())
    assert info.value.field == "sort"


@pytest.mark.unhappy
async def test_an_undeclared_filter_is_our_fault(authors: AuthorRepository) -> None:
    class More(AuthorPageParams):
        password: str | None = None

    with pytest.raises(TypeError, match=r"More\.password is neither declared"):
        await authors.page(More())


@pytest.mark.unhappy
async def test_a_column_that_cannot_be_in_a_cursor_is_named(session: AsyncSession) -> None:
    class Odd(AuthorRepository):
        sortable: ClassVar[Sortable] = {"odd": func.array_agg_of_nothing(Author.name)}

    class OddParams(CursorParams):
        sort: Literal["odd"] = "odd"

    await session.execute(
        text(
            "CREATE FUNCTION array_agg_of_nothing(varchar) RETURNS varchar[] LANGUAGE sql"
            " AS 'SELECT ARRAY[$1]'"
        )
    )
    with pytest.raises(TypeError, match="cannot be in a cursor"):
        await Odd(session, cursors=CODEC).cursor_page(OddParams(limit=2))


@pytest.mark.unhappy
async def test_filters_with_many_values_do_not_depend_on_their_order(
    session: AsyncSession,
) -> None:
    class Chosen(AuthorRepository):
        filterable: ClassVar[Mapping[str, Filter]] = {"ranks": one_of(Author.rank)}

    class ChosenParams(CursorParams):
        ranks: frozenset[int] | None = None

    chosen = Chosen(session, cursors=CODEC)
    await chosen.update_where({"rank": 8}, Author.name < "d")
    page = await chosen.cursor_page(ChosenParams(limit=1, ranks=frozenset([0, 8])))
    # These two collide in a set's table, so that their order is that of their coming.
    again = ChosenParams(limit=1, cursor=page.next_cursor, ranks=frozenset([8, 0]))
    assert len((await chosen.cursor_page(again)).items) == 1


@pytest.mark.unhappy
async def test_a_cursor_does_not_outlive_a_change_of_what_a_name_sorts_by(
    session: AsyncSession, authors: AuthorRepository
) -> None:
    class NextRelease(AuthorRepository):
        sortable: ClassVar[Sortable] = {"name": Author.name.desc()}

    page = await authors.cursor_page(AuthorParams(limit=2))
    with pytest.raises(InvalidCursorError):
        await NextRelease(session, cursors=CODEC).cursor_page(
            AuthorParams(limit=2, cursor=page.next_cursor)
        )


async def plan_of_the_next_page(
    authors: AuthorRepository, session: AsyncSession, params: AuthorParams
) -> str:
    seen: list[tuple[str, object]] = []

    def keep(*args: object) -> None:
        seen.append((cast("str", args[2]), args[3]))

    engine = session.bind.engine.sync_engine  # type: ignore[union-attr]
    event.listen(engine, "before_cursor_execute", keep)
    try:
        await authors.cursor_page(params)
    finally:
        event.remove(engine, "before_cursor_execute", keep)
    connection = await session.connection()
    explained = f"EXPLAIN (ANALYZE, TIMING OFF) {seen[0][0]}"
    return "\n".join((await connection.exec_driver_sql(explained, seen[0][1])).scalars())  # type: ignore[arg-type]


async def fill(session: AsyncSession) -> None:
    await session.execute(
        text(
            "INSERT INTO authors (id, name, rank, active)"
            " SELECT gen_random_uuid(), 'n' || i, CASE WHEN i % 10 > 0 THEN i END, true"
            " FROM generate_series(1, 20000) i"
        )
    )
    await session.execute(text("CREATE INDEX ON authors (name, id)"))
    await session.execute(text("CREATE INDEX ON authors (rank, id)"))
    await session.execute(text("ANALYZE authors"))


@pytest.mark.unhappy
async def test_depth_does_not_read_what_was_passed_over(
    authors: AuthorRepository, session: AsyncSession
) -> None:
    await fill(session)
    page = await authors.cursor_page(AuthorParams(limit=10), Author.name > "n9")
    params = AuthorParams(limit=10, cursor=page.next_cursor)
    plan = await plan_of_the_next_page(authors, session, params)
    assert "Index Cond: (ROW(" in plan
    assert "Rows Removed" not in plan


@pytest.mark.unhappy
@pytest.mark.parametrize("sort", ["rank", "-rank"])
async def test_depth_among_rows_with_and_without_a_value_reads_no_others(
    authors: AuthorRepository, session: AsyncSession, sort: Literal["rank", "-rank"]
) -> None:
    await fill(session)
    way = Author.rank >= 15_000 if sort == "rank" else Author.rank.is_(None) & (Author.name > "n9")
    page = await authors.cursor_page(AuthorParams(limit=10, sort=sort), way)
    params = AuthorParams(limit=10, sort=sort, cursor=page.next_cursor)
    plan = await plan_of_the_next_page(authors, session, params)
    assert "Rows Removed" not in plan
    assert "Seq Scan" not in plan


@pytest.mark.unhappy
async def test_a_page_across_the_last_value_misses_and_repeats_none(
    authors: AuthorRepository,
) -> None:
    await authors.update_where({"rank": 1}, Author.name.in_(["b", "c"]))
    await authors.update_where({"rank": 2}, Author.name == "d")
    some = Author.name.in_(["b", "c", "d", "g"])
    first = await authors.cursor_page(AuthorParams(limit=2, sort="rank"), some)
    following = AuthorParams(limit=2, sort="rank", cursor=first.next_cursor)
    second = await authors.cursor_page(following, some)
    assert (set(names(first)), names(second)) == ({"b", "c"}, "dg")
    assert not second.has_more
