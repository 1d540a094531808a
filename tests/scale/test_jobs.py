"""Ten thousand jobs, of which many are rolled back, and workers that are killed while they run them"""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.scale.job_worker import write_down

from bedplate.database import Database
from bedplate.jobs import JobQueue
from bedplate.jobs.schema import create_jobs
from bedplate.unit_of_work import UnitOfWork, repository

JOBS = 10_000
WORKERS = 3
KILLS = 20
SEED = int(os.environ.get("SEED", "") or random.randrange(10**6))


class Work(UnitOfWork):
    jobs = repository(JobQueue)


def fill(url: str) -> None:
    async def create() -> None:
        async with Database(url) as database, database.engine.begin() as connection:
            await connection.run_sync(create_jobs)
            await connection.execute(text("CREATE TABLE cause (number int PRIMARY KEY)"))
            await connection.execute(text("CREATE TABLE done (number int)"))

    asyncio.run(create())


@pytest.fixture(scope="session")
def schema() -> Callable[[str], None]:
    return fill


class Crew:
    """Workers as processes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.workers = [self.begin() for _ in range(WORKERS)]

    def begin(self) -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("job_worker.py")
        return subprocess.Popen([sys.executable, str(script), self.url])

    def kill_one(self, chance: random.Random) -> None:
        """Kill any of them, and let another begin."""
        worker = self.workers.pop(chance.randrange(WORKERS))
        assert worker.poll() is None, "a worker has ended by itself"
        worker.kill()
        worker.wait()
        self.workers.append(self.begin())

    def end(self) -> list[int]:
        """Tell all to end, and give how they did."""
        for worker in self.workers:
            worker.terminate()
        return [worker.wait() for worker in self.workers]


@pytest.fixture
def crew(committed_database: Database) -> Iterator[Crew]:
    crew = Crew(committed_database.engine.url.render_as_string(hide_password=False))
    yield crew
    for worker in crew.workers:
        worker.kill()
        worker.wait()


async def numbers(database: Database, table: str) -> list[int]:
    async with database.session() as session:
        return list((await session.scalars(text(f"SELECT number FROM {table}"))).all())


async def enqueue(database: Database, batch: list[int], chance: random.Random) -> None:
    """Store causes with their jobs, in a transaction that ends one way or another."""
    fate = chance.choice(["commit", "commit", "commit", "leave", "raise", "savepoint"])
    with suppress(LookupError):
        async with Work(database) as uow:
            if fate == "savepoint":
                half, batch = batch[::2], batch[1::2]
                with suppress(LookupError):
                    async with uow.savepoint():
                        await store(uow, half)
                        raise LookupError
            await store(uow, batch)
            if fate == "raise":
                raise LookupError
            if fate != "leave":
                await uow.commit()


async def store(uow: Work, batch: list[int]) -> None:
    if batch:
        causes = [{"number": number} for number in batch]
        await uow.session.execute(text("INSERT INTO cause VALUES (:number)"), causes)
        await uow.jobs.enqueue_many(write_down, batch)


async def kill_along(crew: Crew, database: Database, chance: random.Random) -> None:
    """Kill a worker each time that a part of the jobs is done."""
    for kill in range(1, KILLS + 1):
        part = kill * JOBS // (3 * KILLS)
        while len(await numbers(database, "done")) < part:  # noqa: ASYNC110 - other processes do it
            await asyncio.sleep(0.05)
        crew.kill_one(chance)


@pytest.mark.unhappy
async def test_what_was_committed_runs_and_nothing_else(
    crew: Crew, committed_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    left = list(range(JOBS))
    killing = asyncio.create_task(kill_along(crew, committed_database, chance))
    async with asyncio.TaskGroup() as group:
        while left:
            size = chance.randint(1, 50)
            batch, left = left[:size], left[size:]
            group.create_task(enqueue(committed_database, batch, chance))
            await asyncio.sleep(0)
    committed = await numbers(committed_database, "cause")
    await killing
    while set(committed) - set(await numbers(committed_database, "done")):
        assert any(worker.poll() is None for worker in crew.workers)
        await asyncio.sleep(0.1)
    assert crew.end() == [0] * WORKERS
    done = await numbers(committed_database, "done")
    assert set(done) == set(committed)
    async with Work(committed_database) as uow:
        assert (await uow.jobs.waiting(), await uow.jobs.dead()) == ({}, [])
    with capsys.disabled():
        print(  # noqa: T201 - what a run has shown
            f"seed {SEED}: {JOBS} enqueued, {len(committed)} committed, all of them done;"
            f" {KILLS} workers killed, {len(done) - len(committed)} done twice"
        )
