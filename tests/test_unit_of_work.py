"""The unit of work: what is stored, what is undone, and what is called afterwards."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from sqlalchemy import MetaData, String, text
from sqlalchemy.orm import Mapped, mapped_column

from bedplate.database import Database
from bedplate.errors import (
    CommitOutcomeUnknownError,
    DatabaseUnavailableError,
    DuplicateError,
)
from bedplate.models import NAMING_CONVENTION, Base, UUIDv7Mixin
from bedplate.pagination import CursorCodec, CursorParams
from bedplate.repositories import Repository
from bedplate.unit_of_work import UnitOfWork, repository


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
    others = repository(NoteRepository)


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


async def texts(database: Database) -> list[str]:
    async with NoteWork(database) as uow:
        return [note.text for note in await uow.notes.list(order_by=[Note.text])]


async def test_what_is_committed_is_stored(committed_database: Database) -> None:
    uow = NoteWork(committed_database)
    async with uow:
        note = await uow.notes.add(Note(text="a"))
        await uow.commit()
        assert note.text == "a"
        await uow.notes.add(Note(text="b"))
        await uow.commit()
    async with uow:  # it can be entered again
        await uow.notes.delete(note)
        await uow.commit()
    assert note.text == "a"
    assert await texts(committed_database) == ["b"]


async def test_repositories_share_the_session_and_the_codec(database: Database) -> None:
    async with NoteWork(database, cursors=CursorCodec(32 * b"k")) as uow:
        assert uow.notes is uow.notes
        assert uow.notes is not uow.others
        assert uow.notes.session is uow.others.session is uow.session
        assert isinstance(uow.notes, NoteRepository)
        assert (await uow.notes.cursor_page(CursorParams())).items == []
    assert isinstance(NoteWork.notes, repository)


async def test_callbacks_run_once_after_the_commit(database: Database) -> None:
    calls: list[object] = []

    async def remember() -> None:
        calls.append(await texts(database))

    async with NoteWork(database) as uow:
        await uow.notes.add(Note(text="a"))
        uow.after_commit(remember)
        uow.after_commit(lambda: calls.append("plain"))
        assert calls == []
        await uow.commit()
        assert calls == [["a"], "plain"]
        await uow.commit()
    assert len(calls) == 2


async def test_the_connection_goes_back_with_the_commit(committed_database: Database) -> None:
    async with (
        Database(committed_database.engine.url, pool_size=1, pool_timeout=0.05) as database,
        NoteWork(database) as uow,
    ):
        await uow.notes.add(Note(text="a"))
        await uow.commit()
        assert await texts(database) == ["a"]


@pytest.mark.unhappy
async def test_leaving_without_commit_undoes(database: Database) -> None:
    async with NoteWork(database) as uow:
        await uow.notes.add(Note(text="a"))
    assert await texts(database) == []


@pytest.mark.unhappy
async def test_an_error_undoes_and_goes_on(database: Database) -> None:
    with pytest.raises(KeyError):  # noqa: PT012
        async with NoteWork(database) as uow:
            await uow.notes.add(Note(text="a"))
            raise KeyError
    assert await texts(database) == []


@pytest.mark.unhappy
async def test_rollback_undoes_back_to_the_last_commit(database: Database) -> None:
    async with NoteWork(database) as uow:
        await uow.notes.add(Note(text="a"))
        await uow.commit()
        await uow.notes.add(Note(text="b"))
        await uow.rollback()
        await uow.notes.add(Note(text="c"))
        await uow.commit()
    assert await texts(database) == ["a", "c"]


@pytest.mark.unhappy
async def test_a_savepoint_undoes_only_its_inside(database: Database) -> None:
    called: list[str] = []
    async with NoteWork(database) as uow:
        await uow.notes.add(Note(text="a"))
        uow.after_commit(lambda: called.append("outside"))
        with pytest.raises(DuplicateError):  # noqa: PT012
            async with uow.savepoint():
                uow.after_commit(lambda: called.append("inside"))
                await uow.notes.add(Note(text="b"))
                await uow.notes.add(Note(text="a"))
        async with uow.savepoint():
            await uow.notes.add(Note(text="c"))
            uow.after_commit(lambda: called.append("second"))
        await uow.commit()
    assert await texts(database) == ["a", "c"]
    assert called == ["outside", "second"]


@pytest.mark.unhappy
async def test_a_rollback_forgets_callbacks(database: Database) -> None:
    called: list[str] = []
    uow = NoteWork(database)
    async with uow:
        uow.after_commit(lambda: called.append("rolled back"))
        await uow.rollback()
        await uow.commit()
        uow.after_commit(lambda: called.append("left"))
    async with uow:
        await uow.commit()
    assert called == []


@pytest.mark.unhappy
async def test_a_failing_callback_is_logged_and_stops_no_other(
    database: Database, captured_logs: list[MutableMapping[str, Any]]
) -> None:
    called: list[str] = []

    async def fail() -> None:
        raise KeyError

    async with NoteWork(database) as uow:
        await uow.notes.add(Note(text="a"))
        uow.after_commit(fail)
        uow.after_commit(lambda: called.append("next"))
        await uow.commit()
    assert called == ["next"]
    assert [record["event"] for record in captured_logs] == ["after_commit_failed"]
    assert await texts(database) == ["a"]


@pytest.mark.unhappy
async def test_it_cannot_be_entered_twice_at_once(database: Database) -> None:
    uow = NoteWork(database)
    async with uow:
        with pytest.raises(RuntimeError, match="entered already"):
            async with uow:
                pass
        await uow.notes.add(Note(text="a"))
        await uow.commit()
    assert await texts(database) == ["a"]


@pytest.mark.unhappy
async def test_outside_it_gives_nothing(database: Database) -> None:
    uow = NoteWork(database)
    for use in (
        lambda: uow.session,
        lambda: uow.notes,
        lambda: uow.after_commit(lambda: None),
    ):
        with pytest.raises(RuntimeError, match="not entered"):
            use()
    with pytest.raises(RuntimeError, match="not entered"):
        await uow.commit()
    async with uow:
        kept = uow.notes
    assert kept is not None
    with pytest.raises(RuntimeError, match="not entered"):
        _ = uow.notes


@pytest.mark.unhappy
async def test_a_cancelled_unit_is_undone_and_gives_its_connection_back(
    committed_database: Database,
) -> None:
    async with Database(committed_database.engine.url, pool_size=1, pool_timeout=5) as database:
        started = asyncio.Event()

        async def work() -> None:
            async with NoteWork(database) as uow:
                await uow.notes.add(Note(text="a"))
                started.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await texts(database) == []


@pytest.mark.unhappy
async def test_a_unit_cancelled_twice_gives_its_connection_back(
    committed_database: Database,
) -> None:
    async with Database(committed_database.engine.url, pool_size=1, pool_timeout=5) as database:
        started = asyncio.Event()

        async def work() -> None:
            async with NoteWork(database) as uow:
                await uow.notes.add(Note(text="a"))
                started.set()
                await uow.session.execute(text("SELECT pg_sleep(30)"))

        task = asyncio.create_task(work())
        await started.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await texts(database) == []


@pytest.mark.unhappy
async def test_cancelling_the_way_out_does_not_stop_the_rollback(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    uow = NoteWork(database)
    leaving, go_on, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with uow:
            await uow.notes.add(Note(text="a"))
            close = uow.session.close

            async def close_slowly() -> None:
                leaving.set()
                await go_on.wait()
                await close()
                closed.set()

            monkeypatch.setattr(uow.session, "close", close_slowly)

    task = asyncio.create_task(work())
    await leaving.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await asyncio.wait_for(closed.wait(), 5)
    assert await texts(database) == []


@pytest.mark.unhappy
async def test_a_lost_connection_during_commit_is_an_unknown_outcome(
    committed_database: Database,
) -> None:
    called: list[str] = []
    async with Database(committed_database.engine.url, pool_size=1) as database:
        with pytest.raises(CommitOutcomeUnknownError):  # noqa: PT012
            async with NoteWork(database) as uow:
                await uow.notes.add(Note(text="a"))
                uow.after_commit(lambda: called.append("stored"))
                pid = await uow.session.scalar(text("SELECT pg_backend_pid()"))
                async with committed_database.session() as other:
                    end = text("SELECT pg_terminate_backend(:pid, 5000)")
                    await other.execute(end, {"pid": pid})
                await uow.commit()
        assert called == []
        async with NoteWork(database) as again:
            await again.notes.add(Note(text="b"))
            await again.commit()
    assert await texts(committed_database) == ["b"]


@pytest.mark.unhappy
async def test_a_lost_connection_does_not_hide_what_came_first(
    committed_database: Database,
) -> None:
    async with Database(committed_database.engine.url, pool_size=1) as database:
        with pytest.raises(KeyError):  # noqa: PT012
            async with NoteWork(database) as uow:
                pid = await uow.session.scalar(text("SELECT pg_backend_pid()"))
                async with committed_database.session() as other:
                    end = text("SELECT pg_terminate_backend(:pid, 5000)")
                    await other.execute(end, {"pid": pid})
                raise KeyError
        assert await texts(database) == []


@pytest.mark.unhappy
async def test_a_database_that_is_down_is_found_at_the_first_statement() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    async with nowhere as database, NoteWork(database) as uow:
        with pytest.raises(DatabaseUnavailableError):
            await uow.notes.list()
        await uow.commit()  # there is nothing to commit
