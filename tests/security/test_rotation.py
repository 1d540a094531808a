"""The procedure of docs/how-to/rotate-keys.md, on two processes of a generated service under load."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.security.served import PATIENCE, Instance

from bedplate.auth.asymmetric_keys import asymmetric_key, generate_private_key
from bedplate.auth.keys import Key, generate_secret
from bedplate.testing.contracts.attack import ME, decode

CLIENTS = 4
PAUSE = 0.02  # seconds between a client's requests, so that an instance that starts gets its share
PASSWORD = "kite-lantern-41-otter"
# the three steps of the procedure: settings of the old key alone, and of each step
type Steps = tuple[dict[str, str], dict[str, str], dict[str, str], dict[str, str]]


@dataclass
class Fleet:
    """The instances behind a load balancer, which sends nothing to one that is being deployed."""

    instances: list[Instance]
    serving: list[Instance] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)
    idle: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[str]:
        """Send a request to one that serves."""
        url = random.choice(self.serving).url
        self.under_way[url] += 1
        try:
            yield url
        finally:
            self.under_way[url] -= 1
            async with self.idle:
                self.idle.notify_all()

    async def deploy(self, settings: dict[str, str]) -> None:
        """Deploy to one after the other, while the rest serves."""
        for instance in self.instances:
            self.serving.remove(instance)
            async with self.idle:
                await self.idle.wait_for(partial(self._is_idle, instance))
            await instance.restart(**settings)
            self.serving.append(instance)

    def _is_idle(self, instance: Instance) -> bool:
        return not self.under_way[instance.url]


class Load:
    """Clients that log in once, and then call and refresh without a pause until they are told."""

    def __init__(self, fleet: Fleet, client: httpx.AsyncClient) -> None:
        self.fleet = fleet
        self.client = client
        self.answers: Counter[str] = Counter()
        self.kids: dict[int, str] = {}
        """The key of each client's token."""
        self.changed = asyncio.Condition()
        self.ended = False

    async def run(self, number: int) -> None:
        email = f"client-{number}-{generate_secret()[:12].lower()}@example.com".replace("_", "x")
        opened = await self.send(
            "POST", "/api/v1/users", json={"email": email, "password": PASSWORD}
        )
        form = {"username": email, "password": PASSWORD}
        pair = (await self.send("POST", "/api/v1/auth/token", data=form)).json()
        assert opened.status_code == 201
        while not self.ended:
            await self.note(number, pair["access_token"])
            for _ in range(random.randrange(3, 8)):
                headers = {"authorization": f"Bearer {pair['access_token']}"}
                await self.send("GET", ME, headers=headers)
            token = {"refresh_token": pair["refresh_token"]}
            answer = await self.send("POST", "/api/v1/auth/refresh", json=token)
            pair = answer.json() if answer.is_success else pair

    async def send(self, method: str, path: str, **request: object) -> httpx.Response:
        await asyncio.sleep(PAUSE)
        async with self.fleet.one() as url:
            answer = await self.client.request(method, url + path, **request)  # type: ignore[arg-type]
        self.answers[
            "served" if answer.is_success else f"{method} {path} {answer.status_code}"
        ] += 1
        return answer

    async def note(self, number: int, token: str) -> None:
        async with self.changed:
            self.kids[number] = decode(token.partition(".")[0])["kid"]
            self.changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(condition)

    async def a_while(self) -> None:
        """Wait until some more requests were answered."""
        goal = self.answers.total() + 60
        await self.until(lambda: self.answers.total() >= goal)


def shared_secrets() -> tuple[Steps, str, str]:
    old, new = generate_secret(), generate_secret()
    steps: Steps = (
        {"SECRET_KEY": old, "SECRET_KEY_PREVIOUS": ""},
        {"SECRET_KEY": old, "SECRET_KEY_PREVIOUS": new},
        {"SECRET_KEY": new, "SECRET_KEY_PREVIOUS": old},
        {"SECRET_KEY": new, "SECRET_KEY_PREVIOUS": ""},
    )
    return steps, Key.hs256(old).kid, Key.hs256(new).kid


def key_pairs() -> tuple[Steps, str, str]:
    old, new = generate_private_key(), generate_private_key()
    none = {"TOKEN_ALGORITHM": "ES256", "TOKEN_KEYS_PENDING": "", "TOKEN_KEYS_RETIRING": ""}
    steps: Steps = (
        {**none, "TOKEN_KEY": old},
        {**none, "TOKEN_KEY": old, "TOKEN_KEYS_PENDING": new},
        {**none, "TOKEN_KEY": new, "TOKEN_KEYS_RETIRING": old},
        {**none, "TOKEN_KEY": new},
    )
    return steps, asymmetric_key(old).kid, asymmetric_key(new).kid


@asynccontextmanager
async def under_load(
    folder: Path, environment: dict[str, str], settings: dict[str, str]
) -> AsyncIterator[tuple[Fleet, Load]]:
    """Two instances, and clients that use them all the time."""
    made = [Instance(folder, environment | settings) for _ in range(2)]
    async with made[0], made[1], httpx.AsyncClient(timeout=PATIENCE) as client:
        fleet = Fleet(made, list(made))
        load = Load(fleet, client)
        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(load.run(number))
            await load.until(lambda: len(load.kids) == CLIENTS)
            yield fleet, load
            load.ended = True


@pytest.mark.parametrize("kind", [shared_secrets, key_pairs])
async def test_keys_rotate_without_a_failed_request(
    folder: Path, environment: dict[str, str], kind: Callable[[], tuple[Steps, str, str]]
) -> None:
    (before, announce, switch, remove), old, new = kind()
    async with under_load(folder, environment, before) as (fleet, load):
        assert set(load.kids.values()) == {old}
        await fleet.deploy(announce)
        await load.a_while()
        assert set(load.kids.values()) == {old}, "the new key signs nothing yet"
        await fleet.deploy(switch)
        await load.until(lambda: set(load.kids.values()) == {new})
        await fleet.deploy(remove)
        await load.a_while()
    failed = {what: count for what, count in load.answers.items() if what != "served"}
    assert failed == {}
    assert load.answers["served"] > 200


@pytest.mark.unhappy
async def test_without_the_first_step_requests_fail(
    folder: Path, environment: dict[str, str]
) -> None:
    """What an instance signs that was deployed first, the others do not know."""
    (before, _, switch, _), _, new = shared_secrets()
    async with under_load(folder, environment, before) as (fleet, load):
        first, second = fleet.instances
        fleet.serving.remove(first)
        async with fleet.idle:
            await fleet.idle.wait_for(lambda: not fleet.under_way[first.url])
        await first.restart(**switch)
        fleet.serving.append(first)
        await load.until(lambda: new in load.kids.values())
        await load.until(lambda: load.answers[f"GET {ME} 401"] > 0)
        assert second in fleet.serving


@pytest.mark.unhappy
async def test_of_forty_refreshes_at_two_processes_one_rotates(
    folder: Path, environment: dict[str, str]
) -> None:
    made = [Instance(folder, environment) for _ in range(2)]
    async with made[0], made[1], httpx.AsyncClient(timeout=PATIENCE) as client:
        email = f"forty-{generate_secret()[:12].lower()}@example.com".replace("_", "x")
        account = {"email": email, "password": PASSWORD}
        (await client.post(f"{made[0].url}/api/v1/users", json=account)).raise_for_status()
        form = {"username": email, "password": PASSWORD}
        pair = (await client.post(f"{made[0].url}/api/v1/auth/token", data=form)).json()
        for _ in range(5):
            token = {"refresh_token": pair["refresh_token"]}
            answers = await asyncio.gather(
                *(
                    client.post(f"{made[number % 2].url}/api/v1/auth/refresh", json=token)
                    for number in range(40)
                )
            )
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.json()["refresh_token"] for answer in answers}) == 1
            pair = answers[0].json()
