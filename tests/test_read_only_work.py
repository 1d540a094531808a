"""Units of work that only read: one round trip, or one state; and nothing is written."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import (
    MetaData,
    Sequence,
    String,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import CreateSequence

from bedplate.database import Database
from bedplate.errors import InvalidDataError
from bedplate.models import NAMING_CONVENTION, Base, UUIDv7Mixin, uuid7
from bedplate.repositories import Repository
from bedplate.unit_of_work import UnitOfWork, repository

type Counter = Callable[[Database], AbstractContextManager[list[str]]]
type Attempt = Callable[["NoteWork"], Any]


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Note(UUIDv7Mixin, Model):
    __tablename__ = "notes"
    text: Mapped[str] = mapped_column(String(20), unique=True)


class NoteRepository(Repository[Note]):
    model = Note


class NoteWork(UnitOfWork):
    notes = repository(NoteRepository)


COUNTER = Sequence("counter", metadata=Model.metadata)
STATE = "SELECT state FROM pg_stat_activity WHERE pid = :pid"


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def single(committed_database: Database) -> AsyncIterator[Database]:
    """Whoever comes next gets the connection of whoever was before."""
    async with Database(committed_database.engine.url, pool_size=1, pool_timeout=5) as made:
        yield made


async def store(database: Database, *texts: str) -> None:
    async with NoteWork(database) as uow:
        await uow.notes.add_many({"text": text} for text in texts)
        await uow.commit()


async def state_on_server(uow: NoteWork, database: Database) -> tuple[str, str, str]:
    """Tell isolation and mode of a unit's statements, and the state it leaves its connection in."""
    setting = func.current_setting
    columns = setting("transaction_isolation"), setting("transaction_read_only")
    row = (await uow.session.execute(select(*columns, func.pg_backend_pid()))).one()
    async with database.session() as session:
        state = await session.scalar(text(STATE), {"pid": row[2]})
    return row[0], row[1], state


async def test_a_read_only_unit_begins_no_transaction(committed_database: Database) -> None:
    await store(committed_database, "a")
    async with NoteWork(committed_database).read_only() as uow:
        assert isinstance(uow, NoteWork)
        assert [note.text for note in await uow.notes.list()] == ["a"]
        state = await state_on_server(uow, committed_database)
    assert state == ("read committed", "off", "idle")


async def test_a_snapshot_is_one_transaction_that_the_server_keeps_from_writing(
    committed_database: Database,
) -> None:
    async with NoteWork(committed_database).snapshot() as uow:
        state = await state_on_server(uow, committed_database)
    assert state == ("repeatable read", "on", "idle in transaction")


@pytest.mark.unhappy
async def test_a_snapshot_sees_one_state_and_single_reads_the_newest(
    committed_database: Database,
) -> None:
    await store(committed_database, "a")
    work = NoteWork(committed_database)
    async with work.snapshot() as snapshot, work.read_only() as newest:
        assert (await snapshot.notes.count(), await newest.notes.count()) == (1, 1)
        await store(committed_database, "b")
        assert (await snapshot.notes.count(), await newest.notes.count()) == (1, 2)
        await snapshot.rollback()  # the next read begins another snapshot
        assert await snapshot.notes.count() == 2


async def test_statements_are_counted_and_the_test_sees_its_own_rows(
    database: Database, committed_database: Database, count_statements: Counter
) -> None:
    async with NoteWork(database) as uow:
        note = await uow.notes.add(Note(text="a"))
        await uow.commit()
    for unit in (NoteWork(database).read_only(), NoteWork(database).snapshot()):
        with count_statements(database) as statements:
            async with unit as uow:
                assert (await uow.notes.get(note.id)).text == "a"
        assert len(statements) == 1
    with count_statements(committed_database) as statements:
        async with NoteWork(committed_database).read_only() as uow:
            await uow.notes.list()
            await uow.session.execute(text("SELECT 'insert into', \"text\" FROM notes"))
    assert len(statements) == 2


async def change_an_entity(uow: NoteWork) -> None:
    note = await uow.notes.one()
    note.text = "changed"
    await uow.notes.list()


async def delete_an_entity(uow: NoteWork) -> None:
    await uow.session.delete(await uow.notes.one())
    await uow.session.flush()


async def register_a_callback(uow: NoteWork) -> None:
    uow.after_commit(lambda: None)


ATTEMPTS: dict[str, Attempt] = {
    "add": lambda uow: uow.notes.add(Note(text="b")),
    "add_many": lambda uow: uow.notes.add_many([{"text": "b"}]),
    "update": lambda uow: uow.notes.update(uuid7(), {"text": "b"}),
    "update_where": lambda uow: uow.notes.update_where({"text": "b"}, Note.text == "a"),
    "delete": lambda uow: uow.notes.delete(uuid7()),
    "delete_where": lambda uow: uow.notes.delete_where(Note.text == "a"),
    "locked": lambda uow: uow.notes.locked().list(),
    "locked projection": lambda uow: uow.notes.select_columns(Note.id).locked().list(),
    "changed entity": change_an_entity,
    "deleted entity": delete_an_entity,
    "insert": lambda uow: uow.session.execute(insert(Note).values(text="b")),
    "update statement": lambda uow: uow.session.execute(update(Note).values(text="b")),
    "delete statement": lambda uow: uow.session.execute(delete(Note)),
    "ddl": lambda uow: uow.session.execute(CreateSequence(Sequence("another"))),
    "text": lambda uow: uow.session.execute(text("DELETE FROM notes")),
    "text with": lambda uow: uow.session.execute(
        text("WITH gone AS (DELETE FROM notes RETURNING id) SELECT * FROM gone")
    ),
    "text lock": lambda uow: uow.session.execute(text("SELECT 1 FROM notes FOR KEY SHARE")),
    "text into": lambda uow: uow.session.execute(text("SELECT 1 AS one INTO another")),
    "text behind a comment": lambda uow: uow.session.execute(
        text(
            "WITH gone AS (-- isn't it\nDELETE FROM notes /* ' */ RETURNING id) SELECT * FROM gone"
        )
    ),
}
COMMITS: dict[str, Attempt] = {
    "commit": lambda uow: uow.commit(),
    "after_commit": register_a_callback,
    "savepoint": lambda uow: uow.savepoint().__aenter__(),
}
UNITS: dict[str, Callable[[NoteWork], NoteWork]] = {
    "read_only": NoteWork.read_only,
    "latest": NoteWork.latest,
    "snapshot": NoteWork.snapshot,
}


@pytest.mark.unhappy
@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
async def test_what_would_write_is_refused_in_a_test(
    unit: Callable[[NoteWork], NoteWork],
    attempt: Attempt,
    database: Database,
    count_statements: Counter,
) -> None:
    await store(database, "a")
    with count_statements(database) as statements:
        async with unit(NoteWork(database)) as uow:
            with pytest.raises(RuntimeError, match=r"^this only reads: .+ is refused$"):
                await attempt(uow)
    assert [sent for sent in statements if not sent.startswith("SELECT notes.id")] == []


@pytest.mark.unhappy
async def test_what_would_write_is_refused_before_it_is_sent(
    committed_database: Database, count_statements: Counter
) -> None:
    await store(committed_database, "a")
    for unit in UNITS.values():
        for name, attempt in ATTEMPTS.items():
            with count_statements(committed_database) as statements:
                async with unit(NoteWork(committed_database)) as uow:
                    with pytest.raises(RuntimeError, match="this only reads"):
                        await attempt(uow)
            sent = [sent for sent in statements if not sent.startswith("SELECT notes.id")]
            assert sent == [], name
    async with NoteWork(committed_database) as uow:
        assert (await uow.notes.one()).text == "a"


@pytest.mark.unhappy
async def test_nothing_writes_by_the_way_of_the_connection(committed_database: Database) -> None:
    await store(committed_database, "a")
    gone = delete(Note).returning(Note.id).cte("gone")
    for unit in UNITS.values():
        for statement in (
            insert(Note).values(text="b"),
            select(gone.c.id),
            text("UPDATE notes SET text = 'b'"),
            CreateSequence(Sequence("another")),
        ):
            async with unit(NoteWork(committed_database)) as uow:
                connection = await uow.session.connection()
                with pytest.raises(RuntimeError, match="this only reads"):
                    await connection.execute(statement)
        async with unit(NoteWork(committed_database)) as uow:
            with pytest.raises(RuntimeError, match="this only reads: a WITH that changes rows"):
                await uow.session.execute(select(gone.c.id))
            connection = await uow.session.connection()
            with pytest.raises(RuntimeError, match="this only reads"):
                await connection.exec_driver_sql("DELETE FROM notes")
    async with NoteWork(committed_database) as uow:
        assert (await uow.notes.one()).text == "a"


@pytest.mark.unhappy
@pytest.mark.parametrize("attempt", COMMITS.values(), ids=COMMITS.keys())
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
async def test_there_is_nothing_to_commit(
    unit: Callable[[NoteWork], NoteWork], attempt: Attempt, database: Database
) -> None:
    async with unit(NoteWork(database)) as uow:
        with pytest.raises(RuntimeError, match=r"^this unit of work only reads"):
            await attempt(uow)


@pytest.mark.unhappy
async def test_a_unit_that_reads_is_another_than_the_one_that_writes(database: Database) -> None:
    async with NoteWork(database) as uow:
        await uow.notes.add(Note(text="a"))
        reading = uow.read_only()
        with pytest.raises(RuntimeError, match="not entered"):
            _ = reading.session
        async with reading:
            assert reading.notes is not uow.notes
            assert reading.session is not uow.session
        await uow.commit()
        assert await uow.notes.count() == 1


@pytest.mark.unhappy
async def test_what_a_function_writes_only_the_server_refuses(
    committed_database: Database,
) -> None:
    async with NoteWork(committed_database).snapshot() as uow:
        with pytest.raises(DBAPIError) as info:
            await uow.session.scalar(select(COUNTER.next_value()))
    assert getattr(info.value.orig, "sqlstate", None) == "25006"


@pytest.mark.unhappy
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
@pytest.mark.parametrize("end", ["well", "refused", "error", "cancelled"])
async def test_the_next_one_gets_a_connection_that_writes_in_a_transaction(
    unit: Callable[[NoteWork], NoteWork], end: str, single: Database
) -> None:
    await store(single, "a")
    uow = unit(NoteWork(single))

    async def read() -> None:
        async with uow:
            await uow.notes.one()
            if end == "refused":
                await uow.notes.delete_where(Note.text == "a")
            elif end == "error":
                await uow.session.scalar(select(literal_column("'x'::integer")))
            elif end == "cancelled":
                asyncio.get_running_loop().call_later(0.05, reading.cancel)
                await uow.session.scalar(select(func.pg_sleep(60)))

    reading = asyncio.ensure_future(read())
    (result,) = await asyncio.gather(reading, return_exceptions=True)
    expected = {
        "well": type(None),
        "refused": RuntimeError,
        "error": InvalidDataError,
        "cancelled": asyncio.CancelledError,
    }
    assert isinstance(result, expected[end]), result
    async with NoteWork(single) as work:
        assert await state_on_server_alone(work) == ("read committed", "off")
        await work.notes.add(Note(text="b"))
        await work.notes.update_where({"text": "c"}, Note.text == "a")
    async with NoteWork(single) as work:
        assert (await work.notes.one()).text == "a"


async def state_on_server_alone(uow: NoteWork) -> tuple[str, str]:
    setting = func.current_setting
    columns = setting("transaction_isolation"), setting("transaction_read_only")
    row = (await uow.session.execute(select(*columns))).one()
    return row[0], row[1]
