"""Operations of the database by kind and table, and the pool as it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import ForeignKey, String, func, insert, literal, select, text, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.util import greenlet_spawn
from tests.metrics.conftest import Found, Scrape

from bedplate.context import RequestContext, request_context
from bedplate.database import Database
from bedplate.database.replica import Replica
from bedplate.errors import (
    BrokenReferenceError,
    DatabaseUnavailableError,
    DuplicateError,
    InvalidDataError,
    PoolTimeoutError,
)
from bedplate.metrics import Metrics
from bedplate.models import Base, UUIDv7Mixin
from bedplate.repositories import Repository
from bedplate.unit_of_work import UnitOfWork, repository

OPERATIONS = "db_client_operation_duration_seconds_count"
CONNECTIONS = "db_client_connection_count"


class Shelf(UUIDv7Mixin, Base):
    __tablename__ = "metrics_shelves"
    name: Mapped[str] = mapped_column(String(40), unique=True)


class Box(UUIDv7Mixin, Base):
    __tablename__ = "metrics_boxes"
    shelf_id: Mapped[Any] = mapped_column(
        ForeignKey("metrics_shelves.id", deferrable=True, initially="DEFERRED")
    )


class ShelfRepository(Repository[Shelf]):
    model = Shelf


class Work(UnitOfWork):
    shelves = repository(ShelfRepository)


@pytest.fixture
async def watched(committed_database: Database, metrics: Metrics) -> AsyncIterator[Database]:
    """A database of two connections that is measured."""
    url = committed_database.engine.url
    async with Database(url, pool_size=2, pool_timeout=60) as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(
                Base.metadata.create_all,
                tables=[
                    Base.metadata.tables[name] for name in ("metrics_shelves", "metrics_boxes")
                ],
            )
        with metrics.watching(database):
            yield database


@pytest.fixture
def operations(read: Callable[[], Scrape]) -> Callable[[], Found]:
    labels = ("db_operation_name", "db_collection_name", "error_type")
    return lambda: read().values(OPERATIONS, *labels)


@pytest.fixture
def pool(read: Callable[[], Scrape]) -> Callable[[], tuple[float, float, float]]:
    """Give how many connections are used and idle, and how many wait."""

    def now() -> tuple[float, float, float]:
        found = read().values(CONNECTIONS, "db_client_connection_state")
        return found["used",], found["idle",], read().value("db_client_connection_pending_requests")

    return now


async def test_what_repositories_do_is_measured_by_kind_and_table(
    watched: Database, operations: Callable[[], Found]
) -> None:
    async with Work(watched) as uow:
        shelf = await uow.shelves.add(Shelf(name="one"))
        await uow.shelves.get(shelf.id)
        await uow.shelves.count()
        await uow.commit()
    async with Work(watched) as uow:
        await uow.shelves.delete_many([shelf.id])  # a SELECT tells what its WITH deletes
    found = operations()
    assert found["DELETE", "metrics_shelves", ""] == 1
    assert found["INSERT", "metrics_shelves", ""] == 1
    assert found["COMMIT", "", ""] == 1
    assert found["SELECT", "metrics_shelves", ""] >= 1
    assert {table for _, table, _ in found} == {"metrics_shelves", ""}


async def test_the_table_is_named_where_there_is_one(
    watched: Database, operations: Callable[[], Found]
) -> None:
    statements: list[Any] = [
        select(Shelf),
        select(Shelf.id, func.count()).group_by(Shelf.id),
        select(Shelf).join(Box, Box.shelf_id == Shelf.id),
        update(Shelf).values(name="x"),
        select(Shelf.id, Box.id).where(Shelf.id != Box.id),  # two
        select(literal(1)),
        union_all(select(Shelf.id), select(Box.id)),
        select(select(Shelf.id).subquery()),
        text("/* about metrics_shelves */ SELECT 1"),
        text("  select 2"),
    ]
    async with watched.engine.connect() as connection:
        for statement in statements:
            await connection.execute(statement)
    assert operations() == {
        ("SELECT", "metrics_shelves", ""): 3,
        ("UPDATE", "metrics_shelves", ""): 1,
        ("SELECT", "", ""): 5,
        ("OTHER", "", ""): 1,
    }


async def test_the_pool_is_shown_as_it_is(
    watched: Database, pool: Callable[[], tuple[float, float, float]], read: Callable[[], Scrape]
) -> None:
    assert pool() == (0, 1, 0)
    async with watched.engine.connect(), watched.engine.connect():
        assert pool() == (2, 0, 0)
        waiting = asyncio.create_task(watched.ping())
        await asyncio.sleep(0)
        assert pool() == (2, 0, 1)
    await waiting
    assert pool() == (0, 2, 0)
    assert read().value("db_client_connection_max", db_client_connection_pool_name="main") == 2
    assert read().value("db_client_connection_wait_time_seconds_count") == 3


@pytest.mark.unhappy
async def test_a_failure_is_measured_by_its_sqlstate(
    watched: Database, operations: Callable[[], Found]
) -> None:
    for _ in range(2):
        try:
            async with Work(watched) as uow:
                await uow.shelves.add(Shelf(name="same"))
                await uow.commit()
        except DuplicateError:
            pass
    async with watched.engine.connect() as connection:
        with pytest.raises(InvalidDataError):
            await connection.execute(text("SELECT 1 / 0"))
    found = operations()
    assert found["INSERT", "metrics_shelves", "23505"] == 1
    assert found["SELECT", "", "22012"] == 1
    assert sum(found.values()) == 4


@pytest.mark.unhappy
async def test_a_commit_that_fails_is_no_commit_that_succeeds(
    watched: Database, operations: Callable[[], Found]
) -> None:
    with pytest.raises(BrokenReferenceError):
        async with watched.engine.begin() as connection:
            await connection.execute(insert(Box).values(shelf_id=uuid4()))
    assert operations()["COMMIT", "", "23503"] == 1
    assert ("COMMIT", "", "") not in operations()


@pytest.mark.unhappy
async def test_reading_only_has_no_commit(
    watched: Database, operations: Callable[[], Found]
) -> None:
    async with Work(watched).read_only() as uow:
        await uow.shelves.count()
    async with Work(watched).snapshot() as uow:
        await uow.shelves.count()
    assert {kind for kind, _, _ in operations()} == {"SELECT"}


@pytest.mark.unhappy
async def test_a_connection_that_does_not_come_in_time_is_a_timeout(
    committed_database: Database,
    metrics: Metrics,
    pool: Callable[[], tuple[float, float, float]],
    read: Callable[[], Scrape],
) -> None:
    async with Database(committed_database.engine.url, pool_size=1, pool_timeout=0.01) as database:
        with metrics.watching(database):
            async with database.engine.connect():
                with pytest.raises(PoolTimeoutError):
                    await database.ping()
                assert pool() == (1, 0, 0)
    assert read().value("db_client_connection_timeouts_total") == 1
    assert read().value("db_client_connection_wait_time_seconds_count") == 1


@pytest.mark.unhappy
async def test_one_who_stops_waiting_is_neither_waiting_nor_a_timeout(
    watched: Database, pool: Callable[[], tuple[float, float, float]], read: Callable[[], Scrape]
) -> None:
    async with watched.engine.connect(), watched.engine.connect():
        waiting = asyncio.create_task(watched.ping())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert pool() == (2, 0, 0)
    assert read().values("db_client_connection_timeouts_total") == {}


@pytest.mark.unhappy
async def test_a_statement_that_is_cancelled_is_measured(
    watched: Database,
    operations: Callable[[], Found],
    pool: Callable[[], tuple[float, float, float]],
) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with watched.engine.connect() as connection:
            begun.set()
            await connection.execute(text("SELECT pg_sleep(600)"))

    task = asyncio.create_task(work())
    await begun.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pool()[0] == 0
    assert sum(operations().values()) <= 1
    assert {error for _, _, error in operations()} <= {"CancelledError"}


@pytest.mark.unhappy
async def test_a_pool_that_is_made_anew_is_watched_on(
    watched: Database, pool: Callable[[], tuple[float, float, float]]
) -> None:
    before = watched.engine.pool
    async with watched.engine.connect():
        await watched.engine.dispose()
        assert pool() == (0, 0, 0)
        async with watched.engine.connect():
            assert pool() == (1, 0, 0)
    assert pool() == (0, 1, 0)
    await greenlet_spawn(before.dispose)  # what came back to it would be closed some time later
    assert pool() == (0, 1, 0)


@pytest.mark.unhappy
async def test_a_server_that_is_gone_leaves_no_connection_in_use(
    metrics: Metrics, pool: Callable[[], tuple[float, float, float]], committed_database: Database
) -> None:
    url = committed_database.engine.url.set(host="127.0.0.1", port=1, query={})
    async with Database(url, pool_size=1) as database:
        with metrics.watching(database):
            for _ in range(3):
                with pytest.raises(DatabaseUnavailableError):
                    await database.ping()
            assert pool() == (0, 0, 0)


@pytest.mark.unhappy
async def test_after_the_block_nothing_is_watched(
    committed_database: Database, metrics: Metrics, operations: Callable[[], Found]
) -> None:
    dialect = committed_database.engine.dialect
    commit = dialect.do_commit
    with metrics.watching(committed_database, "one"), metrics.watching(committed_database, "two"):
        await committed_database.ping()
        assert dialect.do_commit != commit
    assert operations() == {("SELECT", "", ""): 2}
    await committed_database.ping()
    assert operations() == {("SELECT", "", ""): 2}
    assert dialect.do_commit == commit


@pytest.mark.unhappy
async def test_a_database_in_a_transaction_of_a_test_is_measured_too(
    database: Database, metrics: Metrics, operations: Callable[[], Found]
) -> None:
    with metrics.watching(database):
        async with database.session() as session:
            await sessions_work(session)
    assert operations()["SELECT", "", ""] == 1


async def sessions_work(session: AsyncSession) -> None:
    await session.execute(select(literal(1)))
    await session.commit()


@pytest.mark.unhappy
async def test_what_is_switched_off_watches_nothing(committed_database: Database) -> None:
    commit = committed_database.engine.dialect.do_commit
    with Metrics(None).watching(committed_database):
        assert committed_database.engine.dialect.do_commit == commit
        await committed_database.ping()


@pytest.mark.unhappy
async def test_reads_are_counted_by_where_they_went_and_the_replica_has_its_pool(
    committed_database: Database, metrics: Metrics, read: Callable[[], Scrape]
) -> None:
    url = committed_database.engine.url
    async with Database(url) as database, Database(url) as no_standby:
        replica = database.replica = Replica(database, no_standby)
        with metrics.watching(database, "main"):
            with request_context(RequestContext("request-1")) as context:
                context.principal = "ada"
                async with Work(database).read_only() as uow:
                    await uow.session.execute(text("SELECT 1"))
            async with Work(database).read_only() as uow:
                await uow.session.execute(text("SELECT 1"))
            found = read()
        await replica.close()
    routes = found.values("bedplate_replica_reads_total", "bedplate_route")
    assert routes == {("not_close",): 1, ("caller_unknown",): 1}
    pools = found.values(CONNECTIONS, "db_client_connection_pool_name")
    assert set(pools) == {("main",), ("main-replica",)}
