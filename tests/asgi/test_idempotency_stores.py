"""Where answers are kept: in memory and in a real Redis by the same tests, and where one is down."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.redis_server import Redis, running_redis

from bedplate.asgi import FallbackIdempotencyStore, IdempotencyMiddleware, MemoryIdempotencyStore
from bedplate.asgi.idempotency_redis import RedisIdempotencyStore
from bedplate.asgi.idempotency_store import IdempotencyStore
from bedplate.asgi.protection import idempotency_store_of, protected
from bedplate.asgi.types import Receive, Scope, Send
from bedplate.errors import UnavailableError
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

from .conftest import Client, Records

KEY = [(b"idempotency-key", b"8e03978e-40d5-43e8-bc93-6894a57f9324")]
CANARY = "cAnArY"


@pytest.fixture(scope="module")
def running() -> Iterator[Redis]:
    with running_redis() as redis:
        yield redis


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, running: Redis) -> AsyncIterator[IdempotencyStore]:
    memory = request.param == "memory"
    chosen = MemoryIdempotencyStore() if memory else RedisIdempotencyStore(running.url, timeout=60)
    yield chosen
    await chosen.close()


def settings(url: str, **more: Any) -> ServiceSettings:
    given = {"environment": "development", "secret_key": generate_secret(), "redis_url": url}
    return load_settings(
        ServiceSettings, _env_file=None, **{**given, "idempotency_enabled": True, **more}
    )


async def created(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"made"})


async def test_what_is_kept_is_given(store: IdempotencyStore, request: Any) -> None:
    key = request.node.name
    assert await store.begin(key, b"claim", 60) is None
    assert await store.begin(key, b"other", 60) == b"claim"
    assert await store.replace(key, b"claim", b"\x00answer\xff", 60)
    assert await store.begin(key, b"other", 60) == b"\x00answer\xff"


async def test_what_is_released_may_be_claimed_again(store: IdempotencyStore, request: Any) -> None:
    key = request.node.name
    await store.begin(key, b"claim", 60)
    await store.release(key, b"claim")
    assert await store.begin(key, b"other", 60) is None


PROCESS = """
import asyncio, os, sys
from bedplate.asgi import IdempotencyMiddleware
from bedplate.asgi.idempotency_redis import RedisIdempotencyStore

async def work(scope, receive, send):
    carried_out.append(1)
    await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % os.getpid()})

async def main():
    app = IdempotencyMiddleware(work, RedisIdempotencyStore(sys.argv[1], timeout=60), b"s" * 32)

    async def post(number):
        sent = []
        headers = [(b"idempotency-key", b"order-%d" % number)]
        scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "client": ("203.0.113.7", 1)}

        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(message):
            sent.append(message)

        while not sent or sent[0]["status"] == 409:  # as clients do
            sent.clear()
            await app(scope, receive, send)
        return sent[1]["body"].decode()

    await post(-1)  # connected
    print("ready", flush=True)
    sys.stdin.readline()
    carried_out.clear()
    print(*await asyncio.gather(*(post(number) for number in range(30))))
    print(len(carried_out))
    await app.close()

carried_out = []
asyncio.run(main())
"""


def test_two_processes_share_one_outcome(running: Redis) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, running.url], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
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
    answers = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert answers[0][0] == answers[1][0]  # both saw what the one that was first had answered
    assert int(answers[0][1]) + int(answers[1][1]) == 30


@pytest.mark.unhappy
async def test_of_claims_at_once_exactly_one_succeeds(
    store: IdempotencyStore, request: Any
) -> None:
    key = request.node.name
    found = await asyncio.gather(*(store.begin(key, b"%d" % n, 60) for n in range(50)))
    assert found.count(None) == 1
    assert {value for value in found if value is not None} == {b"%d" % found.index(None)}


@pytest.mark.unhappy
async def test_who_lost_a_claim_changes_nothing(store: IdempotencyStore, request: Any) -> None:
    key = request.node.name
    await store.begin(key, b"claim", 60)
    assert not await store.replace(key, b"lost", b"answer", 60)
    await store.release(key, b"lost")
    assert await store.begin(key, b"other", 60) == b"claim"
    assert not await store.replace(f"{key} of nobody", b"claim", b"answer", 60)


@pytest.mark.unhappy
async def test_a_claim_ends_by_itself(store: IdempotencyStore, request: Any) -> None:
    key = request.node.name
    await store.begin(key, b"claim", 0.01)
    for _ in range(10**6):  # for as long as that takes
        if await store.begin(key, b"other", 60) is None:
            break
    assert not await store.replace(key, b"claim", b"answer", 60)


@pytest.mark.unhappy
async def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    now = 0.0
    store = MemoryIdempotencyStore(most_bytes=100, clock=lambda: now)
    for number in range(10):
        await store.begin(f"key {number}", b"x" * 20, 60)
    present = [await store.begin(f"key {number}", b"", 0) for number in range(10)]
    assert [value is not None for value in present] == [False] * 5 + [True] * 5
    now = 60.0
    await store.begin("another", b"y", 60)
    assert list(store._values) == ["another"]


@pytest.mark.unhappy
async def test_without_redis_a_request_with_a_key_is_a_503_and_others_pass(
    redis: Redis, records: Records
) -> None:
    redis.stop()
    app = protected(created, settings(redis.url.replace("//", f"//user:{CANARY}@")))
    refused = await Client(app)("POST", headers=KEY)
    assert (refused.problem()["status"], refused.problem()["code"]) == (503, "unavailable")
    assert int(refused.header(b"retry-after")) >= 1
    assert (await Client(app)("POST")).status == 201
    assert len(records.all("idempotency_store_unavailable")) == 1
    assert CANARY not in records.getvalue()


@pytest.mark.unhappy
async def test_without_redis_each_process_may_keep_its_own(redis: Redis, records: Records) -> None:
    redis.stop()
    app = protected(created, settings(redis.url, idempotency_fallback="process"))
    first, again = [await Client(app)("POST", headers=KEY) for _ in range(2)]
    assert (first.status, again.status) == (201, 201)
    assert again.header(b"idempotency-replayed") == b"true"
    assert records.all("idempotency_store_unavailable")


@pytest.mark.unhappy
async def test_redis_that_goes_away_in_the_middle_does_not_spoil_the_answer(
    redis: Redis, records: Records
) -> None:
    async def outage(scope: Scope, receive: Receive, send: Send) -> None:
        redis.stop()
        await created(scope, receive, send)

    store = RedisIdempotencyStore(redis.url, timeout=60)
    app = IdempotencyMiddleware(outage, store, b"s" * 32)
    assert (await Client(app)("POST", headers=KEY)).status == 201
    assert len(records.all("idempotent_answer_lost")) == 1
    redis.start()  # it has forgotten everything
    app.app = created
    assert (await Client(app)("POST", headers=KEY)).status == 201
    await app.close()


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("option", "value"),
    [("maxmemory", "1"), ("requirepass", "secret"), ("min-replicas-to-write", "1")],
)
async def test_a_redis_that_refuses_is_as_one_that_is_down(
    redis: Redis, option: str, value: str
) -> None:
    from redis.asyncio import Redis as Connection

    async with Connection.from_url(redis.url) as connection:
        await connection.config_set(option, value)
    store = RedisIdempotencyStore(redis.url)
    with pytest.raises(UnavailableError) as caught:
        await store.begin("key", b"claim", 60)
    assert caught.value.__context__ is None
    await store.close()


@pytest.mark.unhappy
async def test_a_fallback_answers_where_it_claimed() -> None:
    class Down:
        down = True
        kept = MemoryIdempotencyStore()

        def __getattr__(self, name: str) -> Any:
            if self.down:
                raise UnavailableError
            return getattr(self.kept, name)

    first: Any = Down()
    store = FallbackIdempotencyStore(first, MemoryIdempotencyStore())
    assert await store.begin("a", b"claim", 60) is None
    first.down = False  # it is back before the request is done
    assert await store.replace("a", b"claim", b"answer", 60)
    assert await store.begin("b", b"claim", 60) is None
    assert await store.replace("b", b"claim", b"answer", 60)
    assert await first.kept.begin("b", b"", 60) == b"answer"
    await store.begin("c", b"claim", 60)
    await store.release("c", b"claim")
    assert await store.begin("c", b"other", 60) is None


@pytest.mark.unhappy
def test_each_setting_chooses_its_store(running: Redis) -> None:
    assert isinstance(idempotency_store_of(settings(running.url)), RedisIdempotencyStore)
    process = settings(running.url, idempotency_fallback="Process")
    assert isinstance(idempotency_store_of(process), FallbackIdempotencyStore)
    without = settings(running.url, redis_url=None)
    assert isinstance(idempotency_store_of(without), MemoryIdempotencyStore)
    assert protected(created, settings(running.url, idempotency_enabled=False)) is created
