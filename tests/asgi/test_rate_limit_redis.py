"""Rate limits counted in a real Redis: shared by processes, and held by each alone while it is down."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.redis_server import Redis

from bedplate.asgi import FallbackRateCounter, MemoryRateCounter, RateLimit, RateLimitMiddleware
from bedplate.asgi.protection import protected
from bedplate.asgi.rate_counters_redis import RedisRateCounter
from bedplate.asgi.types import Message, Receive, Scope, Send
from bedplate.errors import UnavailableError
from bedplate.rate import Rate
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

from .conftest import Client, Records

HOUR = 3600
PROCESS = """
import asyncio, sys
from bedplate.asgi import RateLimit, RateLimitMiddleware
from bedplate.asgi.rate_counters_redis import RedisRateCounter
from bedplate.rate import Rate

async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})

async def main():
    limits = [RateLimit("default", Rate(30, 3600))]
    app = RateLimitMiddleware(hello, limits, RedisRateCounter(sys.argv[1], timeout=60))
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": ("203.0.113.7", 1)}
    statuses = []

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, None, send)  # connected
    print("ready", flush=True)
    sys.stdin.readline()
    await asyncio.gather(*(app(scope, None, send) for _ in range(40)))
    print(*statuses[1:])
    await app.close()

asyncio.run(main())
"""


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def statuses(app: Any, times: int) -> list[int]:
    """Send so many requests at once."""
    clients = [Client(app) for _ in range(times)]
    return [client.status for client in await asyncio.gather(*(client() for client in clients))]


@pytest.fixture
async def counter(redis: Redis) -> AsyncIterator[RedisRateCounter]:
    counter = RedisRateCounter(redis.url, timeout=60)
    yield counter
    await counter.close()


def test_two_processes_share_one_limit(redis: Redis) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, redis.url], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0].split() for process in processes]
    counted = Counter(answer for each in answers for answer in each)
    assert counted == {"200": 28, "429": 52}  # two were used to connect


async def test_every_instance_knows_when_a_window_ends(redis: Redis) -> None:
    now = 1_700_000_000.0
    counters = [RedisRateCounter(redis.url, timeout=60, clock=lambda: now) for _ in range(2)]
    used = [await counter.count("key", 60) for counter in counters]
    assert [each[0] for each in used] == [1, 2]
    assert used[0][1] == used[1][1]
    now += used[0][1]
    assert [await counter.count("key", 60) for counter in counters] == [(1, 60.0), (2, 60.0)]
    for counter in counters:
        await counter.close()


@pytest.mark.unhappy
async def test_not_all_clients_come_back_at_once(counter: RedisRateCounter) -> None:
    ends = {(await counter.count(f"client {number}", HOUR))[1] for number in range(50)}
    assert len({round(end) for end in ends}) > 40
    assert all(0 < end <= HOUR for end in ends)


@pytest.mark.unhappy
async def test_counters_leave_redis_when_they_are_over(
    redis: Redis, counter: RedisRateCounter
) -> None:
    from redis.asyncio import Redis as Connection

    await counter.count("203.0.113.7", 60)
    async with Connection.from_url(redis.url) as connection:
        [key] = await connection.keys("*")
        assert 0 < await connection.ttl(key) <= 61


@pytest.mark.unhappy
async def test_without_redis_each_process_holds_the_limit_and_nothing_is_a_500(
    redis: Redis, records: Records
) -> None:
    settings = load_settings(
        ServiceSettings,
        _env_file=None,
        environment="development",
        secret_key=generate_secret(),
        redis_url=redis.url.replace("//", "//user:cAnArY@"),
        rate_limit="5/hour",
    )
    redis.stop()
    app = protected(hello, settings)
    assert isinstance(app, RateLimitMiddleware)
    assert Counter(await statuses(app, 9)) == {200: 5, 429: 4}
    assert records.all("rate_counter_unavailable")
    assert "cAnArY" not in records.getvalue()
    await app.close()


@pytest.mark.unhappy
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_redis_that_goes_away_and_comes_back_loses_no_request(
    redis: Redis, records: Records, how: signal.Signals
) -> None:
    now = 1000.0
    first = RedisRateCounter(redis.url, timeout=60 if how == signal.SIGKILL else 3)
    counter = FallbackRateCounter(first, MemoryRateCounter(), pause=5, clock=lambda: now)
    app = RateLimitMiddleware(hello, [RateLimit("default", Rate(100, HOUR))], counter)
    assert await statuses(app, 10) == [200] * 10
    redis.process.send_signal(how)
    if how == signal.SIGKILL:
        redis.process.wait()
    assert await statuses(app, 10) == [200] * 10
    assert len(records.all("rate_counter_unavailable")) == 1
    if how == signal.SIGKILL:
        redis.stop()
        redis.start()
    else:
        redis.process.send_signal(signal.SIGCONT)
    now += 5
    assert await statuses(app, 10) == [200] * 10
    assert len(records.all("rate_counter_available_again")) == 1
    await app.close()


@pytest.mark.unhappy
async def test_a_redis_that_refuses_to_count_is_as_one_that_is_down(
    redis: Redis, counter: RedisRateCounter
) -> None:
    from redis.asyncio import Redis as Connection

    await counter.count("key", HOUR)
    async with Connection.from_url(redis.url) as connection:
        await connection.config_set("maxmemory", "1")
    with pytest.raises(UnavailableError) as caught:
        await counter.count("other", HOUR)
    assert caught.value.__context__ is None


@pytest.mark.unhappy
async def test_when_the_application_ends_its_connections_are_closed(redis: Redis) -> None:
    counter = RedisRateCounter(redis.url, timeout=60)
    app = RateLimitMiddleware(hello, [RateLimit("default", Rate(5, HOUR))], counter)

    async def receive() -> Message:
        return {"type": "lifespan.shutdown"}

    async def send(_message: Message) -> None:
        return None

    await statuses(app, 3)
    await app({"type": "lifespan"}, receive, send)
    bridge: Any = counter._storage.bridge
    pool = bridge.get_connection().connection_pool
    assert not [each for each in pool._available_connections if each.is_connected]
