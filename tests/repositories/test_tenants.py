"""Tenants: whoever is bound to one sees, changes and adds its rows alone."""

import pytest
from sqlalchemy import MetaData, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from tests.repositories.library import CODEC
from tests.repositories.offices import File, FileRepository, Model, Team, TeamRepository

from bedplate.database import Database
from bedplate.errors import InvalidCursorError, NotFoundError, PermissionDeniedError
from bedplate.models import ALL_TENANTS, bind_tenant, uuid7
from bedplate.pagination import CursorParams, PageParams
from bedplate.unit_of_work import UnitOfWork, repository

OURS, THEIRS = uuid7(), uuid7()


class Work(UnitOfWork):
    files = repository(FileRepository)
    teams = repository(TeamRepository)


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def work(database: Database) -> Work:
    made = Work(database, cursors=CODEC)
    for tenant in (OURS, THEIRS):
        async with made.of_tenant(tenant) as unit:
            await unit.files.add_many({"name": name} for name in "abc")
            await unit.commit()
    return made


async def test_a_tenant_sees_its_own_rows(work: Work) -> None:
    async with work.of_tenant(OURS) as unit:
        assert {file.tenant_id for file in await unit.files.list()} == {OURS}
        assert await unit.files.count() == 3
        added = await unit.files.add(File(name="d"))
        assert added.tenant_id == OURS


@pytest.mark.unhappy
async def test_rows_of_another_tenant_are_not_there(work: Work) -> None:
    async with work.of_tenant(THEIRS) as unit:
        key = (await unit.files.one(File.name == "a")).id
    async with work.of_tenant(OURS) as unit:
        assert await unit.files.find(key) is None
        assert (await unit.files.get_many([key])).missing == [key]
        with pytest.raises(NotFoundError):
            await unit.files.update(key, {"size": 1})
        with pytest.raises(NotFoundError):
            await unit.files.delete(key)
        assert await unit.files.update_where({"size": 9}, true()) == 3
        assert await unit.files.delete_where(File.name == "a") == 1
        await unit.commit()
    async with work.of_tenant(THEIRS) as unit:
        assert [file.size for file in await unit.files.list()] == [0, 0, 0]


@pytest.mark.unhappy
async def test_statements_by_hand_are_narrowed_too(work: Work) -> None:
    async with work.of_tenant(OURS) as unit:
        assert await unit.session.scalar(select(func.count()).select_from(File)) == 3
        await unit.session.execute(update(File).values(size=7))
        await unit.commit()
    async with work.across_tenants() as unit:
        assert await unit.files.count(File.size == 7) == 3


@pytest.mark.unhappy
async def test_no_row_comes_to_belong_to_another_tenant(work: Work) -> None:
    async with work.of_tenant(OURS) as unit:
        file = await unit.files.one(File.name == "a")
        with pytest.raises(PermissionDeniedError):
            await unit.files.add(File(name="x", tenant_id=THEIRS))
        with pytest.raises(PermissionDeniedError):
            await unit.files.add_many([{"name": "x", "tenant_id": THEIRS}])
        with pytest.raises(PermissionDeniedError):
            await unit.files.update(file, {"tenant_id": THEIRS})
        with pytest.raises(PermissionDeniedError):
            await unit.files.update_where({"tenant_id": THEIRS}, true())
        file.tenant_id = THEIRS
        with pytest.raises(PermissionDeniedError):
            await unit.session.flush()


@pytest.mark.unhappy
async def test_without_a_tenant_nothing_is_seen_or_stored(work: Work) -> None:
    async with work as unit:
        with pytest.raises(RuntimeError, match="File belongs to tenants"):
            await unit.files.list()
        with pytest.raises(RuntimeError, match="File belongs to tenants"):
            await unit.files.add(File(name="x"))
        team = await unit.teams.add(Team(name="t"))
        await unit.commit()
    async with work.across_tenants() as unit:
        await unit.files.update_where({"team_id": team.id}, true())
        await unit.commit()
    for other, number in ((work, 0), (work.of_tenant(OURS), 3), (work.across_tenants(), 6)):
        async with other as unit:
            loaded = await unit.teams.with_options(selectinload(Team.files)).get(team.id)
            assert len(loaded.files) == number


@pytest.mark.unhappy
async def test_a_cursor_serves_its_own_tenant_alone(work: Work) -> None:
    async with work.of_tenant(OURS) as unit:
        cursor = (await unit.files.cursor_page(CursorParams(limit=1))).next_cursor
    for other in (work.of_tenant(THEIRS), work.across_tenants()):
        async with other as unit:
            with pytest.raises(InvalidCursorError):
                await unit.files.cursor_page(CursorParams(limit=1, cursor=cursor))


@pytest.mark.unhappy
async def test_a_total_is_of_the_tenant_alone(work: Work) -> None:
    for tenant, total in ((work.of_tenant(OURS), 3), (work.across_tenants(), 6)):
        async with tenant as unit:
            page = await unit.files.cursor_page(CursorParams(limit=1, total=True))
            assert page.total == total
            assert (await unit.files.page(PageParams(limit=1, total=True))).total == total


@pytest.mark.unhappy
async def test_a_session_is_bound_once(database: Database) -> None:
    async with database.session() as session:
        bind_tenant(session, OURS)
        bind_tenant(session, OURS)
        for tenant in (THEIRS, ALL_TENANTS):
            with pytest.raises(RuntimeError, match="bound to another tenant"):
                bind_tenant(session, tenant)
    async with AsyncSession(database.engine) as session:
        with pytest.raises(ValueError, match="tenant is None"):
            bind_tenant(session, None)
