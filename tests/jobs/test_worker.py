"""bedplate.jobs.worker and what it does with one job"""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text
from tests.jobs.conftest import SOON, Desk, Letter, NoteUnitOfWork, records

from bedplate.context import RequestContext, current_context, request_context
from bedplate.database import Database
from bedplate.errors import ConfigurationError
from bedplate.jobs import GiveUpError, Job, Jobs, Worker
from bedplate.jobs.schema import drop_jobs
from bedplate.logging import get_logger

type MakeWorker = Callable[..., Worker[Desk]]

SECRET = "canary-4711"


@pytest.fixture
def send(jobs: Jobs[Desk]) -> Job[Letter, Desk]:
    @jobs.job("send", retry=SOON)
    async def send(letter: Letter, desk: Desk) -> None:
        desk.tried.append(letter.note)
        if letter.gives_up:
            raise GiveUpError(SECRET)
        if desk.tried.count(letter.note) <= letter.fails:
            raise LookupError(SECRET)
        context = current_context()
        assert context is not None
        get_logger("letters").info("letter_sent")
        desk.done.append(context.request_id)

    return send


async def enqueue(uow: NoteUnitOfWork, job: Job[Letter, Desk], *letters: Letter) -> None:
    async with uow:
        for letter in letters:
            await uow.jobs.enqueue(job, letter)
        await uow.commit()


async def test_a_job_carries_the_request_that_caused_it(
    uow: NoteUnitOfWork,
    send: Job[Letter, Desk],
    desk: Desk,
    worker: MakeWorker,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with request_context(RequestContext("request-0815", traceparent="00-a-b-01")):
        await enqueue(uow, send, Letter(note="a"))
    await enqueue(uow, send, Letter(note="b"))
    with records(capsys) as told:
        await worker().run_waiting()
    assert desk.done[0] == "request-0815"
    assert len(desk.done[1]) == 32
    of_request = [record for record in told if record.get("request_id") == "request-0815"]
    assert [record["event"] for record in of_request] == ["letter_sent", "job_done"]
    assert {record["job"] for record in of_request} == {"send"}


async def test_it_runs_jobs_as_they_come_until_it_is_stopped(
    uow: NoteUnitOfWork, jobs: Jobs[Desk], desk: Desk, worker: MakeWorker
) -> None:
    @jobs.job("wait")
    async def wait(letter: Letter, desk: Desk) -> None:
        desk.reached.set()
        await desk.gate.wait()
        desk.done.append(letter.note)

    started = worker()
    running = asyncio.create_task(started.run())
    await enqueue(uow, wait, Letter(note="a"))
    await desk.reached.wait()
    started.stop()
    desk.gate.set()
    await running
    assert desk.done == ["a"]


async def test_a_schedule_is_kept_by_one_worker_at_a_time(
    jobs: Jobs[Desk], desk: Desk, worker: MakeWorker, committed_database: Database
) -> None:
    @jobs.schedule("sweep", "* * * * *")
    async def sweep(desk: Desk) -> None:
        desk.done.append("swept")
        desk.reached.set()
        raise LookupError(SECRET)

    first = worker()
    running = [asyncio.create_task(first.run())]
    due = text(
        "UPDATE jobs.pgqueuer_schedules SET next_run = now() - interval '1 hour' RETURNING id"
    )
    async with committed_database.session() as session:
        while not (await session.scalars(due)).all():
            await session.commit()
        first.stop()
        await running.pop()
        await session.commit()
    started = [worker(), worker()]
    running = [asyncio.create_task(one.run()) for one in started]
    await desk.reached.wait()
    for one in started:
        one.stop()
    await asyncio.gather(*running)
    assert desk.done == ["swept"]


@pytest.mark.unhappy
async def test_what_fails_is_tried_again_and_nobody_stores_why(
    uow: NoteUnitOfWork,
    send: Job[Letter, Desk],
    desk: Desk,
    worker: MakeWorker,
    committed_database: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await enqueue(uow, send, Letter(note="twice", fails=2), Letter(note="always", fails=99))
    with records(capsys) as told:
        await worker().run_waiting()
    assert desk.tried.count("twice") == 3
    assert desk.tried.count("always") == 3
    assert len(desk.done) == 1
    events = [record["event"] for record in told if record["event"] != "letter_sent"]
    assert sorted(events) == ["job_dead", "job_done", *["job_will_be_tried_again"] * 4]
    errors = [record for record in told if record["level"] == "error"]
    assert [(e["event"], e["error_type"], e["attempt"]) for e in errors] == [
        ("job_dead", "LookupError", 3)
    ]
    async with committed_database.session() as session:
        stored = await session.scalar(
            text("SELECT string_agg(traceback::text, '') FROM jobs.pgqueuer_log")
        )
    assert stored is not None
    assert SECRET not in stored


@pytest.mark.unhappy
async def test_a_dead_job_is_kept_and_can_be_revived(
    uow: NoteUnitOfWork, send: Job[Letter, Desk], desk: Desk, worker: MakeWorker
) -> None:
    await enqueue(uow, send, Letter(note="a", gives_up=True), Letter(note="b", fails=3))
    await worker().run_waiting()
    assert desk.tried.count("a") == 1
    async with uow:
        dead = await uow.jobs.dead()
        assert sorted((job.name, job.attempts) for job in dead) == [("send", 1), ("send", 3)]
        assert await uow.jobs.waiting() == {}
        await uow.jobs.revive(*[job.id for job in dead])
        await uow.commit()
    await worker().run_waiting()
    async with uow:
        assert len(await uow.jobs.dead()) == 1
    assert len(desk.done) == 1


@pytest.mark.unhappy
async def test_a_payload_of_another_version_is_a_dead_job(
    uow: NoteUnitOfWork,
    jobs: Jobs[Desk],
    send: Job[Letter, Desk],
    desk: Desk,
    worker: MakeWorker,
    committed_database: Database,
) -> None:
    await enqueue(uow, send, Letter(note="a"), Letter(note="b"))
    async with committed_database.engine.begin() as connection:
        await connection.execute(
            text("UPDATE jobs.pgqueuer SET payload = convert_to('[1]', 'UTF8') WHERE id % 2 = 0")
        )
    await worker().run_waiting()
    async with uow:
        assert [job.attempts for job in await uow.jobs.dead()] == [1]
    assert len(desk.done) == 1


@pytest.mark.unhappy
async def test_jobs_that_do_not_end_in_time_go_back_to_the_queue(
    uow: NoteUnitOfWork, jobs: Jobs[Desk], desk: Desk, worker: MakeWorker
) -> None:
    @jobs.job("wait")
    async def wait(letter: Letter, desk: Desk) -> None:
        desk.tried.append(letter.note)
        desk.reached.set()
        await desk.gate.wait()
        desk.done.append(letter.note)

    started = worker(grace=0.01)
    running = asyncio.create_task(started.run())
    await enqueue(uow, wait, Letter(note="a"))
    await desk.reached.wait()
    started.stop()
    await running
    assert desk.done == []
    async with uow:
        assert await uow.jobs.waiting() == {"wait": 1}
    desk.gate.set()
    await worker().run_waiting()
    assert desk.tried == ["a", "a"]
    assert desk.done == ["a"]


@pytest.mark.unhappy
async def test_without_tables_it_says_what_is_missing(
    worker: MakeWorker, desk: Desk, committed_database: Database
) -> None:
    async with committed_database.engine.begin() as connection:
        await connection.run_sync(drop_jobs)
    with pytest.raises(ConfigurationError, match="create_jobs"):
        await worker().run()
    assert not desk.opened


@pytest.mark.unhappy
async def test_a_lost_connection_is_made_anew(
    uow: NoteUnitOfWork,
    send: Job[Letter, Desk],
    desk: Desk,
    worker: MakeWorker,
    committed_database: Database,
) -> None:
    started = worker()
    running = asyncio.create_task(started.run())
    listening = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query ILIKE '%pgqueuer%' AND pid <> pg_backend_pid()"
    )
    ended = 0
    while ended < 2:  # also the one that it made anew
        async with committed_database.session() as session:
            ended += len((await session.execute(listening)).all())
        await asyncio.sleep(0.05)
    await enqueue(uow, send, Letter(note="a"))
    while not desk.done:
        assert not running.done()
        await asyncio.sleep(0.01)
    started.stop()
    await running


@pytest.mark.unhappy
async def test_a_database_that_is_away_is_waited_for_until_it_is_stopped(
    jobs: Jobs[Desk], desk: Desk
) -> None:
    away = Worker(jobs, "postgresql://nobody@127.0.0.1:1/nothing", desk.open)
    running = asyncio.create_task(away.run())
    await desk.ready.wait()
    await asyncio.sleep(0.01)
    assert not running.done()
    away.stop()
    await running


@pytest.mark.unhappy
def test_too_little_to_do_at_once_is_refused(jobs: Jobs[Desk], desk: Desk) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        Worker(jobs, "postgresql://localhost/a", desk.open, concurrency=1)
    with pytest.raises(ConfigurationError):
        Worker(jobs, "mysql://localhost/a", desk.open)
