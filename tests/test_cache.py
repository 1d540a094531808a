"""bedplate.cache, in this process and in a real Redis that also goes away"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import structlog
from pydantic import BaseModel
from tests.redis_server import Redis

from bedplate.cache import Cache

HOUR = timedelta(hours=1)


class Total(BaseModel):
    year: int
    sum: int


@dataclass
class Maker:
    """Makes a result, and counts how often."""

    year: int = 2026
    count: int = 0
    gate: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> Total:
        self.count += 1
        value = self.count
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        return Total(year=self.year, sum=value)


type Open = Callable[..., Cache]


@pytest.fixture(params=["memory", "redis"])
async def open_cache(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """Makes caches that share a store if it is Redis."""
    opened: list[Cache] = []
    url = request.getfixturevalue("redis").url if request.param == "redis" else None

    def open_one(**settings: Any) -> Cache:
        opened.append(Cache(url, **{"prefix": request.node.name, "timeout": 10.0, **settings}))
        return opened[-1]

    yield open_one
    for cache in opened:
        await cache.close()


async def ask(cache: Cache, maker: Maker, *, key: str = "total", tags: tuple[str, ...] = ()) -> int:
    total = await cache.get_or_make(key, maker, Total, lifetime=HOUR, tags=tags)
    assert total.year == maker.year
    return total.sum


async def test_a_result_is_made_once_for_each_key(open_cache: Open) -> None:
    cache, maker = open_cache(), Maker()
    assert [await ask(cache, maker) for _ in range(3)] == [1, 1, 1]
    assert await ask(cache, maker, key="another") == 2

    async def number() -> int:
        return 42

    for _ in range(2):  # a bare number stays one
        assert await cache.get_or_make("number", number, int, lifetime=HOUR) == 42


async def test_what_is_forgotten_by_a_tag_is_made_anew(open_cache: Open) -> None:
    cache, maker = open_cache(), Maker()
    assert await ask(cache, maker, tags=("orders", "users")) == 1
    assert await ask(cache, maker, key="other", tags=("users",)) == 2
    await cache.forget("orders")
    assert await ask(cache, maker, tags=("orders", "users")) == 3
    assert await ask(cache, maker, key="other", tags=("users",)) == 2
    await cache.forget("orders", "users", "unheard of")
    assert await ask(cache, maker, key="other", tags=("users",)) == 4


@pytest.mark.unhappy
async def test_of_many_who_ask_at_once_one_makes_it(open_cache: Open) -> None:
    maker = Maker(gate=asyncio.Event())
    cache = open_cache()
    asking = [asyncio.create_task(ask(cache, maker, tags=("a",))) for _ in range(50)]
    await maker.begun.wait()
    assert maker.gate is not None
    maker.gate.set()
    assert await asyncio.gather(*asking) == [1] * 50


@pytest.mark.unhappy
async def test_of_many_processes_one_makes_it(redis: Redis) -> None:
    caches = [Cache(redis.url, prefix="many", timeout=10.0) for _ in range(4)]
    maker = Maker(gate=asyncio.Event())
    asking = [asyncio.create_task(ask(cache, maker)) for cache in caches for _ in range(3)]
    await maker.begun.wait()
    assert maker.gate is not None
    maker.gate.set()
    assert await asyncio.gather(*asking) == [1] * 12
    for cache in caches:
        await cache.close()


@pytest.mark.unhappy
async def test_a_result_is_not_kept_whose_sources_changed_while_it_was_made(
    open_cache: Open,
) -> None:
    cache, maker = open_cache(), Maker(gate=asyncio.Event())
    asking = asyncio.create_task(ask(cache, maker, tags=("orders",)))
    await maker.begun.wait()
    await cache.forget("orders")
    assert maker.gate is not None
    maker.gate.set()
    assert await asking == 1
    assert await ask(cache, maker, tags=("orders",)) == 2


@pytest.mark.unhappy
async def test_an_error_reaches_all_who_wait_and_is_not_kept(open_cache: Open) -> None:
    cache, gate, begun = open_cache(), asyncio.Event(), asyncio.Event()

    async def fail() -> Total:
        begun.set()
        await gate.wait()
        raise LookupError

    asking = [
        asyncio.create_task(cache.get_or_make("total", fail, Total, lifetime=HOUR))
        for _ in range(5)
    ]
    await begun.wait()
    gate.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(answer) for answer in answers] == [LookupError] * 5
    assert await ask(cache, Maker()) == 1


@pytest.mark.unhappy
async def test_when_the_one_who_makes_it_is_cancelled_another_does(open_cache: Open) -> None:
    cache, maker = open_cache(), Maker(gate=asyncio.Event())
    first = asyncio.create_task(ask(cache, maker))
    await maker.begun.wait()
    others = [asyncio.create_task(ask(cache, maker)) for _ in range(5)]
    await asyncio.sleep(0)
    others[0].cancel()
    first.cancel()
    assert maker.gate is not None
    maker.gate.set()
    answers = await asyncio.gather(first, *others, return_exceptions=True)
    assert [type(answer) for answer in answers[:2]] == [asyncio.CancelledError] * 2
    assert answers[2:] == [2] * 4


@pytest.mark.unhappy
async def test_what_another_version_kept_is_made_anew(redis: Redis) -> None:
    cache = Cache(redis.url, prefix="versions", timeout=10.0)

    async def old() -> list[int]:
        return [1]

    assert await cache.get_or_make("total", old, list[int], lifetime=HOUR) == [1]
    assert await ask(cache, Maker()) == 1
    assert await ask(cache, Maker()) == 1
    await cache.close()


@pytest.mark.unhappy
async def test_a_redis_that_fails_is_like_no_cache(redis: Redis) -> None:
    cache, maker = Cache(redis.url, timeout=10.0, pause=0.0), Maker()
    assert [await ask(cache, maker, tags=("a",)) for _ in range(2)] == [1, 1]
    redis.stop()
    with structlog.testing.capture_logs() as records:
        assert [await ask(cache, maker, tags=("a",)) for _ in range(2)] == [2, 3]
        assert await ask(cache, maker, key="untagged") == 4
        await cache.forget("a")
    assert {record["event"] for record in records} == {"cache_unavailable"}
    redis.start()
    assert [await ask(cache, maker, tags=("a",)) for _ in range(2)] == [5, 5]
    await cache.close()


@pytest.mark.unhappy
async def test_a_redis_that_failed_is_left_alone_for_a_while() -> None:
    cache = Cache("redis://:cAnArY@127.0.0.1:1/0", pause=3600)
    maker = Maker()
    with structlog.testing.capture_logs() as records:
        assert [await ask(cache, maker, tags=("a",)) for _ in range(3)] == [1, 2, 3]
    assert len(records) == 1
    assert "cAnArY" not in f"{records}{cache!r}"


@pytest.mark.unhappy
async def test_the_memory_of_a_process_is_bounded() -> None:
    cache, maker = Cache(size=10), Maker()
    for number in range(100):
        await ask(cache, maker, key=f"{number}")
    assert await ask(cache, maker, key="0") == 101
    await cache.close()


@pytest.mark.unhappy
def test_without_the_extra_one_sentence_names_it() -> None:
    code = "import sys; sys.modules['cashews'] = None; import bedplate.cache"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("pip install 'bedplate[cache]'")
