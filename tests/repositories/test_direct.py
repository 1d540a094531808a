"""Reads that the driver carries out by itself: the same rows and errors, and who makes it step back."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Select, bindparam, column, event, func, insert, literal, select, table, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession
from tests.repositories.kinds import ONE_OF_EACH, Kind, KindRepository, Model

from bedplate.database import Database
from bedplate.database.direct import fetch
from bedplate.database.failover import FailoverSession
from bedplate.database.observing import Ended, observe_operations
from bedplate.database.read_only import ReadOnlySession
from bedplate.errors import (
    DatabaseUnavailableError,
    InvalidDataError,
    PoolTimeoutError,
    QueryTimeoutError,
)
from bedplate.models import UTCDateTime, uuid7
from bedplate.repositories.forms import Question
from bedplate.repositories.rows import only, rows_of, value_of

SLEEP = select(func.pg_sleep(60))
ONE = select(literal(1))
ALL = select(*Kind.__table__.columns).order_by(Kind.__table__.c.id)
GIVEN = select(bindparam("moment", type_=UTCDateTime()))


@pytest.fixture(scope="module")
def schema() -> Any:
    return Model.metadata


@pytest.fixture
async def database(committed_database: Database) -> AsyncIterator[Database]:
    """Give a database with one connection, whose driver is asyncpg and has connected."""
    url = committed_database.engine.url.set(drivername="postgresql+asyncpg")
    async with Database(url, pool_size=1, pool_timeout=0.05) as made:
        await made.ping()
        yield made


async def read(database: Database, statement: Select[Any], **values: object) -> Any:
    async with database.read_only_session() as session:
        return await fetch(session, statement, values)


async def backend(session: AsyncSession) -> int:
    return int(await session.scalar(text("SELECT pg_backend_pid()")))


async def test_every_kind_of_column_is_what_a_session_gives(database: Database) -> None:
    async with database.session() as session:
        await KindRepository(session).add_many(
            [ONE_OF_EACH, {**dict.fromkeys(ONE_OF_EACH), "code": "x"}]
        )
        await session.commit()
        expected = [tuple(row) for row in await session.execute(ALL)]
    for _ in range(2):  # the types are asked for once
        found = await read(database, ALL)
        assert [tuple(row) for row in found] == expected
    assert expected[0][1] == ONE_OF_EACH["text"]


async def test_a_projection_and_a_total_hold_no_connection(database: Database) -> None:
    async with database.session() as session:
        await session.execute(insert(Kind), [{"number": number} for number in range(3)])
        await session.commit()
    async with database.read_only_session() as session:
        kinds = KindRepository(session)
        numbers = await kinds.select_columns(Kind.number).list(
            Kind.number > 0, order_by=[Kind.number]
        )
        assert (list(numbers), await kinds.count(), await kinds.exists()) == ([(1,), (2,)], 3, True)
        assert not session.in_transaction()


async def test_observers_are_told_of_each(database: Database) -> None:
    told: list[object] = []

    def observer(operation: str, of: str | None) -> Ended:
        told.append((operation, of))
        return told.append

    with observe_operations(database.engine, observer):
        await read(database, ALL)
        with pytest.raises(InvalidDataError):
            await read(database, select(literal(1) / literal(0)))
    assert told == [("SELECT", "Of every kind"), None, ("SELECT", None), "22012"]


async def test_a_column_that_becomes_another_kind_is_read_anew(database: Database) -> None:
    counted: Select[Any] = select(column("n")).select_from(table("counted", column("n")))
    for ddl in ("CREATE TABLE counted AS SELECT 1 AS n", "ALTER TABLE counted ALTER n TYPE text"):
        async with database.engine.begin() as connection:
            await connection.execute(text(ddl))
        found = await read(database, counted)
    assert [tuple(row) for row in found] == [("1",)]


def listen(target: Any, name: str) -> Callable[[], None]:
    def heard(*_: object, **__: object) -> None: ...

    event.listen(target, name, heard)
    return lambda: event.remove(target, name, heard)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "name",
    [
        "engine_connect",
        "begin",
        "before_execute",
        "after_execute",
        "before_cursor_execute",
        "after_cursor_execute",
    ],
)
async def test_who_listens_to_the_engine_hears_everything(database: Database, name: str) -> None:
    assert await read(database, ONE) is not None
    stop = listen(database.engine.sync_engine, name)
    assert await read(database, ONE) is None
    stop()
    assert await read(database, ONE) is not None


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["do_orm_execute", "after_begin"])
async def test_who_listens_to_the_session_hears_everything(database: Database, name: str) -> None:
    async with database.read_only_session() as session:
        listen(session.sync_session, name)
        assert await fetch(session, ONE, {}) is None


@pytest.mark.unhappy
async def test_who_wants_statements_logged_has_them_all(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "sqlalchemy.engine.Engine"):
        assert await read(database, ONE) is None
    async with Database(database.engine.url, echo=True) as echoing:
        await echoing.ping()
        assert await read(echoing, ONE) is None


@pytest.mark.unhappy
async def test_a_session_with_work_of_its_own_is_asked_itself(database: Database) -> None:
    async with database.read_only_session() as session:
        session.add(Kind())
        assert await fetch(session, ONE, {}) is None
        with pytest.raises(RuntimeError, match="only reads"):
            await KindRepository(session).count()
        session.expunge_all()
        await session.execute(ONE)
        assert await fetch(session, ONE, {}) is None

    class Own(ReadOnlySession): ...

    view = database.read_only_session().bind
    others = [AsyncSession(view, sync_session_class=kind) for kind in (Own, FailoverSession)]
    for session in (database.session(), database.snapshot_session(), *others):
        async with session:
            assert await fetch(session, ONE, {}) is None


@pytest.mark.unhappy
async def test_others_than_asyncpg_with_a_pool_of_its_own_are_not_asked(database: Database) -> None:
    url = database.engine.url
    async with (
        Database(url.set(drivername="postgresql+psycopg")) as psycopg,
        Database(url, transaction_pooler=True) as pooled,
    ):
        for other in (psycopg, pooled):
            await other.ping()
            assert await read(other, ONE) is None
    async with database.engine.connect() as connection:
        assert await read(Database.bound_to(connection), ONE) is None
    async with Database(url) as unconnected:
        assert await read(unconnected, ONE) is None


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "statement",
    [
        select(Kind.number).with_for_update(),
        select(insert(Kind).values(number=1).returning(Kind.number).cte()),
    ],
)
async def test_what_would_write_or_lock_is_refused(
    database: Database, statement: Select[Any]
) -> None:
    async with database.read_only_session() as session:
        with pytest.raises(RuntimeError, match="only reads"):
            await rows_of(session, Question(statement, {}, is_kept=True))


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (select(Kind.number).where(Kind.number.in_([1, 2])), []),
        (ONE.execution_options(some_option=1), [(1,)]),
    ],
)
async def test_what_has_more_than_one_text_or_options_is_for_a_session(
    database: Database, statement: Select[Any], expected: list[tuple[int, ...]]
) -> None:
    sent: list[str] = []

    def observer(operation: str, _of: str | None) -> Ended:
        sent.append(operation)
        return lambda _: None

    with observe_operations(database.engine, observer):
        assert await read(database, statement) is None
        assert sent == []
        async with database.read_only_session() as session:
            assert await rows_of(session, Question(statement, {}, is_kept=True)) == expected


@pytest.mark.unhappy
async def test_a_value_that_is_missing_or_refused_sends_nothing(database: Database) -> None:
    assert await read(database, GIVEN) is None
    async with database.read_only_session() as session:
        pid = await backend(session)
    with pytest.raises(InvalidDataError, match="time zone"):
        await read(database, GIVEN, moment=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(InvalidDataError):
        await read(database, select(bindparam("number", 2**70, type_=Kind.number.type)))
    async with database.read_only_session() as session:
        assert await backend(session) == pid


@pytest.mark.unhappy
async def test_what_is_wrong_with_a_statement_is_told_as_ever(database: Database) -> None:
    nothing: Select[Any] = select(column("a")).select_from(table("nothing", column("a")))
    async with database.read_only_session() as session:
        with pytest.raises(ProgrammingError, match="nothing"):
            await rows_of(session, Question(nothing, {}, is_kept=True))
    assert await read(database, ONE) is not None


@pytest.mark.unhappy
async def test_one_row_is_asked_for_and_there_are_none_or_two(database: Database) -> None:
    numbers = select(func.generate_series(1, bindparam("last", type_=Kind.number.type)))
    async with database.read_only_session() as session:
        none, two = (Question(numbers, {"last": last}, is_kept=True) for last in (0, 2))
        assert only(await rows_of(session, none)) is None
        assert await value_of(session, none) is None
        assert await value_of(session, two) == 1
        with pytest.raises(Exception, match="several rows"):
            only(await rows_of(session, two))


@pytest.mark.unhappy
async def test_a_statement_that_takes_too_long_ends_once(database: Database) -> None:
    told: list[str] = []

    def observer(operation: str, _of: str | None) -> Ended:
        told.append(operation)
        return lambda _: None

    async with Database(database.engine.url, statement_timeout=0.05) as hasty:
        await hasty.ping()
        with observe_operations(hasty.engine, observer), pytest.raises(QueryTimeoutError):
            await read(hasty, SLEEP)
    assert told == ["SELECT"]


@pytest.mark.unhappy
async def test_no_connection_is_free(database: Database) -> None:
    async with database.session() as session:
        await backend(session)
        with pytest.raises(PoolTimeoutError):
            await read(database, ONE)
    assert await read(database, ONE) is not None


@pytest.mark.unhappy
async def test_a_connection_lost_meanwhile_is_replaced_and_the_read_answered(
    database: Database, committed_database: Database
) -> None:
    async with database.read_only_session() as session:
        pid = await backend(session)
    async with committed_database.session() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    async with database.read_only_session() as session:
        assert await rows_of(session, Question(ONE, {}, is_kept=True)) == [(1,)]
        assert await backend(session) != pid


@pytest.mark.unhappy
async def test_a_server_that_is_gone_is_unavailable(database: Database) -> None:
    assert await read(database, ONE) is not None
    unreachable = Database(database.engine.url.set(query={}, host="localhost", port=1))
    unreachable.engine.dialect.server_version_info = (18, 0)  # as if it had been there
    async with unreachable:
        with pytest.raises(DatabaseUnavailableError):
            await read(unreachable, ONE)


@pytest.mark.unhappy
async def test_a_read_that_is_cancelled_leaves_no_connection_behind(database: Database) -> None:
    began, told = asyncio.Event(), list[object]()

    def observer(_operation: str, _of: str | None) -> Ended:
        began.set()
        return told.append

    async with database.read_only_session() as session:
        pid = await backend(session)
    with observe_operations(database.engine, observer):
        reading = asyncio.create_task(read(database, SLEEP))
        await began.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert told == ["CancelledError"]
    async with database.read_only_session() as session:
        assert await backend(session) != pid
    assert await read(database, select(bindparam("id", uuid7()))) is not None
