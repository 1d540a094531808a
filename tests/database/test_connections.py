"""Connections that are refused, lost, cancelled or not to be had, against real PostgreSQL."""

import asyncio
from types import SimpleNamespace
from typing import Any

import asyncpg
import psycopg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, event, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from bedplate.database import Database, errors
from bedplate.errors import (
    CommitOutcomeUnknownError,
    DatabaseUnavailableError,
    LockTimeoutError,
    PoolTimeoutError,
    QueryTimeoutError,
    RetryableError,
)

METADATA = MetaData()
NOTES = Table("notes", METADATA, Column("id", Integer, primary_key=True), Column("n", Integer))


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return METADATA


def like(database: Database, **settings: Any) -> Database:
    """Give another pool on the same database."""
    return Database(database.engine.url, **settings)


async def end_session_of(session: AsyncSession, database: Database) -> None:
    pid = await session.scalar(text("SELECT pg_backend_pid()"))
    async with database.session() as other:
        await other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


async def die_at_commit(database: Database) -> None:
    """Make the server end the session in the middle of a commit that adds a note."""
    async with database.session() as session:
        for statement in (
            """CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'""",
            """CREATE CONSTRAINT TRIGGER die AFTER INSERT ON notes
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()""",
        ):
            await session.execute(text(statement))
        await session.commit()


async def test_ping_answers(committed_database: Database) -> None:
    await committed_database.ping()


async def test_the_pool_recovers_after_lost_connections(committed_database: Database) -> None:
    async with like(committed_database, pool_size=2) as database:
        async with database.session() as session:
            await end_session_of(session, committed_database)
            with pytest.raises(DatabaseUnavailableError):
                await session.execute(text("SELECT 1"))
        await database.ping()


async def test_work_that_is_cancelled_is_rolled_back_and_the_pool_goes_on(
    committed_database: Database,
) -> None:
    async with like(committed_database, pool_size=1, pool_timeout=5) as database:
        started = asyncio.Event()

        async def work() -> None:
            async with database.session() as session:
                await session.execute(insert(NOTES).values(id=1))
                started.set()
                await session.execute(text("SELECT pg_sleep(30)"))
                await session.commit()

        task = asyncio.create_task(work())
        await started.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with database.session() as session:
            assert (await session.scalars(select(NOTES))).all() == []


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "url",
    [
        "postgresql+{}://nobody@127.0.0.1:1/nothing",
        "postgresql+{}://nobody@host.invalid/nothing",
        "postgresql+{}://nobody@/nothing?host=/nowhere",
    ],
    ids=["refused", "unknown host", "no socket"],
)
async def test_a_server_that_does_not_answer_is_unavailable(
    committed_database: Database, url: str
) -> None:
    async with Database(url.format(committed_database.engine.driver)) as database:
        with pytest.raises(DatabaseUnavailableError):
            await database.ping()


@pytest.mark.unhappy
async def test_a_server_that_says_nothing_is_unavailable(committed_database: Database) -> None:
    connected = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"postgresql+{committed_database.engine.driver}://nobody@127.0.0.1:{port}/nothing"
    try:
        async with Database(url, connect_timeout=0.1) as database:
            with pytest.raises(DatabaseUnavailableError):
                await database.ping()
    finally:
        server.close()
    assert connected.is_set()


LOST_WHILE_PREPARED = [
    asyncpg.ConnectionDoesNotExistError("gone"),
    asyncpg.InternalClientError("got result for unknown protocol state 3"),
    asyncpg.TooManyConnectionsError("full"),
    psycopg.OperationalError("gone"),
    ConnectionResetError(),
]


@pytest.mark.unhappy
@pytest.mark.parametrize("error", [*LOST_WHILE_PREPARED, ZeroDivisionError("a bug")], ids=repr)
async def test_a_connection_lost_while_it_is_prepared_is_unavailable(
    error: Exception, committed_database: Database
) -> None:
    def fail(*_: object) -> None:
        raise error

    expected = type(error) if isinstance(error, ZeroDivisionError) else DatabaseUnavailableError
    async with like(committed_database, pool_size=1) as database:
        await database.ping()  # SQLAlchemy's own first connection is another matter
        await database.engine.dispose()
        event.listen(database.engine.sync_engine, "connect", fail)
        for _ in range(2):  # the one connection of the pool is not lost with it
            with pytest.raises(expected):
                await database.ping()
        event.remove(database.engine.sync_engine, "connect", fail)
        await database.ping()
        pool: Any = database.engine.pool
        assert pool.checkedout() == 0


@pytest.mark.unhappy
async def test_a_database_that_is_missing_is_unavailable(committed_database: Database) -> None:
    url = committed_database.engine.url.set(database="bedplate_test_missing")
    async with Database(url) as database:
        with pytest.raises(DatabaseUnavailableError):
            await database.ping()


@pytest.mark.unhappy
async def test_a_connection_lost_between_statements_is_unavailable(
    committed_database: Database,
) -> None:
    async with like(committed_database, pool_size=1) as database, database.session() as session:
        await session.execute(insert(NOTES).values(id=1))
        await end_session_of(session, committed_database)
        with pytest.raises(DatabaseUnavailableError) as info:
            await session.execute(insert(NOTES).values(id=2))
        assert not isinstance(info.value, CommitOutcomeUnknownError)
    async with committed_database.session() as session:
        assert (await session.scalars(select(NOTES))).all() == []


@pytest.mark.unhappy
async def test_a_connection_lost_in_a_query_is_unavailable(committed_database: Database) -> None:
    async with like(committed_database, pool_size=1) as database, database.session() as session:
        with pytest.raises(DatabaseUnavailableError) as info:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert not isinstance(info.value, CommitOutcomeUnknownError)


@pytest.mark.unhappy
async def test_a_connection_lost_during_commit_leaves_the_outcome_unknown(
    committed_database: Database,
) -> None:
    await die_at_commit(committed_database)
    async with like(committed_database, pool_size=1) as database:
        async with database.session() as session:
            await session.execute(insert(NOTES).values(id=1))
            with pytest.raises(CommitOutcomeUnknownError):
                await session.commit()
        await database.ping()


@pytest.mark.unhappy
async def test_a_connection_lost_before_commit_was_heard_of_is_unknown_too(
    committed_database: Database,
) -> None:
    async with like(committed_database, pool_size=1) as database, database.session() as session:
        await session.execute(insert(NOTES).values(id=1))
        await end_session_of(session, committed_database)
        with pytest.raises(CommitOutcomeUnknownError):
            await session.commit()


@pytest.mark.unhappy
async def test_a_connection_lost_after_a_commit_leaves_that_one_known(
    committed_database: Database,
) -> None:
    async with (
        like(committed_database, pool_size=1) as database,
        database.engine.connect() as connection,
    ):
        await connection.execute(insert(NOTES).values(id=1))
        await connection.commit()
        with pytest.raises(DatabaseUnavailableError) as info:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert not isinstance(info.value, CommitOutcomeUnknownError)


@pytest.mark.unhappy
@pytest.mark.parametrize("error", [ConnectionResetError(), BrokenPipeError(), TimeoutError()])
def test_a_broken_socket_makes_the_pool_drop_its_connections(error: OSError) -> None:
    context = SimpleNamespace(
        original_exception=error, is_disconnect=False, connection=None, execution_context=None
    )
    translated = errors._raise_domain_error(context)  # type: ignore[arg-type]
    assert isinstance(translated, DatabaseUnavailableError | QueryTimeoutError)
    assert context.is_disconnect


@pytest.mark.unhappy
async def test_an_unknown_outcome_is_not_tried_again(committed_database: Database) -> None:
    await die_at_commit(committed_database)
    attempts = []

    async def work(session: AsyncSession) -> None:
        attempts.append(1)
        await session.execute(insert(NOTES).values(id=len(attempts)))

    async with like(committed_database, pool_size=1) as database:
        with pytest.raises(CommitOutcomeUnknownError):
            await database.run_in_transaction(work)
    assert len(attempts) == 1


@pytest.mark.unhappy
async def test_an_exhausted_pool_is_a_timeout_of_its_own(committed_database: Database) -> None:
    async with (
        like(committed_database, pool_size=1, pool_timeout=0.05) as database,
        database.session() as first,
        database.session() as second,
    ):
        await first.execute(text("SELECT 1"))
        with pytest.raises(PoolTimeoutError):
            await second.execute(text("SELECT 1"))
        await first.rollback()
        await second.execute(text("SELECT 1"))


@pytest.mark.unhappy
async def test_a_slow_statement_is_a_timeout_of_its_own(committed_database: Database) -> None:
    async with (
        like(committed_database, pool_size=1, statement_timeout=0.05) as database,
        database.session() as session,
    ):
        with pytest.raises(QueryTimeoutError):
            await session.execute(text("SELECT pg_sleep(30)"))
        await session.rollback()
        await session.execute(text("SELECT 1"))


@pytest.mark.unhappy
async def test_a_lock_that_is_not_granted_is_a_timeout_of_its_own(
    committed_database: Database,
) -> None:
    async with committed_database.session() as one, committed_database.session() as other:
        await one.execute(text("LOCK TABLE notes"))
        await other.execute(text("SET LOCAL lock_timeout = '20ms'"))
        with pytest.raises(LockTimeoutError):
            await other.execute(select(NOTES))


@pytest.mark.unhappy
async def test_a_deadlock_can_be_tried_again(committed_database: Database) -> None:
    async with committed_database.session() as session:
        await session.execute(insert(NOTES), [{"id": 1, "n": 0}, {"id": 2, "n": 0}])
        await session.commit()

    async def change(session: AsyncSession, number: int) -> None:
        await session.execute(update(NOTES).where(NOTES.c.id == number).values(n=NOTES.c.n + 1))

    async with committed_database.session() as one, committed_database.session() as other:
        for session in (one, other):
            await session.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
        await change(one, 1)
        await change(other, 2)
        waiting = asyncio.create_task(change(one, 2))
        results = await asyncio.gather(waiting, change(other, 1), return_exceptions=True)
    failed = [result for result in results if result is not None]
    assert [type(error) for error in failed] == [RetryableError]


@pytest.mark.unhappy
async def test_a_serialization_failure_is_tried_again(committed_database: Database) -> None:
    async with committed_database.session() as session:
        await session.execute(insert(NOTES).values(id=1, n=0))
        await session.commit()
    attempts = 0

    async def add_one(session: AsyncSession) -> int:
        nonlocal attempts
        attempts += 1
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        value = await session.scalar(select(NOTES.c.n)) or 0
        if attempts == 1:
            async with committed_database.session() as other:
                await other.execute(update(NOTES).values(n=10))
                await other.commit()
        await session.execute(update(NOTES).values(n=value + 1))
        return value + 1

    assert await committed_database.run_in_transaction(add_one) == 11
    assert attempts == 2


@pytest.mark.unhappy
async def test_collisions_without_end_are_given_up(committed_database: Database) -> None:
    attempts = []

    async def collide(session: AsyncSession) -> None:
        attempts.append(1)
        raise RetryableError

    with pytest.raises(RetryableError):
        await committed_database.run_in_transaction(collide, attempts=4)
    assert len(attempts) == 4
    with pytest.raises(ValueError, match="at least 1"):
        await committed_database.run_in_transaction(collide, attempts=0)


@pytest.mark.unhappy
async def test_other_errors_are_not_tried_again(committed_database: Database) -> None:
    attempts = []

    async def fail(session: AsyncSession) -> None:
        attempts.append(1)
        await session.execute(insert(NOTES).values(id=1))
        raise KeyError

    with pytest.raises(KeyError):
        await committed_database.run_in_transaction(fail)
    assert len(attempts) == 1
    async with committed_database.session() as session:
        assert (await session.scalars(select(NOTES))).all() == []


@pytest.mark.unhappy
async def test_the_pool_opens_no_more_connections_than_its_size(
    committed_database: Database,
) -> None:
    opened = []
    async with like(committed_database, pool_size=3) as database:
        event.listen(database.engine.sync_engine, "connect", lambda *_: opened.append(1))

        async def work() -> None:
            async with database.session() as session:
                await session.execute(text("SELECT 1"))

        for _ in range(5):
            await asyncio.gather(*(work() for _ in range(20)))
    assert len(opened) <= 3
