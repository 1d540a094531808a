"""A streaming replica answers what only reads: never with less than the caller wrote, never alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol

import pytest
from sqlalchemy import MetaData, String, make_url, text
from sqlalchemy.orm import Mapped, mapped_column
from tests.clusters import Cluster, Standby, ask

from bedplate.context import RequestContext, request_context
from bedplate.database import Database
from bedplate.database.recent_writes import MemoryRecentWrites, RecentWrites
from bedplate.database.replica import Replica
from bedplate.errors import DatabaseUnavailableError, UnavailableError
from bedplate.models import NAMING_CONVENTION, Base, UUIDv7Mixin
from bedplate.repositories import Repository
from bedplate.testing.postgres import Postgres
from bedplate.unit_of_work import UnitOfWork, repository

LAG = 0.5
FOR_LONG = 60.0  # more than a test takes
NOBODY = "postgresql://postgres@127.0.0.1:1/postgres"


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Note(UUIDv7Mixin, Model):
    __tablename__ = "notes"
    text: Mapped[str] = mapped_column(String(40))


class NoteRepository(Repository[Note]):
    model = Note


class NoteWork(UnitOfWork):
    notes = repository(NoteRepository)


class Unreachable:
    """A memory shared by processes that this one does not reach."""

    async def remember(self, caller: str, position: int, seconds: float) -> None:
        raise UnavailableError

    async def position(self, caller: str) -> int | None:
        raise UnavailableError

    async def close(self) -> None:
        pass


class Opens(Protocol):
    def __call__(
        self, *, url: str = "", writes: RecentWrites | None = None, lag: float = LAG
    ) -> AbstractAsyncContextManager[tuple[Database, Counter[str]]]: ...


@pytest.fixture(scope="module")
def servers(pair: tuple[Cluster, Standby]) -> Iterator[tuple[Cluster, Standby]]:
    primary, _ = pair
    ask(primary.url, "CREATE TABLE notes (id uuid PRIMARY KEY, text varchar(40) NOT NULL)")
    yield pair
    ask(primary.url, "DROP TABLE notes")


@pytest.fixture
def driver(postgres: Postgres) -> str:
    """That of the run."""
    return make_url(postgres.url("bedplate_test_any")).get_driver_name()


@pytest.fixture
def opened(servers: tuple[Cluster, Standby], driver: str) -> Opens:
    """Opens the database as one process of a service does."""
    ask(servers[0].url, "TRUNCATE notes")
    servers[1].catch_up()

    @asynccontextmanager
    async def open_one(
        *, url: str = "", writes: RecentWrites | None = None, lag: float = LAG
    ) -> AsyncIterator[tuple[Database, Counter[str]]]:
        primary, standby = servers
        chosen = f"postgresql+{driver}"
        async with AsyncExitStack() as stack:
            one, other = [
                await stack.enter_async_context(
                    Database(target.replace("postgresql", chosen, 1), pool_size=4)
                )
                for target in (primary.url, url or standby.url)
            ]
            replica = Replica(one, other, writes=writes, lag=lag)
            stack.push_async_callback(replica.close)
            routes: Counter[str] = Counter()
            replica.routed = lambda route: routes.update([route])
            one.replica = replica
            yield one, routes

    return open_one


@pytest.fixture(autouse=True)
def ada() -> Iterator[RequestContext]:
    """The request of somebody."""
    context = RequestContext("request-1")
    context.principal = "ada"
    with request_context(context):
        yield context


async def write(database: Database, words: str) -> None:
    async with NoteWork(database) as uow:
        await uow.notes.add(Note(text=words))
        await uow.commit()


async def count(database: Database, words: str) -> int:
    async with NoteWork(database).read_only() as uow:
        return await uow.notes.count(Note.text == words)


async def asks_a_standby(unit: NoteWork) -> bool:
    async with unit as uow:
        return bool(await uow.session.scalar(text("SELECT pg_is_in_recovery()")))


async def until_the_replica_answers(database: Database) -> None:
    async with asyncio.timeout(60):
        while not await asks_a_standby(NoteWork(database).read_only()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def assert_told_once_for_each_change(logs: list[dict[str, object]]) -> None:
    """It may change more often than the test makes it: a machine that does much else is slow to answer."""
    told = [str(entry["event"]) for entry in logs if "replica" in str(entry["event"])]
    assert len(told) >= 2
    assert told == ["replica_not_used", "replica_used_again"] * (len(told) // 2)


@pytest.fixture
def paused(servers: tuple[Cluster, Standby]) -> Iterator[Standby]:
    """The standby, which goes on answering and replays nothing."""
    servers[1].pause_replay()
    yield servers[1]
    servers[1].resume_replay()
    servers[1].catch_up()


async def test_what_only_reads_goes_to_the_replica(opened: Opens) -> None:
    async with opened() as (database, routes):
        assert await asks_a_standby(NoteWork(database).read_only())
        assert await asks_a_standby(NoteWork(database).snapshot())
        assert not await asks_a_standby(NoteWork(database))
        assert routes == {"replica": 2}


async def test_who_wrote_is_answered_by_the_replica_once_it_has_that(
    opened: Opens, servers: tuple[Cluster, Standby]
) -> None:
    async with opened() as (database, routes):
        await write(database, "caught up")
        servers[1].catch_up()
        assert await count(database, "caught up") == 1
        assert routes == {"replica": 1}


@pytest.mark.unhappy
async def test_a_replica_that_is_behind_does_not_answer_who_wrote(
    opened: Opens, paused: Standby, ada: RequestContext
) -> None:
    async with opened(lag=FOR_LONG) as (database, routes):
        await until_the_replica_answers(database)
        routes.clear()
        await write(database, "behind")
        assert await count(database, "behind") == 1
        async with NoteWork(database).snapshot() as uow:
            assert await uow.notes.count(Note.text == "behind") == 1
        assert routes == {"caller_wrote": 2}
        ada.principal = "grace"
        assert await count(database, "behind") == 0, "others may see what was"
        async with NoteWork(database).latest() as uow:
            assert await uow.notes.count(Note.text == "behind") == 1, "unless that must not be"
        ada.principal = None
        ada.client = "192.0.2.1"
        await write(database, "by nobody known")
        assert await count(database, "by nobody known") == 1, "told by the address"


@pytest.mark.unhappy
async def test_another_process_knows_who_wrote(opened: Opens, paused: Standby) -> None:
    shared = MemoryRecentWrites()
    async with (
        opened(writes=shared, lag=FOR_LONG) as (one, _),
        opened(writes=shared, lag=FOR_LONG) as (other, routes),
    ):
        await until_the_replica_answers(other)
        await write(one, "elsewhere")
        assert await count(other, "elsewhere") == 1
        assert routes["caller_wrote"] == 1


@pytest.mark.unhappy
async def test_while_nobody_can_tell_who_wrote_the_primary_answers(
    opened: Opens, captured_logs: list[dict[str, object]]
) -> None:
    async with opened(writes=Unreachable()) as (database, routes):
        await write(database, "not remembered")
        assert await count(database, "not remembered") == 1
        assert routes == {"writes_unknown": 1}
    told = [entry for entry in captured_logs if entry["event"] == "recent_writes_unknown"]
    assert len(told) == 1


@pytest.mark.unhappy
async def test_outside_of_a_request_the_primary_answers(opened: Opens, ada: RequestContext) -> None:
    ada.principal = None
    async with opened() as (database, routes):
        await write(database, "job")
        assert await count(database, "job") == 1
        assert routes == {"caller_unknown": 1}


@pytest.mark.unhappy
async def test_a_replica_too_far_behind_answers_nobody_until_it_has_caught_up(
    opened: Opens, paused: Standby, captured_logs: list[dict[str, object]]
) -> None:
    async with opened() as (database, _):
        await until_the_replica_answers(database)
        await write(database, "more")
        async with asyncio.timeout(60):
            while (replica := database.replica) and replica.trouble is None:
                await asks_a_standby(NoteWork(database).read_only())
                await asyncio.sleep(0.02)
        assert replica is not None
        assert replica.trouble == "lagging"
        assert not await asks_a_standby(NoteWork(database).read_only())
        paused.resume_replay()
        await until_the_replica_answers(database)
    assert_told_once_for_each_change(captured_logs)


@pytest.mark.unhappy
async def test_a_replica_that_is_killed_fails_no_reader_and_is_used_again(
    opened: Opens, servers: tuple[Cluster, Standby], captured_logs: list[dict[str, object]]
) -> None:
    _, standby = servers
    async with opened() as (database, routes):
        await until_the_replica_answers(database)

        async def read_on() -> None:
            async with asyncio.timeout(60):
                while not routes["not_close"]:
                    await count(database, "x")

        readers = asyncio.gather(*(read_on() for _ in range(4)))
        await asyncio.sleep(0)
        standby.kill()
        await readers
        assert not await asks_a_standby(NoteWork(database).read_only())
        await asyncio.to_thread(standby.start)
        await until_the_replica_answers(database)
    assert_told_once_for_each_change(captured_logs)


@pytest.mark.unhappy
@pytest.mark.parametrize("alone", [True, False])
async def test_a_read_under_way_on_a_frozen_replica_is_answered_by_the_primary(
    alone: bool, opened: Opens, servers: tuple[Cluster, Standby]
) -> None:
    _, standby = servers
    async with opened() as (database, routes):
        await until_the_replica_answers(database)
        async with NoteWork(database).read_only() as uow:
            assert await uow.session.scalar(text("SELECT pg_is_in_recovery()"))
            standby.freeze()
            try:
                reading = asyncio.create_task(asks_where(uow))
                async with asyncio.timeout(60):
                    while not (alone or reading.done()):  # others look at it meanwhile
                        await count(database, "x")
                        await asyncio.sleep(0.02)
                    assert await reading is False
            finally:
                standby.thaw()
        assert routes["failed"] >= 1
        await until_the_replica_answers(database)


async def asks_where(uow: NoteWork) -> bool:
    return bool(await uow.session.scalar(text("SELECT pg_is_in_recovery()")))


@pytest.mark.unhappy
async def test_a_snapshot_that_has_begun_is_not_continued_elsewhere(
    opened: Opens, servers: tuple[Cluster, Standby]
) -> None:
    _, standby = servers
    async with opened() as (database, _):
        await until_the_replica_answers(database)
        async with NoteWork(database).snapshot() as uow:
            assert await asks_where(uow)
            standby.kill()
            with pytest.raises(DatabaseUnavailableError):
                await asks_where(uow)
        assert not await asks_a_standby(NoteWork(database).snapshot())
        await asyncio.to_thread(standby.start)
        await until_the_replica_answers(database)


@pytest.mark.unhappy
async def test_a_conflict_with_what_it_replays_is_no_failure_of_the_replica(
    opened: Opens, servers: tuple[Cluster, Standby]
) -> None:
    """The standby cancels a reader that stands in the way of its replay (SQLSTATE 40001)."""
    primary, standby = servers
    async with opened() as (database, routes):
        await until_the_replica_answers(database)
        ask(standby.url, "ALTER SYSTEM SET max_standby_streaming_delay = 0")
        ask(standby.url, "SELECT pg_reload_conf()")
        async with NoteWork(database).read_only() as uow:
            slow = text(
                "SELECT count(*), pg_sleep(CASE WHEN pg_is_in_recovery() THEN 60 END) FROM notes"
            )
            reading = asyncio.create_task(uow.session.execute(slow))
            async with asyncio.timeout(60):
                asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                while not ask(standby.url, asleep):  # noqa: ASYNC110 - it sleeps elsewhere
                    await asyncio.sleep(0.02)
            await asyncio.to_thread(ask, primary.url, "ALTER TABLE notes ADD COLUMN gone integer")
            assert (await reading).one()
        await asyncio.to_thread(ask, primary.url, "ALTER TABLE notes DROP COLUMN gone")
        assert routes["failed"] == 0
        ask(standby.url, "ALTER SYSTEM RESET max_standby_streaming_delay")
        ask(standby.url, "SELECT pg_reload_conf()")


@pytest.mark.unhappy
@pytest.mark.parametrize("wrong", ["nobody", "no database", "no standby", "another cluster's"])
async def test_with_a_wrong_url_the_primary_answers(
    opened: Opens,
    servers: tuple[Cluster, Standby],
    stranger: Callable[[], Standby],
    captured_logs: list[dict[str, object]],
    wrong: str,
) -> None:
    primary, standby = servers
    url = {
        "nobody": lambda: NOBODY,
        "no database": lambda: standby.url.replace("/postgres", "/missing"),
        "no standby": lambda: primary.url,
        "another cluster's": lambda: stranger().url,
    }[wrong]()
    async with opened(url=url) as (database, routes):
        for _ in range(3):
            assert not await asks_a_standby(NoteWork(database).read_only())
        assert routes == {"not_close": 3}
    told = [entry for entry in captured_logs if entry["event"] == "replica_not_used"]
    assert len(told) == 1


@pytest.mark.unhappy
async def test_while_the_primary_is_down_the_replica_answers(
    servers: tuple[Cluster, Standby], driver: str
) -> None:
    urls = (
        url.replace("postgresql", f"postgresql+{driver}", 1) for url in (NOBODY, servers[1].url)
    )
    primary, standby = (Database(url) for url in urls)
    async with primary, standby:
        primary.replica = replica = Replica(primary, standby, lag=LAG)
        assert await asks_a_standby(NoteWork(primary).read_only())
        await replica.close()


@pytest.mark.unhappy
async def test_a_commit_whose_position_is_not_known_keeps_its_caller_at_the_primary(
    opened: Opens, servers: tuple[Cluster, Standby], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object, **__: object) -> int:
        raise DatabaseUnavailableError

    async with opened() as (database, routes):
        monkeypatch.setattr("bedplate.database.replica.lsn", lost)
        await write(database, "position lost")
        servers[1].catch_up()
        assert await count(database, "position lost") == 1
        assert routes == {"caller_wrote": 1}
