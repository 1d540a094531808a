"""bedplate.jobs.queue"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.jobs.conftest import Desk, Letter, Note, NoteUnitOfWork

from bedplate.database import Database
from bedplate.jobs import Job, Jobs, Worker
from bedplate.jobs.schema import drop_jobs

type MakeWorker = Callable[..., Worker[Desk]]


@pytest.fixture
def send(jobs: Jobs[Desk]) -> Job[Letter, Desk]:
    @jobs.job("send")
    async def send(letter: Letter, desk: Desk) -> None:
        desk.done.append(letter.note)

    return send


async def test_a_job_runs_once_its_transaction_has_committed(
    uow: NoteUnitOfWork, send: Job[Letter, Desk], desk: Desk, worker: MakeWorker
) -> None:
    async with uow:
        note = await uow.notes.add(Note(text="hello"))
        number = await uow.jobs.enqueue(send, Letter(note=note.text))
        assert number is not None
        await worker().run_waiting()
        assert desk.done == []
        await uow.commit()
    await worker().run_waiting()
    assert desk.done == ["hello"]
    assert not desk.opened
    await worker().run_waiting()
    assert desk.done == ["hello"]


async def test_many_jobs_are_one_statement(
    uow: NoteUnitOfWork,
    send: Job[Letter, Desk],
    desk: Desk,
    worker: MakeWorker,
    committed_database: Database,
    count_statements: Callable[..., object],
) -> None:
    async with uow:
        with count_statements(committed_database) as sent:  # type: ignore[attr-defined]
            numbers = await uow.jobs.enqueue_many(send, [Letter(note=str(n)) for n in range(50)])
            assert await uow.jobs.enqueue_many(send, []) == []
        assert len(sent) == 1
        assert len(set(numbers)) == 50
        assert await uow.jobs.waiting() == {"send": 50}
        await uow.commit()
    await worker(concurrency=4).run_waiting()
    assert sorted(desk.done, key=int) == [str(n) for n in range(50)]


@pytest.mark.unhappy
async def test_a_transaction_that_rolls_back_leaves_no_job(
    uow: NoteUnitOfWork, send: Job[Letter, Desk], desk: Desk, worker: MakeWorker
) -> None:
    async with uow:
        await uow.jobs.enqueue(send, Letter(note="never"))
    with suppress(LookupError):
        async with uow:
            await uow.jobs.enqueue(send, Letter(note="never"))
            raise LookupError
    async with uow:
        with suppress(LookupError):
            async with uow.savepoint():
                await uow.jobs.enqueue(send, Letter(note="never"))
                raise LookupError
        await uow.jobs.enqueue(send, Letter(note="after all"))
        await uow.commit()
    await worker().run_waiting()
    assert desk.done == ["after all"]


@pytest.mark.unhappy
async def test_a_key_is_there_once_until_its_job_is_done(
    uow: NoteUnitOfWork, send: Job[Letter, Desk], desk: Desk, worker: MakeWorker
) -> None:
    async with uow:
        assert await uow.jobs.enqueue(send, Letter(note="1"), unique_key="k") is not None
        assert await uow.jobs.enqueue(send, Letter(note="2"), unique_key="k") is None
        assert await uow.jobs.enqueue(send, Letter(note="3"), unique_key="other") is not None
        await uow.commit()
    await worker().run_waiting()
    assert sorted(desk.done) == ["1", "3"]
    async with uow:
        assert await uow.jobs.enqueue(send, Letter(note="4"), unique_key="k") is not None


@pytest.mark.unhappy
async def test_what_only_reads_enqueues_nothing(
    uow: NoteUnitOfWork, send: Job[Letter, Desk]
) -> None:
    async with uow.read_only() as reading:
        with pytest.raises(RuntimeError, match="only reads"):
            await reading.jobs.enqueue(send, Letter(note="no"))


@pytest.mark.unhappy
async def test_a_job_that_is_due_later_waits(
    uow: NoteUnitOfWork, send: Job[Letter, Desk], committed_database: Database
) -> None:
    async with uow:
        await uow.jobs.enqueue(send, Letter(note="later"), delay=timedelta(days=1), priority=3)
        await uow.commit()
    async with committed_database.session() as session:
        due = await session.scalar(
            text("SELECT execute_after > now() + interval '23 hours' FROM jobs.pgqueuer")
        )
        assert due is True


@pytest.mark.unhappy
async def test_the_tables_go_as_they_came(committed_database: Database) -> None:
    async with committed_database.engine.begin() as connection:
        await connection.run_sync(drop_jobs)
        left = await connection.scalar(
            text("SELECT count(*) FROM pg_namespace WHERE nspname = 'jobs'")
        )
    assert left == 0
