"""The fair pool: waiters are served in their order, and none is left behind."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.util.queue import Empty, Full

from bedplate.database import Database
from bedplate.database.pool import _FairQueue
from bedplate.errors import DatabaseUnavailableError, PoolTimeoutError


async def get(queue: _FairQueue[int], timeout: float = 5) -> int:  # noqa: ASYNC109
    result: int = await greenlet_spawn(queue.get, True, timeout)
    return result


async def waiting(queue: _FairQueue[int], number: int) -> None:
    """Let the tasks run until so many wait."""
    while len(queue._waiters) < number:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def test_waiters_are_served_in_their_order() -> None:
    queue = _FairQueue[int](3)
    tasks = [asyncio.create_task(get(queue)) for _ in range(3)]
    await waiting(queue, 3)
    for item in (1, 2, 3):
        queue.put(item)
    assert await asyncio.gather(*tasks) == [1, 2, 3]
    assert queue.empty()


async def test_who_comes_late_does_not_overtake_a_waiter() -> None:
    queue = _FairQueue[int](1)
    first = asyncio.create_task(get(queue))
    await waiting(queue, 1)
    queue.put(1)
    # The item is back, and the waiter has not run yet.
    with pytest.raises(Empty):
        queue.get(block=False)
    assert await first == 1


async def test_items_are_kept_in_the_order_of_the_pool() -> None:
    for use_lifo, expected in ((False, [1, 2]), (True, [2, 1])):
        queue = _FairQueue[int](2, use_lifo)
        queue.put(1)
        queue.put(2)
        assert queue.full()
        assert [queue.get(block=False), queue.get(block=False)] == expected


@pytest.mark.unhappy
async def test_a_full_queue_refuses() -> None:
    queue = _FairQueue[int](1)
    queue.put(1)
    with pytest.raises(Full):
        queue.put(2)
    assert queue.qsize() == 1


@pytest.mark.unhappy
async def test_a_waiter_gives_up_in_time_and_leaves_the_line() -> None:
    queue = _FairQueue[int](1)
    with pytest.raises(Empty):
        await get(queue, 0.01)
    queue.put(1)
    assert queue.get(block=False) == 1


@pytest.mark.unhappy
async def test_a_waiter_that_is_cancelled_leaves_the_line() -> None:
    queue = _FairQueue[int](1)
    first, second = (asyncio.create_task(get(queue)) for _ in range(2))
    await waiting(queue, 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    queue.put(1)
    assert await second == 1


@pytest.mark.unhappy
async def test_an_item_given_to_a_waiter_that_is_cancelled_goes_to_the_next() -> None:
    queue = _FairQueue[int](1)
    first, second = (asyncio.create_task(get(queue)) for _ in range(2))
    await waiting(queue, 2)
    queue.put(1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 1


@pytest.mark.unhappy
async def test_a_waiter_may_connect_when_another_failed_to() -> None:
    queue = _FairQueue[int](1)
    task = asyncio.create_task(get(queue))
    await waiting(queue, 1)
    queue.wake_one()
    with pytest.raises(Empty):
        await task
    queue.wake_one()


@pytest.mark.unhappy
async def test_a_failing_connect_does_not_leave_waiters_behind() -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/nothing", pool_size=1) as database:

        async def connect() -> Any:
            async with database.engine.connect():
                pass

        results = await asyncio.gather(*(connect() for _ in range(10)), return_exceptions=True)
    assert {type(result) for result in results} <= {DatabaseUnavailableError, PoolTimeoutError}
    assert any(type(result) is DatabaseUnavailableError for result in results)


@pytest.mark.unhappy
async def test_an_exhausted_pool_serves_again_when_one_comes_back(
    committed_database: Database,
) -> None:
    url = committed_database.engine.url
    async with Database(url, pool_size=1, pool_timeout=0.02) as database:
        held: AsyncConnection = await database.engine.connect()
        for _ in range(3):
            with pytest.raises(PoolTimeoutError):
                await database.ping()
        await held.close()
        await database.ping()
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))


@pytest.mark.unhappy
async def test_many_more_waiters_than_connections_are_all_served(
    committed_database: Database,
) -> None:
    async with Database(committed_database.engine.url, pool_size=2) as database:
        await asyncio.gather(*(database.ping() for _ in range(60)))


@pytest.mark.unhappy
async def test_the_pool_does_not_chat(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        async with Database("postgresql://nobody@127.0.0.1:1/nothing") as database:
            with pytest.raises(DatabaseUnavailableError):
                await database.ping()
    assert [record for record in caplog.records if "Pool" in record.name] == []
