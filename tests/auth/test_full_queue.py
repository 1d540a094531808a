"""A full hashing queue as clients see it, over HTTP with everything installed"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import bcrypt
import httpx
import pytest
from fastapi import FastAPI, Form

from bedplate.auth.passwords import BcryptHasher
from bedplate.auth.schemas import PasswordForm, TokenPair
from bedplate.integrations.fastapi import install
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

EMAIL = "ada@example.com"
PASSWORD = "kite-lantern-41-otter"
WORKERS, QUEUE = 1, 2

if TYPE_CHECKING:
    from tests.auth.conftest import World


class Stuck:
    """A bcrypt that does not return before it may go on."""

    def __init__(self) -> None:
        self.go_on, self.has_begun = threading.Event(), threading.Event()
        self.hashpw = bcrypt.hashpw
        self.begun: list[bytes] = []

    def __call__(self, password: bytes, salt: bytes) -> bytes:
        self.begun.append(salt)
        self.has_begun.set()
        assert self.go_on.wait(30)
        return self.hashpw(password, salt)


@pytest.fixture
async def client(crowd: "World") -> AsyncIterator[httpx.AsyncClient]:
    await crowd.register()
    hasher = BcryptHasher(4, workers=WORKERS, queue_size=QUEUE)
    auth = crowd.serve(hasher)
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
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made
    hasher.close()


@pytest.fixture
def stuck(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    made = Stuck()
    monkeypatch.setattr(bcrypt, "hashpw", made)
    yield made
    made.go_on.set()


async def log_in(client: httpx.AsyncClient, password: str = PASSWORD, email: str = EMAIL) -> Any:
    return await client.post("/token", data={"username": email, "password": password})


async def test_with_room_in_the_queue_all_are_served(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(log_in(client) for _ in range(WORKERS + QUEUE)))
    assert [answer.status_code for answer in answers] == [200] * (WORKERS + QUEUE)


@pytest.mark.unhappy
async def test_beyond_a_full_queue_each_login_is_503_with_retry_after_whoever_it_is(
    client: httpx.AsyncClient, stuck: Stuck
) -> None:
    waiting = {asyncio.ensure_future(log_in(client, "wrong")) for _ in range(WORKERS + QUEUE + 3)}
    refused: set[Any] = set()
    while len(refused) < 3:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        refused |= done
    late = [await log_in(client), await log_in(client, "x" * 1025, "nobody@example.com")]
    for answer in (*(task.result() for task in refused), *late):
        assert (answer.status_code, answer.json()["code"]) == (503, "hasher_busy")
        assert int(answer.headers["retry-after"]) >= 1
    stuck.go_on.set()
    served = [task.result() for task in (await asyncio.wait(waiting))[0]]
    assert [answer.status_code for answer in served] == [401] * (WORKERS + QUEUE)
    assert len(stuck.begun) == WORKERS + QUEUE
    assert (await log_in(client)).status_code == 200


@pytest.mark.unhappy
async def test_while_all_workers_hash_the_service_answers(
    client: httpx.AsyncClient, stuck: Stuck
) -> None:
    waiting = [asyncio.ensure_future(log_in(client)) for _ in range(WORKERS + QUEUE)]
    assert await asyncio.to_thread(stuck.has_begun.wait, 30)
    assert (await client.get("/health/live")).status_code == 200
    assert not any(task.done() for task in waiting)
    stuck.go_on.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200] * len(waiting)
