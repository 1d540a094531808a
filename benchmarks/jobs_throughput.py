"""Background jobs per second, enqueued and run: bedplate beside the bare PgQueuer that it is built on."""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import asyncpg
from _data_server import empty_database
from _machine import facts
from pgqueuer import AsyncpgDriver, Job, Queries, QueueManager
from pgqueuer.domain.types import QueueExecutionMode
from sqlalchemy import URL, text

from bedplate.database import Database
from bedplate.jobs import JobQueue, Jobs, Worker
from bedplate.jobs.engine import queries_on
from bedplate.jobs.schema import create_jobs
from bedplate.logging import configure_logging
from bedplate.unit_of_work import UnitOfWork, repository

CONCURRENCY = 20
BATCH = CONCURRENCY // 2
BATCHED = 500
GOALS = {"enqueue one": 3.0, "enqueue many": 1.5, "run": 1.5}
"""How many times as long as bare PgQueuer a job may take."""


@dataclass
class Done:
    """What the handlers share: how many jobs were run."""

    count: int = 0


jobs: Jobs[Done] = Jobs()


@jobs.job("note")
async def note(_number: int, done: Done) -> None:
    done.count += 1


class Work(UnitOfWork):
    jobs = repository(JobQueue)


@dataclass(frozen=True)
class Measured:
    """Seconds for one job in each round, by operation and way."""

    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    async def take(
        self, operation: str, way: str, count: int, act: Callable[[], Awaitable[object]]
    ) -> None:
        begin = perf_counter()
        await act()
        self.seconds.setdefault((operation, way), []).append((perf_counter() - begin) / count)

    def rates(self, operation: str) -> dict[str, float]:
        return {
            way: 1 / statistics.median(taken)
            for (of, way), taken in self.seconds.items()
            if of == operation
        }

    def ratio(self, operation: str) -> float:
        """Give how many times as long as the bare engine a job takes: the median of the rounds."""
        pairs = zip(
            self.seconds[operation, "bedplate"], self.seconds[operation, "pgqueuer"], strict=True
        )
        return statistics.median(ours / theirs for ours, theirs in pairs)


@dataclass(frozen=True)
class Bench:
    """Both ways on one database, whose queue is empty between two operations."""

    database: Database
    url: str
    plain: asyncpg.Connection

    async def one_by_one_bedplate(self, count: int) -> None:
        """A unit of work for each job, as a request has it."""
        for number in range(count):
            async with Work(self.database) as uow:
                await uow.jobs.enqueue(note, number)
                await uow.commit()

    async def one_by_one_pgqueuer(self, count: int) -> None:
        """A transaction for each job, on a connection that is open already."""
        queries = self.queries(self.plain)
        for number in range(count):
            async with self.plain.transaction():
                await queries.enqueue("note", b"%d" % number)

    async def many_bedplate(self, count: int) -> None:
        async with Work(self.database) as uow:
            for begin in range(0, count, BATCHED):
                await uow.jobs.enqueue_many(note, list(range(begin, min(begin + BATCHED, count))))
            await uow.commit()

    async def many_pgqueuer(self, count: int) -> None:
        queries = self.queries(self.plain)
        async with self.plain.transaction():
            for begin in range(0, count, BATCHED):
                payloads = [b"%d" % number for number in range(begin, min(begin + BATCHED, count))]
                size = len(payloads)
                await queries.enqueue(["note"] * size, payloads, [0] * size)

    async def run_bedplate(self, count: int) -> None:
        done = Done()

        @asynccontextmanager
        async def shared() -> AsyncIterator[Done]:
            yield done

        await Worker(jobs, self.url, shared, concurrency=CONCURRENCY).run_waiting()
        assert done.count == count, done

    async def run_pgqueuer(self, count: int) -> None:
        done = Done()
        connection = await asyncpg.connect(self.url)
        manager = QueueManager(self.queries(connection))

        @manager.entrypoint("note")
        async def handle(job: Job) -> None:
            int(job.payload or b"0")
            done.count += 1

        await manager.run(
            dequeue_timeout=timedelta(seconds=5),
            batch_size=BATCH,
            max_concurrent_tasks=CONCURRENCY,
            mode=QueueExecutionMode.drain,
        )
        await connection.close()
        assert done.count == count, done

    @staticmethod
    def queries(connection: asyncpg.Connection) -> Queries:
        return queries_on(AsyncpgDriver(connection))

    async def empty(self) -> None:
        async with self.database.engine.begin() as connection:
            await connection.execute(text("TRUNCATE jobs.pgqueuer, jobs.pgqueuer_log"))


async def measure(url: URL, rounds: int, singles: int, batch: int) -> Measured:
    measured = Measured()
    async with Database(url) as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(create_jobs)
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        plain = await asyncpg.connect(address)
        bench = Bench(database, address, plain)
        for turn in range(rounds + 1):
            kept = measured if turn else Measured()  # the first round warms up
            ways = ["bedplate", "pgqueuer"]
            for way in ways[:: 1 if turn % 2 else -1]:
                one, many, run = (
                    getattr(bench, f"{name}_{way}") for name in ("one_by_one", "many", "run")
                )
                await bench.empty()
                await kept.take("enqueue one", way, singles, lambda act=one: act(singles))
                await bench.empty()
                await kept.take("enqueue many", way, batch, lambda act=many: act(batch))
                await kept.take("run", way, batch, lambda act=run: act(batch))
        await plain.close()
    return measured


def report(measured: Measured) -> dict[str, Mapping[str, float]]:
    print(f"{'':14} {'bedplate':>12} {'pgqueuer':>12} {'ratio':>7} {'goal':>7}   (jobs per second)")
    found: dict[str, Mapping[str, float]] = {}
    for operation, goal in GOALS.items():
        rates, ratio = measured.rates(operation), measured.ratio(operation)
        print(
            f"{operation:14} {rates['bedplate']:12,.0f} {rates['pgqueuer']:12,.0f}"
            f" {ratio:6.2f}x {goal:6.2f}x"
        )
        found[operation] = {**rates, "ratio": ratio, "goal": goal}
    return found


async def main(arguments: argparse.Namespace) -> int:
    rounds, singles, batch = (3, 200, 1000) if arguments.short else (7, 300, 3000)
    configure_logging("WARNING", json=True)
    async with empty_database(arguments.server) as url:
        measured = await measure(url, rounds, singles, batch)
    machine = facts("bedplate", "pgqueuer", "asyncpg", "sqlalchemy")
    print(", ".join(f"{name}: {fact}" for name, fact in machine.items()))
    found = report(measured)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "jobs": found}, indent=2))
    noise = 2.0 if arguments.short else 1.0
    missed = [name for name, one in found.items() if one["ratio"] > one["goal"] * noise]
    if missed:
        print(f"slower than the goal: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="few rounds, and only far misses fail")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--server", help="URL of a PostgreSQL; the embedded one by default")
    sys.exit(asyncio.run(main(parser.parse_args())))
