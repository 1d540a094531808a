"""Upserts keep to the scope: tenants, deleted rows, versions, actors, and what is unique there."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession
from tests.repositories.offices import (
    Deed,
    DeedRepository,
    Entry,
    EntryRepository,
    File,
    FileRepository,
    Member,
    MemberRepository,
    Model,
    Page,
    PageRepository,
)

from bedplate.database import Database
from bedplate.errors import DuplicateError, PermissionDeniedError
from bedplate.models import ALL_TENANTS, bind_tenant, set_actor, uuid7

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


async def test_versions_and_actors_follow_what_is_changed(session: AsyncSession) -> None:
    deeds = DeedRepository(session).known_by(Deed.title)
    deed = await deeds.upsert({"title": "a"})
    (key,), _ = await deeds.upsert_many([{"title": "b"}])
    set_actor(session, another := uuid7())
    moment = deed.created_at
    await deeds.upsert({"title": "a", "created_at": moment})
    await deeds.upsert_many([{"title": "b", "created_at": moment}])
    assert deed.created_by == ACTOR
    found = (await deeds.get_many([deed.id, key])).rows
    assert [(row.version, row.created_by, row.updated_by) for row in found] == [
        (2, ACTOR, another)
    ] * 2
    assert {row.tenant_id for row in found} == {OURS}


@pytest.mark.unhappy
async def test_who_writes_makes_no_difference_by_itself(session: AsyncSession) -> None:
    entries = EntryRepository(session).known_by(Entry.id).if_changed()
    key = uuid7()
    entry = await entries.upsert({"id": key, "text": "a"})
    set_actor(session, uuid7())
    await entries.upsert({"id": key, "text": "a"})
    assert (await entries.upsert_many([{"id": key, "text": "a"}])).written == 0
    assert entry.updated_by == ACTOR
    set_actor(session, None)
    await entries.upsert({"id": key, "text": "b"})
    assert entry.created_by == ACTOR
    assert (await session.get_one(Entry, key)).updated_by is None


@pytest.mark.unhappy
async def test_what_is_unique_within_a_tenant_is_another_row_in_each(
    session: AsyncSession, others: AsyncSession
) -> None:
    ours = FileRepository(session).known_by(File.name)
    theirs = FileRepository(others).known_by(File.name)
    await ours.upsert({"name": "a", "size": 1})
    await theirs.upsert({"name": "a", "size": 2})
    assert (await theirs.upsert_many([{"name": "a", "size": 3}])).written == 1
    assert await theirs.add_if_missing({"name": "a"}) is None
    assert [file.size for file in await ours.list()] == [1]
    for write in (ours.upsert, ours.add_if_missing):
        with pytest.raises(PermissionDeniedError):
            await write({"name": "a", "tenant_id": THEIRS})


@pytest.mark.unhappy
async def test_a_row_of_another_tenant_is_a_duplicate_and_stays_as_it_is(
    session: AsyncSession, others: AsyncSession
) -> None:
    ours, theirs = FileRepository(session), FileRepository(others)
    key = (await ours.upsert({"id": uuid7(), "name": "a", "size": 1})).id
    await session.commit()
    row = {"id": key, "name": "stolen", "size": 9}
    for view in (theirs, theirs.if_changed()):
        for write in (view.upsert, lambda row, view=view: view.upsert_many([row])):
            with pytest.raises(DuplicateError) as info:
                await write(row)
            assert (info.value.constraint, info.value.columns) == ("pk_files", ("id",))
    assert await theirs.add_if_missing(row) is None
    assert await theirs.add_many_if_missing([row]) == [None]
    await others.rollback()
    assert [(file.name, file.size) for file in await ours.list()] == [("a", 1)]


@pytest.mark.unhappy
async def test_across_tenants_the_row_says_whose_it_is(database: Database) -> None:
    async with database.session() as session:
        bind_tenant(session, ALL_TENANTS)
        files = FileRepository(session).known_by(File.name)
        for tenant in (OURS, THEIRS, OURS):
            await files.upsert({"name": "a", "tenant_id": tenant, "size": 1})
        assert await files.count() == 2
        with pytest.raises(RuntimeError, match="no tenant_id"):
            await files.upsert({"name": "a"})


@pytest.mark.unhappy
async def test_a_deleted_row_is_not_brought_back_where_its_name_is_free(
    session: AsyncSession,
) -> None:
    members = MemberRepository(session).known_by(Member.email)
    old = await members.upsert({"email": "ada@example.org"})
    await members.delete(old)
    new = await members.upsert({"email": "ada@example.org"})
    assert new is not old
    assert (await members.upsert_many([{"email": "ada@example.org"}])).keys == [new.id]
    assert await members.add_many_if_missing([{"email": "ada@example.org"}]) == [None]
    assert await members.if_changed().upsert({"email": "ada@example.org"}) is new
    assert await members.with_deleted().if_changed().upsert({"email": "ada@example.org"}) is new
    assert await members.with_deleted().count() == 2
    assert old.deleted_at is not None


@pytest.mark.unhappy
async def test_a_deleted_row_that_still_holds_the_key_is_a_duplicate(session: AsyncSession) -> None:
    members = MemberRepository(session)
    old = await members.upsert({"id": uuid7(), "email": "ada@example.org"})
    await members.delete(old)
    row = {"id": old.id, "email": "new@example.org"}
    with pytest.raises(DuplicateError) as info:
        await members.upsert(row)
    assert info.value.constraint == "pk_members"
    with pytest.raises(DuplicateError):
        await members.if_changed().upsert_many([row])
    assert await members.add_if_missing(row) is None
    changed = await members.with_deleted().upsert(row)
    assert (changed is old, old.email, old.deleted_at is None) == (True, "new@example.org", False)


@pytest.mark.unhappy
async def test_a_version_cannot_be_given_and_counts_only_what_is_changed(
    session: AsyncSession,
) -> None:
    pages = PageRepository(session).known_by(Page.text)
    page = await pages.upsert({"text": "a"})
    await pages.upsert({"text": "a"})
    assert page.version == 1
    for write in (pages.upsert, pages.add_if_missing):
        with pytest.raises(TypeError, match="version counts itself up"):
            await write({"text": "a", "version": 7})
    with pytest.raises(TypeError, match="version counts itself up"):
        await pages.upsert_many([{"text": "a", "version": 7}])
