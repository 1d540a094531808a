"""Who has written lately: in memory and in a real Redis by the same tests, and where one is down."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.redis_server import Redis, running_redis

from bedplate.context import RequestContext, request_context
from bedplate.database import open_database, recent_writes
from bedplate.database.recent_writes import MemoryRecentWrites, RecentWrites, caller
from bedplate.database.recent_writes_redis import RedisRecentWrites
from bedplate.errors import UnavailableError
from bedplate.settings import Environment, SecretUrl, ServiceSettings

FAR = 2**63 - 1  # numbers that Redis's own would not tell apart
LONG = 60.0
SHORT = 0.001


@pytest.fixture(scope="module")
def running() -> Iterator[Redis]:
    with running_redis() as redis:
        yield redis


@pytest.fixture(params=["memory", "redis"])
async def writes(request: pytest.FixtureRequest, running: Redis) -> AsyncIterator[RecentWrites]:
    store: RecentWrites = MemoryRecentWrites()
    if request.param == "redis":
        store = RedisRecentWrites(running.url, timeout=LONG)  # however busy the machine is
    yield store
    await store.close()


async def test_the_latest_position_of_each_caller_is_kept(writes: RecentWrites) -> None:
    await writes.remember("ada", FAR - 1, LONG)
    await writes.remember("ada", FAR, LONG)
    await writes.remember("grace", 7, LONG)
    assert (await writes.position("ada"), await writes.position("grace")) == (FAR, 7)


@pytest.mark.unhappy
async def test_a_position_that_comes_late_replaces_no_later_one(writes: RecentWrites) -> None:
    await writes.remember("late", 1000, LONG)
    await asyncio.gather(*(writes.remember("late", at, LONG) for at in range(990, 1000)))
    assert await writes.position("late") == 1000


@pytest.mark.unhappy
async def test_a_position_is_forgotten_and_whoever_wrote_nothing_has_none(
    writes: RecentWrites,
) -> None:
    await writes.remember("short", 5, SHORT)
    async with asyncio.timeout(LONG):
        while await writes.position("short") is not None:  # noqa: ASYNC110 - time is what is tested
            await asyncio.sleep(SHORT)
    await writes.remember("short", 3, LONG)
    assert await writes.position("short") == 3, "what is forgotten is no later one"
    assert await writes.position("nobody") is None


@pytest.mark.unhappy
async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_writes, "_MOST", 10)
    writes = MemoryRecentWrites()
    for number in range(100):
        await writes.remember(f"{number}", 1, LONG)
    kept = [number for number in range(100) if await writes.position(f"{number}")]
    assert kept == list(range(90, 100))


@pytest.mark.unhappy
async def test_a_redis_that_is_down_is_told_without_its_url(redis: Redis) -> None:
    writes = RedisRecentWrites(f"redis://:cAnArY@127.0.0.1:{redis.port}/0")
    redis.stop()
    for asking in (writes.remember("ada", 1, LONG), writes.position("ada")):
        with pytest.raises(UnavailableError) as caught:
            await asking
        assert "cAnArY" not in str(caught.value)
        assert caught.value.__cause__ is None
    await writes.close()


def context(**known: Any) -> RequestContext:
    made = RequestContext("request-1")
    for name, value in known.items():
        setattr(made, name, value)
    return made


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("known", "name"),
    [
        ({}, None),
        ({"principal": "ada", "client": "192.0.2.1"}, "principal:ada"),
        ({"client": "192.0.2.1"}, "network:192.0.2.1"),
    ],
)
def test_callers_are_told_apart_as_far_as_they_are_known(
    known: dict[str, str], name: str | None
) -> None:
    with request_context(context(**known)):
        assert caller() == name
    assert caller() is None


async def test_settings_open_a_replica_and_its_memory(running: Redis) -> None:
    nobody = SecretUrl("postgresql://postgres@127.0.0.1:1/postgres")
    settings = ServiceSettings.model_construct(
        environment=Environment.PRODUCTION,
        database_url=nobody,
        database_read_url=nobody,
        redis_url=SecretUrl(running.url),
    )
    async with open_database(settings) as database:
        assert database.replica is not None
        assert database.replica.trouble is None, "nothing connects before it is used"
    without = settings.model_copy(update={"database_read_url": None})
    async with open_database(without) as database:
        assert database.replica is None
