"""bedplate.jobs.listening: what a worker tells of its work"""

import asyncio
from collections.abc import Callable, Mapping

import pytest
from tests.jobs.conftest import SOON, Desk, Letter, NoteUnitOfWork

from bedplate.jobs import GiveUpError, Job, Jobs, Worker
from bedplate.jobs.listening import Backlog, Outcome

type MakeWorker = Callable[..., Worker[Desk]]


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.backlog: dict[str, Backlog] = {}
        self.asked = asyncio.Event()

    def began(self, job: str) -> None:
        self.told.append((job, "began"))

    def ended(self, job: str, outcome: Outcome, seconds: float) -> None:
        assert seconds >= 0
        self.told.append((job, outcome.value))

    def measured(self, backlog: Mapping[str, Backlog]) -> None:
        self.backlog = dict(backlog)
        self.asked.set()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def send(jobs: Jobs[Desk]) -> Job[Letter, Desk]:
    @jobs.job("send", retry=SOON)
    async def send(letter: Letter, desk: Desk) -> None:
        desk.tried.append(letter.note)
        if letter.gives_up:
            raise GiveUpError
        if desk.tried.count(letter.note) <= letter.fails:
            raise LookupError
        desk.reached.set()
        await desk.gate.wait()

    return send


async def enqueue(uow: NoteUnitOfWork, job: Job[Letter, Desk], *letters: Letter) -> None:
    async with uow:
        await uow.jobs.enqueue_many(job, list(letters))
        await uow.commit()


async def test_a_job_that_is_done_is_told_and_so_is_what_waits(
    uow: NoteUnitOfWork,
    send: Job[Letter, Desk],
    desk: Desk,
    worker: MakeWorker,
    listener: Listener,
) -> None:
    started = worker(listener=listener)
    ready = [started.ready]
    running = asyncio.create_task(started.run())
    await listener.asked.wait()
    ready.append(started.ready)
    assert listener.backlog == {"send": Backlog()}
    await enqueue(uow, send, Letter(note="a"))
    await desk.reached.wait()
    desk.gate.set()
    started.stop()
    ready.append(started.ready)
    await running
    assert ready == [False, True, False]
    assert listener.told == [("send", "began"), ("send", "done")]


@pytest.mark.unhappy
async def test_failures_are_told_by_what_becomes_of_them(
    uow: NoteUnitOfWork,
    send: Job[Letter, Desk],
    desk: Desk,
    worker: MakeWorker,
    listener: Listener,
) -> None:
    desk.gate.set()
    await enqueue(uow, send, Letter(note="once", fails=1))
    await worker(listener=listener).run_waiting()
    assert [what for _, what in listener.told] == ["began", "retried", "began", "done"]
    listener.told.clear()
    await enqueue(uow, send, Letter(note="never", gives_up=True), Letter(note="hopeless", fails=9))
    await worker(listener=listener).run_waiting()
    outcomes = [what for _, what in listener.told if what != "began"]
    assert sorted(outcomes) == ["dead", "dead", "retried", "retried"]


@pytest.mark.unhappy
async def test_what_is_interrupted_waits_and_what_is_dead_is_counted(
    uow: NoteUnitOfWork,
    send: Job[Letter, Desk],
    desk: Desk,
    worker: MakeWorker,
    listener: Listener,
) -> None:
    await enqueue(uow, send, Letter(note="never", gives_up=True))
    await worker().run_waiting()
    await enqueue(uow, send, Letter(note="long"))
    started = worker(listener=listener, grace=0.01)
    running = asyncio.create_task(started.run())
    await desk.reached.wait()
    await listener.asked.wait()
    assert listener.backlog["send"].dead == 1
    started.stop()
    await running
    assert listener.told == [("send", "began"), ("send", "given_back")]
    listener.asked.clear()
    desk.gate.set()
    again = worker(listener=listener)
    desk.reached.clear()
    running = asyncio.create_task(again.run())
    await desk.reached.wait()
    again.stop()
    await running
    assert listener.told[2:] == [("send", "began"), ("send", "done")]


@pytest.mark.unhappy
async def test_a_schedule_that_fails_is_told(
    jobs: Jobs[Desk], desk: Desk, listener: Listener
) -> None:
    from bedplate.jobs.execution import run_schedule

    @jobs.schedule("sweep", "* * * * *")
    async def sweep(_desk: Desk) -> None:
        raise LookupError

    await run_schedule(sweep, desk, listener)
    assert listener.told == [("sweep", "began"), ("sweep", "dead")]
