"""Cursors that are damaged, cut off, made up or of another listing: refused, and never other rows."""

import base64
from collections.abc import Mapping
from typing import ClassVar, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession
from tests.repositories.library import CODEC, Author, AuthorRepository, Book, BookRepository

from bedplate.errors import InvalidCursorError
from bedplate.pagination import CursorCodec, CursorParams
from bedplate.repositories import Filter, equals
from bedplate.repositories.listing import Listing

hostile = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Params(CursorParams):
    sort: Literal["rank", "-rank"] = "rank"
    active: bool | None = None


class Others(AuthorRepository):
    sortable: ClassVar = {"rank": Author.name}
    filterable: ClassVar[Mapping[str, Filter]] = {"active": equals(Author.active)}


@pytest.fixture
async def cursor(authors: AuthorRepository) -> str:
    await authors.add_many({"name": f"a{i}", "rank": i % 3 or None} for i in range(9))
    page = await authors.cursor_page(Params(limit=4))
    assert page.next_cursor is not None
    return page.next_cursor


async def refused(authors: AuthorRepository, cursor: str, **chosen: object) -> None:
    given = Params(limit=4)
    params = given.model_copy(update={"cursor": cursor, **chosen})
    with pytest.raises(InvalidCursorError):
        await authors.cursor_page(params)


async def test_the_cursor_itself_is_served(authors: AuthorRepository, cursor: str) -> None:
    page = await authors.cursor_page(Params(limit=4, cursor=cursor))
    assert len(page.items) == 4


@pytest.mark.unhappy
@hostile
@given(data=st.data())
async def test_a_damaged_cursor_is_refused(
    authors: AuthorRepository, cursor: str, data: st.DataObject
) -> None:
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    await refused(authors, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


@pytest.mark.unhappy
@hostile
@given(end=st.integers(0, 400), more=st.text(max_size=3))
async def test_a_cursor_that_is_cut_off_or_goes_on_is_refused(
    authors: AuthorRepository, cursor: str, end: int, more: str
) -> None:
    changed = cursor[:end] + more
    if changed not in (cursor, cursor + "="):
        await refused(authors, changed)


@pytest.mark.unhappy
@hostile
@given(made_up=st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
async def test_a_cursor_that_is_made_up_is_refused(
    authors: AuthorRepository, cursor: str, made_up: str
) -> None:
    await refused(authors, made_up)


@pytest.mark.unhappy
async def test_a_cursor_of_another_listing_is_refused(
    authors: AuthorRepository, cursor: str, session: AsyncSession
) -> None:
    await refused(authors, cursor, sort="-rank")
    await refused(authors, cursor, active=True)
    await refused(Others(session, cursors=CODEC), cursor)
    await refused(AuthorRepository(session, cursors=CursorCodec(bytes(range(32)))), cursor)

    class Books(BookRepository):
        sortable: ClassVar = {"rank": Book.id}
        filterable: ClassVar[Mapping[str, Filter]] = {"active": equals(Book.id)}

    with pytest.raises(InvalidCursorError):
        await Books(session, cursors=CODEC).cursor_page(Params(limit=4, cursor=cursor))


@pytest.mark.unhappy
@hostile
@given(payload=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode()))
async def test_what_this_service_signed_is_read_with_care_too(
    authors: AuthorRepository, cursor: str, payload: bytes
) -> None:
    """It may be of an earlier release, which wrote positions in another way."""
    listing = Listing.of(Author, Params(), authors.sortable, authors.filterable)
    await refused(authors, CODEC.encode(payload, listing.signature()))
