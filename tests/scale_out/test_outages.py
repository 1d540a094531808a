"""Three replicas of a generated service lose what they stand on, while clients go on using them.

The tests are in the order in which they run: the last ones compare what clients were told with what
is stored. Times are printed, and nothing is judged by them.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.scale_out.load import CLIENTS, Load, Phase
from tests.scale_out.stack import SIGN_UPS, Stack

from bedplate.database import Database

ENOUGH = 150
"""Requests that are answered well while something is out, and again once it is back."""


@asynccontextmanager
async def outage(load: Load, table: list[Phase], name: str) -> AsyncIterator[Phase]:
    """Count what happens inside, and until all is well again."""
    phase = load.enter(name)
    yield phase
    await load.answered(ENOUGH)
    table.append(phase)
    load.enter(f"after: {name}")
    await load.answered(ENOUGH)
    assert load.phase.errors == 0, f"it is not over: {load.phase.answers}"
    print(phase.row())


@pytest.mark.unhappy
async def test_nothing_fails_while_all_is_well(
    stack: Stack, load: Load, table: list[Phase]
) -> None:
    async with outage(load, table, "nothing") as phase:
        await load.answered(2 * ENOUGH)
    assert phase.errors == 0
    assert await read_from(stack) > 0, "the standby answers"


async def read_from(stack: Stack) -> float:
    """Tell how many units of work the standby has answered."""
    total = 0.0
    async with httpx.AsyncClient() as client:
        for replica in stack.replicas:
            metrics = (await client.get(f"{replica.url}/metrics")).text
            total += sum(
                float(line.rpartition(" ")[2])
                for line in metrics.splitlines()
                if line.startswith("bedplate_replica_reads_total")
                and 'bedplate_route="replica"' in line
            )
    return total


@pytest.mark.unhappy
async def test_a_replica_that_is_killed_costs_what_it_was_doing(
    stack: Stack, load: Load, table: list[Phase]
) -> None:
    async with outage(load, table, "`kill -9` of a replica and a worker") as phase:
        await asyncio.gather(stack.replicas[0].kill(), stack.workers[0].kill())
        await load.answered(ENOUGH)
        await asyncio.gather(stack.replicas[0].start(), stack.workers[0].start())
        phase.back()
        await stack.until_all_serve()
    # each client has one request under way, or three refreshes
    assert phase.errors <= 3 * CLIENTS


@pytest.mark.unhappy
async def test_pgbouncer_restarts(stack: Stack, load: Load, table: list[Phase]) -> None:
    async with outage(load, table, "restart of PgBouncer") as phase:
        await asyncio.to_thread(stack.pooler.stop)
        await asyncio.to_thread(stack.pooler.start)
        phase.back()


@pytest.mark.unhappy
async def test_the_standby_replays_nothing(stack: Stack, load: Load, table: list[Phase]) -> None:
    async with outage(load, table, "standby that replays nothing") as phase:
        await asyncio.to_thread(stack.standby.pause_replay)
        await load.answered(2 * ENOUGH)
        await asyncio.to_thread(stack.standby.resume_replay)
        phase.back()
    assert phase.errors == 0


@pytest.mark.unhappy
async def test_the_standby_freezes(stack: Stack, load: Load, table: list[Phase]) -> None:
    async with outage(load, table, "frozen standby (`SIGSTOP`)") as phase:
        stack.standby.freeze()
        try:
            await load.answered(2 * ENOUGH)
        finally:
            stack.standby.thaw()
            phase.back()
    assert phase.errors == 0
    before = await read_from(stack)
    async with asyncio.timeout(120):
        while await read_from(stack) <= before:  # noqa: ASYNC110 - until it is used again
            await asyncio.sleep(0.1)


@pytest.mark.unhappy
async def test_postgresql_crashes(stack: Stack, load: Load, table: list[Phase]) -> None:
    async with outage(load, table, "`kill -9` of PostgreSQL, and its start") as phase:
        await asyncio.to_thread(stack.primary.kill)
        await asyncio.to_thread(stack.primary.start)
        phase.back()
        await stack.until_all_serve()


@pytest.mark.unhappy
async def test_redis_is_killed(stack: Stack, load: Load, table: list[Phase]) -> None:
    async with outage(load, table, "`kill -9` of Redis") as phase:
        await asyncio.to_thread(stack.redis.stop)
        await load.answered(2 * ENOUGH)
        await asyncio.to_thread(stack.redis.start)
        phase.back()
    assert phase.errors == 0


@pytest.mark.unhappy
async def test_all_replicas_roll_to_a_new_version_with_a_migration(
    stack: Stack, load: Load, table: list[Phase]
) -> None:
    async with outage(load, table, "new version with a migration, replica by replica") as phase:
        newer = stack.folder / "newer"
        shutil.copytree(stack.service, newer)
        stack.service = newer
        await stack.bedplate("add", "resource", "label", "name:str:80")
        await stack.bedplate("db", "upgrade")
        for replica in stack.replicas:
            replica.folder = newer
            await replica.restart()
            await stack.until_all_serve()
        for worker in stack.workers:
            worker.folder = newer
            await worker.restart()
    assert phase.errors == 0
    async with httpx.AsyncClient() as client:
        for replica in stack.replicas:
            assert (await client.get(f"{replica.url}/api/v1/labels")).status_code == 401


@pytest.mark.unhappy
async def test_limits_hold_over_all_replicas(stack: Stack, load: Load) -> None:
    statuses: Counter[int] = Counter()
    headers = {"x-forwarded-for": "203.0.113.9"}
    async with httpx.AsyncClient(base_url=stack.proxy.url, headers=headers, timeout=60) as client:
        accounts = [
            {"email": f"many-{number}@example.com", "password": "kite-lantern-41-otter"}
            for number in range(3 * SIGN_UPS)
        ]
        for batch in range(0, len(accounts), 10):
            answers = await asyncio.gather(
                *(client.post("/api/v1/users", json=each) for each in accounts[batch : batch + 10])
            )
            statuses.update(answer.status_code for answer in answers)
    assert statuses == {201: SIGN_UPS, 429: 2 * SIGN_UPS}


async def test_the_books_are_right(stack: Stack, load: Load) -> None:
    """What was acknowledged is there once, was read at once, and each token was rotated once."""
    stored = set(load.book.stored)  # until now: clients go on while the database is asked
    async with Database(stack.primary.url) as database, database.session() as session:
        names = Counter(await session.scalars(text("SELECT name FROM entries")))
        torn = await session.scalar(
            text(
                "SELECT count(*) FROM refresh_tokens WHERE consumed_at IS NOT NULL AND successor_hash"
                " NOT IN (SELECT token_hash FROM refresh_tokens)"
            )
        )
        revoked = await session.scalar(
            text("SELECT count(*) FROM auth_sessions WHERE revoked_at IS NOT NULL")
        )
        await all_have_run(session, stored)
        runs = Counter(await session.scalars(text("SELECT name FROM job_runs")))
        left = await session.scalars(text("SELECT name FROM entries"))
        unfounded = runs.keys() - set(left)
    book = load.book
    again = runs.total() - len(runs)
    print(f"{len(runs)} jobs have run, {again} of them again; {book.dropped} rolled back")
    print(f"{len(stored)} writes acknowledged, {book.rotations} refresh tokens rotated")
    assert len(stored) > ENOUGH
    assert {name: names[name] for name in stored} == dict.fromkeys(stored, 1)
    assert book.stale == []
    assert book.torn == []
    assert book.rotations > CLIENTS
    assert (torn, revoked) == (0, 0)
    assert unfounded == set()
    assert book.dropped > CLIENTS


async def all_have_run(session: AsyncSession, names: set[str]) -> None:
    """Wait until the job of each of these entries has run; the workers go on meanwhile."""
    async with asyncio.timeout(300):
        while names - set(await session.scalars(text("SELECT name FROM job_runs"))):
            await session.rollback()
            await asyncio.sleep(0.2)
