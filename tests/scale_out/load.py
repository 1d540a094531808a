"""Clients of the service that never stop, and a book of all that they were told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from uuid import uuid4

import httpx
from tests.scale_out.stack import DROPPED

PASSWORD = "kite-lantern-41-otter"
CLIENTS = 6
PAUSE = 0.02
TIMEOUT = 20.0
OUR_FAULT = 500


@dataclass
class Phase:
    """What was answered while one thing went wrong."""

    name: str
    began: float = field(default_factory=monotonic)
    answers: Counter[str] = field(default_factory=Counter)
    last_error: float | None = None
    back_at: float | None = None
    """When that which was out answered again."""

    @property
    def errors(self) -> int:
        """How many requests had no answer, or one of 500 and above."""
        return self.answers.total() - self.answers["well"]

    def back(self) -> None:
        """Say that what was out answers again."""
        self.back_at = monotonic()

    def row(self) -> str:
        """Give the row of the table."""
        kinds = [f"{n} x {what}" for what, n in sorted(self.answers.items()) if what != "well"]
        out = "-" if self.back_at is None else f"{self.back_at - self.began:.1f} s"
        which = ", ".join(kinds) or "-"
        cells = (self.name, self.answers.total(), out, self.errors, which, self._last())
        return f"| {' | '.join(map(str, cells))} |"

    def _last(self) -> str:
        if self.last_error is None:
            return "-"
        if self.back_at is None:
            return f"{self.last_error - self.began:.1f} s after it began"
        return f"{max(0.0, self.last_error - self.back_at):.1f} s after it was back"


@dataclass
class Book:
    """All that clients were told, to be compared with the database at the end."""

    stored: set[str] = field(default_factory=set)
    """Names of entries whose writing was acknowledged."""
    stale: list[str] = field(default_factory=list)
    """Of these, what the one who wrote it did not find afterwards."""
    dropped: int = 0
    """Entries that the service took back, with the job that it had enqueued for each."""
    rotations: int = 0
    torn: list[str] = field(default_factory=list)
    """Refresh tokens that had two successors, or none that was told."""


class Load:
    """Clients behind a proxy, each with an address of its own.

    Args:
        url: of the proxy.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.book = Book()
        self.phases: list[Phase] = []
        self.phase = Phase("before")
        self.changed = asyncio.Condition()
        self.ended = False

    def enter(self, name: str) -> Phase:
        """Begin to count anew."""
        self.phase = Phase(name)
        self.phases.append(self.phase)
        return self.phase

    async def answered(self, count: int) -> None:
        """Wait until this many more requests were answered well, by all clients together."""
        async with asyncio.timeout(300):
            goal = self.phase.answers["well"] + count
            async with self.changed:
                await self.changed.wait_for(lambda: self.phase.answers["well"] >= goal)

    async def run(self, number: int) -> None:
        """Be one client, until told to end."""
        address = f"198.51.100.{number + 1}"
        limits = httpx.Limits(max_keepalive_connections=4, keepalive_expiry=2)
        async with httpx.AsyncClient(
            base_url=self.url,
            timeout=TIMEOUT,
            limits=limits,
            headers={"x-forwarded-for": address},
        ) as client:
            await _Client(self, client, number).live()

    async def send(
        self, client: httpx.AsyncClient, method: str, path: str, **request: object
    ) -> httpx.Response | None:
        """Send a request and book how it ended; None where there was no answer that counts."""
        phase = self.phase
        answer: httpx.Response | None = None
        try:
            got = await client.request(method, f"/api/v1{path}", **request)  # type: ignore[arg-type] # the caller's
        except httpx.TransportError as error:
            what = type(error).__name__
        else:
            what = "well" if got.status_code < OUR_FAULT else f"{got.status_code}"
            answer = got if got.status_code < OUR_FAULT else None
        phase.answers[what] += 1
        if answer is None:
            phase.last_error = monotonic()
        async with self.changed:
            self.changed.notify_all()
        await asyncio.sleep(PAUSE)
        return answer

    async def insist(
        self, client: httpx.AsyncClient, method: str, path: str, **request: object
    ) -> httpx.Response:
        """Send a request until it is answered."""
        while True:
            answer = await self.send(client, method, path, **request)
            if answer is not None:
                return answer
            await asyncio.sleep(0.1)


class _Client:
    def __init__(self, load: Load, client: httpx.AsyncClient, number: int) -> None:
        self.load, self.client, self.number = load, client, number
        self.email = f"client-{number}-{uuid4().hex}@example.com"

    async def live(self) -> None:
        account = {"email": self.email, "password": PASSWORD}
        opened = await self.load.insist(self.client, "POST", "/users", json=account)
        assert opened.status_code == 201, opened.text
        form = {"username": self.email, "password": PASSWORD}
        answer = await self.load.insist(self.client, "POST", "/auth/token", data=form)
        self.pair = answer.json()
        while not self.load.ended:
            for _ in range(8):
                await self.write_and_read()
            await self.write_in_vain()
            await self.refresh()

    async def write_and_read(self) -> None:
        """Write, until it is acknowledged or found to be there, and read that at once."""
        name = uuid4().hex
        written = await self.ask("POST", "/entries", json={"name": name})
        assert written.status_code in {201, 409}, written.text
        self.load.book.stored.add(name)
        if written.status_code == 201:
            path = f"/entries/{written.json()['id']}"
            found = await self.ask("GET", path)
            if found.status_code != 200:
                self.load.book.stale.append(name)
        await self.ask("GET", "/entries?limit=5")

    async def write_in_vain(self) -> None:
        """Write what the service takes back, with the job that it has enqueued for it."""
        answer = await self.ask("POST", "/entries", json={"name": f"{DROPPED}{uuid4().hex}"})
        assert answer.status_code == 422, answer.text
        self.load.book.dropped += 1

    async def ask(self, method: str, path: str, **request: object) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.pair['access_token']}"}
        return await self.load.insist(self.client, method, path, headers=headers, **request)

    async def refresh(self) -> None:
        """Present one refresh token three times at once: all who are answered get one successor."""
        token = self.pair["refresh_token"]
        body = {"refresh_token": token}
        answers = await asyncio.gather(
            *(self.load.send(self.client, "POST", "/auth/refresh", json=body) for _ in range(3))
        )
        told = [answer for answer in answers if answer is not None]
        if not told:
            told = [await self.load.insist(self.client, "POST", "/auth/refresh", json=body)]
        statuses = {answer.status_code for answer in told}
        if statuses != {200} or len({each.json()["refresh_token"] for each in told}) != 1:
            self.load.book.torn.append(f"{statuses} {[answer.text for answer in told]}")
            return
        self.pair = told[0].json()
        self.load.book.rotations += 1


@asynccontextmanager
async def running(load: Load) -> AsyncIterator[Load]:
    """Let all clients run inside an `async with` block."""
    async with asyncio.TaskGroup() as clients:
        for number in range(CLIENTS):
            clients.create_task(load.run(number))
        yield load
        load.ended = True
