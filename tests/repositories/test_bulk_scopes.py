"""Bulk operations keep to the scope: tenants, deleted rows, versions, actors."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession
from tests.repositories.offices import (
    Deed,
    DeedRepository,
    FileRepository,
    MemberRepository,
    Model,
    PageRepository,
)

from bedplate.database import Database
from bedplate.errors import PermissionDeniedError
from bedplate.models import bind_tenant, set_actor, uuid7

OURS, THEIRS, ACTOR = uuid7(), uuid7(), uuid7()


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        bind_tenant(opened, OURS)
        set_actor(opened, ACTOR)
        yield opened


@pytest.fixture
async def others(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        bind_tenant(opened, THEIRS)
        yield opened


async def test_changes_count_versions_up_and_name_the_actor(session: AsyncSession) -> None:
    deeds = DeedRepository(session)
    keys = await deeds.add_many({"title": f"d{i}"} for i in range(3))
    set_actor(session, another := uuid7())
    rows = [{"id": key, "title": f"e{i}"} for i, key in enumerate(keys[:2])]
    assert await deeds.update_many(rows) == (2, [])
    found = await deeds.list(order_by=[Deed.title])
    assert [(deed.title, deed.version) for deed in found] == [("d2", 1), ("e0", 2), ("e1", 2)]
    assert [deed.updated_by for deed in found] == [ACTOR, another, another]
    assert {deed.created_by for deed in found} == {ACTOR}


@pytest.mark.unhappy
async def test_rows_of_another_tenant_are_missing(
    session: AsyncSession, others: AsyncSession
) -> None:
    ours, theirs = FileRepository(session), FileRepository(others)
    (key,) = await ours.add_many([{"name": "a"}])
    await session.commit()
    assert await theirs.update_many([{"id": key, "size": 5}]) == (0, [key])
    assert await theirs.delete_many([key]) == (0, [key])
    await others.rollback()
    assert await ours.update_many([{"id": key, "size": 6, "tenant_id": OURS}]) == (1, [])
    assert (await ours.get(key)).size == 6
    with pytest.raises(PermissionDeniedError):
        await ours.update_many([{"id": key, "tenant_id": THEIRS}])


@pytest.mark.unhappy
async def test_deletions_mark_rows_once(session: AsyncSession) -> None:
    members = MemberRepository(session)
    keys = await members.add_many({"email": f"{i}@example.org"} for i in range(3))
    loaded = await members.get(keys[0])
    assert await members.delete_many(keys[:2]) == (2, [])
    assert loaded.deleted_at is not None
    assert await members.delete_many(keys) == (1, list(keys[:2]))
    assert await members.with_deleted().count() == 3
    assert await members.update_many([{"id": keys[0], "email": "x"}]) == (0, [keys[0]])
    shown = members.with_deleted()
    assert await shown.update_many([{"id": keys[0], "email": "x"}]) == (1, [])


@pytest.mark.unhappy
async def test_a_version_cannot_be_given(session: AsyncSession) -> None:
    pages = PageRepository(session)
    (key,) = await pages.add_many([{"text": "a"}])
    with pytest.raises(TypeError, match="version counts itself up"):
        await pages.update_many([{"id": key, "text": "b", "version": 9}])
    assert await pages.update_many([{"id": key, "text": "b"}]) == (1, [])
    assert (await pages.get(key)).version == 2
