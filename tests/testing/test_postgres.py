"""bedplate.testing.postgres"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, Sequence, Table, text
from sqlalchemy.engine import make_url

from bedplate.testing.postgres import Postgres, _digest

type Names = Callable[[str], Awaitable[set[str]]]
type Run = Callable[..., Postgres]


@pytest.fixture
def metadata() -> MetaData:
    made = MetaData()
    Table("note", made, Column("id", Integer, primary_key=True))
    return made


@pytest.fixture
async def names(postgres: Postgres) -> Names:
    """Ask which test databases there are."""

    async def ask(prefix: str) -> set[str]:
        async with postgres._maintenance() as connection:
            found = await connection.scalars(text("SELECT datname FROM pg_database"))
            return {name for name in found if name.startswith(prefix)}

    return ask


@pytest.fixture
def run(postgres: Postgres) -> Run:
    """A run of its own on the server, as another process would have it."""

    def start(name: str, worker: str = "main") -> Postgres:
        return Postgres(postgres._server, run=name, worker=worker)

    return start


def new_name(tag: str) -> str:
    return f"bedplate_test_{int(time.time())}_{tag}{secrets.token_hex(4)}"


async def test_a_schema_is_made_once_and_copied(run: Run, names: Names, metadata: MetaData) -> None:
    name = new_name("a")
    calls: list[str | None] = []

    def migrate(url: str) -> None:
        calls.append(make_url(url).database)

    server = run(name)
    made = [await server.create(migrate) for _ in range(2)]
    assert len(calls) == 1
    for database in made:
        await server.drop(database)
    await server.close()
    assert await names(name) == set()


async def test_tables_of_a_metadata_are_there(run: Run, metadata: MetaData) -> None:
    server = run(new_name("b"))
    database = await server.shared(metadata)
    assert await server.shared(metadata) is database
    async with database.session() as session:
        assert await session.scalar(text("SELECT count(*) FROM note")) == 0
    await server.close()


@pytest.mark.unhappy
async def test_different_schemas_have_different_databases(run: Run, metadata: MetaData) -> None:
    server = run(new_name("c"))
    other = MetaData()
    Table("other", other, Column("id", Integer, primary_key=True))
    assert await server.shared(metadata) is not await server.shared(other)
    await server.close()


@pytest.mark.unhappy
def test_schemas_that_differ_in_an_index_or_a_sequence_are_told_apart(metadata: MetaData) -> None:
    before = _digest(metadata)
    Index("ix_note", metadata.tables["note"].c.id)
    assert _digest(metadata) != before
    before = _digest(metadata)
    Sequence("numbers", metadata=metadata)
    assert _digest(metadata) != before


@pytest.mark.unhappy
async def test_the_last_worker_to_leave_drops_the_templates(
    run: Run, names: Names, metadata: MetaData
) -> None:
    name = new_name("d")
    first, second = run(name, "gw0"), run(name, "gw1")
    await first.shared(metadata)
    await second.shared(metadata)
    await first.close()
    assert any("_template_" in left for left in await names(name))
    await second.close()
    assert await names(name) == set()


@pytest.mark.unhappy
async def test_who_leaves_takes_no_template_away_from_who_comes(
    run: Run, names: Names, metadata: MetaData
) -> None:
    name = new_name("h")
    coming, leaving = run(name, "gw0"), run(name, "gw1")

    async def come() -> None:
        for _ in range(10):
            await coming.drop(await coming.create(metadata))

    async def leave() -> None:
        for _ in range(10):
            await leaving.shared(metadata)
            await leaving.close()

    await asyncio.gather(come(), leave())
    await coming.close()
    assert await names(name) == set()


@pytest.mark.unhappy
async def test_a_template_whose_making_failed_is_made_again(
    run: Run, names: Names, metadata: MetaData
) -> None:
    name = new_name("e")
    calls: list[str] = []

    def migrate(url: str) -> None:
        calls.append(url)
        if len(calls) == 1:
            raise LookupError("no revision")

    server = run(name)
    with pytest.raises(LookupError):
        await server.shared(migrate)
    await server.shared(migrate)
    await server.close()
    assert await names(name) == set()


@pytest.mark.unhappy
async def test_only_old_unused_databases_of_tests_are_dropped_at_the_start(
    run: Run, names: Names, postgres: Postgres
) -> None:
    tag = f"x{secrets.token_hex(4)}"
    day_old, new = int(time.time()) - 24 * 60 * 60 - 60, int(time.time())
    left_over, fresh = f"bedplate_test_{day_old}_{tag}", f"bedplate_test_{new}_{tag}"
    odd, used = f"bedplate_test_{tag}", f"bedplate_test_{day_old}_{tag}_used"
    async with postgres._maintenance() as connection:
        for name in (left_over, fresh, odd, used):
            await connection.execute(text(f'CREATE DATABASE "{name}"'))
    in_use = Postgres(make_url(postgres.url(used)), run=new_name("f"), worker="main")
    async with in_use._maintenance():
        await run(new_name("g")).drop_left_overs()
        left = await names("bedplate_test_")
    assert left_over not in left
    assert {fresh, odd, used} <= left
    async with postgres._maintenance() as connection:
        for name in (fresh, odd, used):
            await connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@pytest.mark.unhappy
def test_the_url_of_another_database_is_refused(postgres: Postgres) -> None:
    with pytest.raises(pytest.fail.Exception, match="'app'"):
        postgres.url("app")


@pytest.mark.unhappy
def test_a_run_of_another_name_is_refused(postgres: Postgres) -> None:
    with pytest.raises(pytest.fail.Exception, match="'app'"):
        Postgres(postgres._server, run="app", worker="main")
