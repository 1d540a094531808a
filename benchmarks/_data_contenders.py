"""The contenders, each on connections of its own, and the ways that each has for an operation."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import asyncpg
from _clock import Clock, busy, can_see, wall
from _data_asyncpg import Asyncpg
from _data_bedplate import Bedplate
from _data_handwritten import HandWritten
from _data_peers import AdvancedAlchemy, Sqlakeyset
from _rounds import Call, Way
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from bedplate.database import Database

OURS = "bedplate"
BY_HAND = "SQLAlchemy by hand"
DRIVER = "asyncpg alone"
ADVANCED = "Advanced Alchemy"
KEYSET = "sqlakeyset"

type Unit = Callable[[Any], Any]
"""Makes the object that has the operations, of a session or a connection."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One side of the comparison."""

    name: str
    kind: type[Any]
    connected: Callable[[], Any]
    """Opens a transaction, tells the process of its server, and rolls it back."""
    is_local: bool
    """Whether what the server does may be measured on this machine."""

    def ways(self, operation: str) -> Iterator[Way]:
        """Give its ways for an operation; none if it has none."""
        prepare = getattr(self.kind, f"{operation}_input", None)
        for name in vars(self.kind):
            plain, _, way = name.partition("__")
            if plain == operation:
                label = f"{self.name}: {way.replace('_', ' ')}" if way else self.name
                yield Way(
                    label,
                    lambda name=name: self._opened(name),
                    None if prepare is None else self._prepare(f"{operation}_input"),
                )

    @asynccontextmanager
    async def _opened(self, method: str) -> AsyncIterator[tuple[Call, Clock]]:
        async with self.connected() as (connected, pid):
            call = getattr(self.kind(connected), method)
            yield call, busy(pid) if self.is_local and can_see(pid) else wall

    def _prepare(self, method: str) -> Callable[[Any], Any]:
        async def prepare(given: object) -> object:
            async with self._opened(method) as (call, _):
                return await call(given)

        return prepare


class Contenders:
    """All of them on one database."""

    def __init__(self, url: URL, *, wall: bool) -> None:
        self._url = url.set(drivername="postgresql+asyncpg")
        self._is_local = not wall
        self._stack = AsyncExitStack()
        self.all: list[Contender] = []

    async def __aenter__(self) -> Self:
        database = await self._stack.enter_async_context(Database(self._url, pool_size=2))
        kinds: tuple[tuple[str, type[Any], Callable[[], Any]], ...] = (
            (OURS, Bedplate, lambda: _rolled_back(database.session())),
            (BY_HAND, HandWritten, self._sessions()),
            (DRIVER, Asyncpg, await self._connection()),
            (ADVANCED, AdvancedAlchemy, self._sessions()),
            (KEYSET, Sqlakeyset, self._sessions()),
        )
        self.all = [Contender(*kind, is_local=self._is_local) for kind in kinds]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def ways(self, operation: str) -> list[Way]:
        """Give all ways of an operation."""
        return [way for contender in self.all for way in contender.ways(operation)]

    def _sessions(self) -> Callable[[], Any]:
        engine: AsyncEngine = create_async_engine(self._url)
        self._stack.push_async_callback(engine.dispose)
        return lambda: _rolled_back(AsyncSession(engine, expire_on_commit=False))

    async def _connection(self) -> Callable[[], Any]:
        dsn = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(dsn)
        self._stack.push_async_callback(connection.close)

        @asynccontextmanager
        async def opened() -> AsyncIterator[tuple[asyncpg.Connection, int]]:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection, connection.get_server_pid()
            finally:
                await transaction.rollback()

        return opened


@asynccontextmanager
async def _rolled_back(session: AsyncSession) -> AsyncIterator[tuple[AsyncSession, int]]:
    async with session:
        await session.execute(text("SELECT 1"))  # BEGIN is not part of the first operation
        raw = await (await session.connection()).get_raw_connection()
        yield session, raw.driver_connection.get_server_pid()
