"""Versions: of two who change the same row, the second is told."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession
from tests.repositories.offices import Member, MemberRepository, Model, Page, PageRepository

from bedplate.database import Database
from bedplate.errors import NotFoundError, StaleError
from bedplate.models import uuid7


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        yield opened


async def test_each_change_counts_the_version_up(session: AsyncSession) -> None:
    pages = PageRepository(session)
    page = await pages.add(Page(text="a"))
    assert page.version == 1
    assert (await pages.update(page, {"text": "b"})).version == 2
    assert (await pages.update(page.id, {"text": "c"}, version=2)).version == 3
    page.text = "d"
    await session.flush()
    assert page.version == 4
    assert await pages.update_where({"text": "e"}, Page.id == page.id) == 1
    assert page.version == 5


@pytest.mark.unhappy
async def test_of_two_who_change_what_they_read_one_is_told(committed_database: Database) -> None:
    async with committed_database.session() as session:
        key = (await PageRepository(session).add(Page(text="a"))).id
        await session.commit()
    have_read = asyncio.Barrier(2)

    async def change(text: str, *, by_flush: bool) -> bool:
        async with committed_database.session() as session:
            pages = PageRepository(session)
            page = await pages.get(key)
            await have_read.wait()
            try:
                if by_flush:
                    page.text = text
                else:
                    await pages.update(page, {"text": text})
                await session.commit()
            except StaleError:
                return False
            return True

    for by_flush in (False, True):
        both = await asyncio.gather(
            *(change(name, by_flush=by_flush) for name in (f"b{by_flush}", f"c{by_flush}"))
        )
        assert sorted(both) == [False, True]


@pytest.mark.unhappy
async def test_a_change_of_another_version_is_stale_and_changes_nothing(
    session: AsyncSession,
) -> None:
    pages = PageRepository(session)
    page = await pages.add(Page(text="a"))
    for version in (0, 2):
        with pytest.raises(StaleError):
            await pages.update(page.id, {"text": "b"}, version=version)
        with pytest.raises(StaleError):
            await pages.update(page.id, {}, version=version)
        with pytest.raises(StaleError):
            await pages.delete(page.id, version=version)
    assert (page.text, page.version) == ("a", 1)
    await pages.delete(page, version=1)
    with pytest.raises(NotFoundError):
        await pages.update(page.id, {"text": "b"}, version=1)


@pytest.mark.unhappy
async def test_a_model_without_versions_takes_none(session: AsyncSession) -> None:
    members = MemberRepository(session)
    member = await members.add(Member(email="a"))
    with pytest.raises(TypeError, match="Member has no version column"):
        await members.update(member, {"email": "b"}, version=1)
    with pytest.raises(TypeError, match="Member has no version column"):
        await members.delete(uuid7(), version=1)
