"""bedplate.auth.throttle_limits on a real Redis, which also goes away"""

import asyncio
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import pytest
import structlog
from fastapi import FastAPI, Form
from tests.redis_server import Redis

from bedplate.auth.schemas import PasswordForm, TokenPair
from bedplate.auth.throttle import FallbackThrottleStore, Hit, Limit, Limits, Throttle
from bedplate.auth.throttle_limits import LimitsThrottleStore
from bedplate.errors import (
    UnavailableError,
)
from bedplate.integrations.fastapi import install
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

EMAIL = "ada@example.com"
ADDRESS = "203.0.113.7"
PASSWORD = "kite-lantern-41-otter"
PERIOD = timedelta(minutes=15)
LIMITS = Limits(
    network=Limit(12, PERIOD), account_and_network=Limit(3, PERIOD), account=Limit(6, PERIOD)
)

if TYPE_CHECKING:
    from tests.auth.conftest import World


type Open = Callable[..., LimitsThrottleStore]


@pytest.fixture
async def open_store(redis: Redis) -> AsyncIterator[Open]:
    """Makes stores, which are closed in the end."""
    opened: list[LimitsThrottleStore] = []

    def open_one(url: str = redis.url, **settings: Any) -> LimitsThrottleStore:
        # one for machines that do much else; nothing is measured by it
        opened.append(LimitsThrottleStore(url, **{"timeout": 60.0, **settings}))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
def key() -> bytes:
    return b"k" * 32


async def tried(throttle: Throttle, times: int, email: str = EMAIL) -> Counter[str]:
    """Try so often at once, and count the answers."""
    answers = await asyncio.gather(
        *(throttle.admit(email, ADDRESS) for _ in range(times)), return_exceptions=True
    )
    return Counter("admitted" if a is None else type(a).__name__ for a in answers)


async def test_the_right_password_begins_anew_and_gives_the_network_its_attempt_back(
    redis: Redis, open_store: Open, key: bytes
) -> None:
    throttle = Throttle(open_store(), key, action="a", limits=LIMITS)
    for _ in range(20):
        await throttle.admit(EMAIL, ADDRESS)
        await throttle.forgive(EMAIL, ADDRESS)
    assert (await tried(throttle, 5))["admitted"] == 3


async def test_a_socket_in_the_file_system_will_do(
    redis: Redis, open_store: Open, key: bytes
) -> None:
    by_file = open_store(f"unix://{redis.socket}")
    by_tcp = open_store()
    for store, passed in ((by_file, 3), (by_tcp, 0)):
        assert (await tried(Throttle(store, key, action="a", limits=LIMITS), 5))[
            "admitted"
        ] == passed


@pytest.mark.unhappy
async def test_of_40_attempts_at_once_at_two_instances_exactly_the_limit_passes(
    open_store: Open,
) -> None:
    for number in range(10):
        instances = [
            Throttle(open_store(), bytes([number]) * 32, action="a", limits=LIMITS)
            for _ in range(2)
        ]
        counted = await asyncio.gather(*(tried(instance, 20) for instance in instances))
        total = sum(counted, Counter[str]())
        assert total == {"admitted": 3, "ThrottledError": 37}


PROCESS = """
import asyncio, sys
from datetime import timedelta
from bedplate.auth.throttle import Limit, Limits, Throttle
from bedplate.auth.throttle_limits import LimitsThrottleStore
from bedplate.errors import ThrottledError

async def main():
    limits = Limits(account_and_network=Limit(3, timedelta(minutes=15)))
    throttle = Throttle(LimitsThrottleStore(sys.argv[1], timeout=60), b"k" * 32, action="a", limits=limits)
    print("ready", flush=True)
    sys.stdin.readline()
    answers = await asyncio.gather(
        *(throttle.admit("ada@example.com", "203.0.113.7") for _ in range(20)), return_exceptions=True
    )
    assert all(answer is None or isinstance(answer, ThrottledError) for answer in answers), answers
    print("passed", answers.count(None))

asyncio.run(main())
"""


@pytest.mark.unhappy
def test_two_processes_share_their_counters(redis: Redis) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, redis.url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    passed = [int(process.communicate()[0].rpartition("passed ")[2]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(passed) == 3


@pytest.mark.unhappy
async def test_a_redis_that_is_gone_is_a_503_and_back_again_it_counts(
    redis: Redis, open_store: Open, key: bytes
) -> None:
    throttle = Throttle(open_store(), key, action="a", limits=LIMITS)
    assert (await tried(throttle, 2)) == {"admitted": 2}
    redis.stop()
    assert (await tried(throttle, 8)) == {"UnavailableError": 8}
    await throttle.forgive(EMAIL, ADDRESS)
    redis.start()
    assert (await tried(throttle, 5)) == {"admitted": 3, "ThrottledError": 2}


@pytest.mark.unhappy
async def test_a_redis_that_hangs_is_not_waited_for(
    redis: Redis, open_store: Open, key: bytes
) -> None:
    store = open_store(timeout=0.2)
    throttle = Throttle(store, key, action="a", limits=LIMITS)
    assert (await tried(throttle, 2)) == {"admitted": 2}
    redis.process.send_signal(signal.SIGSTOP)
    try:
        assert (await tried(throttle, 4)) == {"UnavailableError": 4}
        await throttle.forgive(EMAIL, ADDRESS)
    finally:
        redis.process.send_signal(signal.SIGCONT)
    patient = Throttle(open_store(), key, action="b", limits=LIMITS)
    assert (await tried(patient, 4)) == {"admitted": 3, "ThrottledError": 1}


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "option",
    [
        ("--requirepass", "other"),
        ("--maxmemory", "1", "--maxmemory-policy", "noeviction"),
        ("--replicaof", "127.0.0.1", "1"),
        ("--rename-command", "EVALSHA", ""),
    ],
    ids=["password refused", "memory full", "read-only replica", "commands forbidden"],
)
async def test_a_redis_that_refuses_is_a_503_whatever_it_says(
    redis: Redis, open_store: Open, key: bytes, option: tuple[str, ...]
) -> None:
    redis.stop()
    redis.start(*option)
    url = f"redis://:cAnArY@127.0.0.1:{redis.port}/0" if option[1] == "other" else redis.url
    throttle = Throttle(open_store(url), key, action="a", limits=LIMITS)
    with pytest.raises(UnavailableError) as caught:
        await throttle.admit(EMAIL, ADDRESS)
    assert "cAnArY" not in "".join(traceback.format_exception(caught.value))
    await throttle.forgive(EMAIL, ADDRESS)


@pytest.mark.unhappy
async def test_with_a_second_store_people_log_in_meanwhile_within_the_limits(
    redis: Redis, open_store: Open, key: bytes
) -> None:
    store = FallbackThrottleStore(open_store(), LimitsThrottleStore())
    throttle = Throttle(store, key, action="a", limits=LIMITS)
    assert (await tried(throttle, 2)) == {"admitted": 2}
    redis.stop()
    with structlog.testing.capture_logs() as records:
        assert (await tried(throttle, 5)) == {"admitted": 3, "ThrottledError": 2}
    errors = [record for record in records if record["log_level"] == "error"]
    assert {record["event"] for record in errors} == {"throttle_store_unavailable"}
    await throttle.forgive(EMAIL, ADDRESS)
    assert (await tried(throttle, 5)) == {"admitted": 3, "ThrottledError": 2}
    hit = Hit("k", Limit(1, PERIOD))
    assert await store.hit([hit]) == 0
    await store.give_back(hit)
    assert await store.hit([hit]) == 0
    assert await store.hit([hit]) > 0


@pytest.fixture
async def served(world: "World", open_store: Open, key: bytes) -> AsyncIterator[httpx.AsyncClient]:
    """A login over HTTP whose attempts are counted in Redis."""
    await world.register()
    throttle = Throttle(open_store(), key, action="a", limits=LIMITS)
    auth = world.serve(throttle=throttle)
    settings = load_settings(
        ServiceSettings, _env_file=None, environment="development", secret_key=generate_secret()
    )
    app = FastAPI()
    install(app, settings)

    @app.post("/token")
    async def log_in(form: Annotated[PasswordForm, Form()]) -> TokenPair:
        pair: TokenPair = await auth.log_in(form.username, form.password.get_secret_value())
        return pair

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.unhappy
async def test_over_http_a_used_up_limit_is_429_and_a_redis_that_is_gone_503(
    served: httpx.AsyncClient, redis: Redis
) -> None:
    async def log_in(password: str) -> Any:
        return await served.post("/token", data={"username": EMAIL, "password": password})

    assert (await log_in(PASSWORD)).status_code == 200
    answers = [await log_in("wrong") for _ in range(8)]
    assert [a.status_code for a in answers] == [401] * 6 + [429] * 2
    assert all(1 <= int(a.headers["retry-after"]) <= 900 for a in answers[6:])
    redis.stop()
    gone = await log_in(PASSWORD)
    assert (gone.status_code, gone.json()["code"]) == (503, "unavailable")
    assert int(gone.headers["retry-after"]) >= 1
