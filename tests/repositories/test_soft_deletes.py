"""Rows that are marked as deleted: out of sight, brought back, or removed for good."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import MetaData, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from tests.repositories.library import CODEC
from tests.repositories.offices import (
    Member,
    MemberRepository,
    Model,
    Page,
    Team,
    TeamRepository,
)

from bedplate.database import Database
from bedplate.errors import DuplicateError, NotFoundError
from bedplate.models import uuid7
from bedplate.pagination import CursorParams, PageParams
from bedplate.repositories import SoftDeleteRepository

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        yield opened


@pytest.fixture
def members(session: AsyncSession) -> MemberRepository:
    return MemberRepository(session, cursors=CODEC)


@pytest.fixture
async def gone(members: MemberRepository) -> Member:
    member = await members.add(Member(email="gone"))
    await members.add(Member(email="stays"))
    await members.delete(member)
    return member


async def test_a_deletion_marks_and_a_restoration_unmarks_in_one_statement_each(
    members: MemberRepository, database: Database, count_statements: Counter
) -> None:
    member = await members.add(Member(email="a"))
    with count_statements(database) as statements:
        await members.delete(member)
        marked = member.deleted_at
        assert await members.restore(member.id) is member
        await members.purge(member)
    assert len(statements) == 3
    assert (marked is None, member.deleted_at) == (False, None)
    assert await members.with_deleted().count() == 0


@pytest.mark.unhappy
async def test_no_read_sees_a_deleted_row(members: MemberRepository, gone: Member) -> None:
    assert await members.find(gone.id) is None
    assert (await members.get_many([gone.id])).missing == [gone.id]
    assert await members.first(Member.email == "gone") is None
    assert not await members.exists(Member.email == "gone")
    assert await members.count() == 1
    assert [member.email for member in await members.list()] == ["stays"]
    assert [member.email async for member in members.stream()] == ["stays"]
    assert [m.email for m in (await members.page(PageParams())).items] == ["stays"]
    assert [m.email for m in (await members.cursor_page(CursorParams())).items] == ["stays"]
    assert await members.select_columns(Member.email).list() == [("stays",)]
    with pytest.raises(NotFoundError):
        await members.one(Member.email == "gone")


@pytest.mark.unhappy
async def test_views_see_them_all_or_them_alone(members: MemberRepository, gone: Member) -> None:
    views = members.with_deleted(), members, members.only_deleted()
    for view, total in zip(views, (2, 1, 1), strict=True):
        assert (await view.page(PageParams(limit=1, total=True))).total == total
    assert await members.with_deleted().get(gone.id) is gone
    assert await members.with_deleted().count() == 2
    assert [member.email for member in await members.only_deleted().list()] == ["gone"]
    assert not await members.only_deleted().exists(Member.email == "stays")


@pytest.mark.unhappy
async def test_no_write_reaches_a_deleted_row(members: MemberRepository, gone: Member) -> None:
    for work in (
        lambda: members.update(gone.id, {"email": "x"}),
        lambda: members.delete(gone.id),
        lambda: members.restore(uuid7()),
        lambda: members.purge(uuid7()),
    ):
        with pytest.raises(NotFoundError):
            await work()
    assert await members.update_where({"email": "x"}, Member.email == "gone") == 0
    assert await members.delete_where(Member.email == "gone") == 0
    assert (await members.with_deleted().update(gone.id, {"email": "x"})).email == "x"


@pytest.mark.unhappy
async def test_a_deleted_row_frees_its_name_until_it_is_restored(
    members: MemberRepository, gone: Member
) -> None:
    taken = await members.add(Member(email="gone"))
    with pytest.raises(DuplicateError) as info:
        async with members.session.begin_nested():
            await members.restore(gone)
    assert info.value.constraint == "ix_members_email"
    with pytest.raises(NotFoundError):
        await members.restore(taken)
    await members.purge(taken)
    assert (await members.restore(gone)).email == "gone"


@pytest.mark.unhappy
async def test_only_deleted_rows_are_purged_by_conditions(
    members: MemberRepository, gone: Member
) -> None:
    with pytest.raises(ValueError, match="no condition"):
        await members.purge_where()
    assert await members.purge_where(true()) == 1
    assert [member.email for member in await members.with_deleted().list()] == ["stays"]


@pytest.mark.unhappy
@pytest.mark.parametrize("load", [selectinload, joinedload])
async def test_relationships_leave_them_out_too(
    members: MemberRepository, gone: Member, session: AsyncSession, load: object
) -> None:
    teams = TeamRepository(session)
    team = await teams.add(Team(name="t"))
    await members.with_deleted().update_where({"team_id": team.id}, true())
    session.expunge_all()
    found = await teams.with_options(load(Team.members)).get(team.id)  # type: ignore[operator]
    assert [member.email for member in found.members] == ["stays"]


@pytest.mark.unhappy
async def test_a_model_without_the_mixin_has_no_such_views(session: AsyncSession) -> None:
    class Pages(SoftDeleteRepository[Page]):
        model = Page

    with pytest.raises(TypeError, match="Page has no SoftDeleteMixin"):
        Pages(session).with_deleted()
