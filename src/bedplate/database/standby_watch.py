"""Whether a standby may answer: it must be one of this primary, and close behind it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from sqlalchemy import URL, TextClause, text

from bedplate.database.database import Database
from bedplate.database.failover import Interruptible
from bedplate.errors import DatabaseUnavailableError
from bedplate.logging import get_logger

__all__ = ["StandbyWatch", "lsn"]

_log = get_logger("bedplate.replica")

_PRIMARY = text(
    "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint, system_identifier FROM pg_control_system()"
)
_STANDBY = text(
    "SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint, system_identifier, pg_is_in_recovery()"
    " FROM pg_control_system()"
)


class _NotItsStandbyError(Exception):
    """What answers there is no standby of this primary."""


class StandbyWatch:
    """Looks at a standby while it is read from, each time with one question to both servers.

    A standby counts as close while it is known to have had, no more than ``lag`` seconds ago, all
    that the primary had then. Clocks of servers are not compared, so they need not agree.

    Args:
        primary: where the primary is asked.
        standby: where the standby is asked.
        lag: seconds that it may be behind.
        renew: closes the readers' connections to the standby.
        pooler: whether poolers in transaction mode stand before them.
    """

    def __init__(
        self,
        primary: URL,
        standby: URL,
        *,
        lag: float,
        renew: Callable[[], Awaitable[object]],
        pooler: bool = False,
    ) -> None:
        self._patience = min(1.0, lag)
        self._renew = renew
        # connections of its own, lest a full pool be taken for a server that does not answer
        self._primary, self._standby = (
            Database(
                url,
                pool_size=1,
                pool_timeout=self._patience,
                connect_timeout=self._patience,
                transaction_pooler=pooler,
            )
            for url in (primary, standby)
        )
        self._lag = lag
        self._interval = lag / 4
        self._close_at = self._looked_at = float("-inf")
        self._awaited: deque[tuple[float, int]] = deque(maxlen=64)
        self._look: asyncio.Task[None] | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._told: str | None = None
        self._under_way: set[Interruptible] = set()
        self._abandoned: set[asyncio.Task[object]] = set()

    @property
    def trouble(self) -> str | None:
        """Why the standby does not answer readers: the name of an error, or ``lagging``."""
        return self._told

    async def is_close(self) -> bool:
        """Tell whether the standby may answer now; looks at it again when it is time to."""
        now = monotonic()
        if now - self._looked_at >= self._interval:
            looking = self._begin_to_look(now)
            if now - self._close_at > self._lag and self._told is None:
                await asyncio.shield(looking)  # the first, or the first for long
        return self._told is None and monotonic() - self._close_at <= self._lag

    def gave_up(self, error: Exception) -> None:
        """Take note that a reader got no answer: nobody else asks there until it was looked at."""
        self._keep_away(type(error).__name__)

    @contextmanager
    def interrupting(self) -> Iterator[Interruptible]:
        """Have what ends a read when the standby is found not to answer."""
        read = Interruptible()
        self._under_way.add(read)
        if self._next_look is None:
            self._look_later()
        try:
            yield read
        finally:
            self._under_way.discard(read)

    async def close(self) -> None:
        """Close its connections."""
        if self._next_look is not None:
            self._next_look.cancel()
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)
        await asyncio.gather(*self._abandoned, return_exceptions=True)
        await self._primary.dispose()
        await self._standby.dispose()

    def _begin_to_look(self, now: float) -> asyncio.Task[None]:
        if self._look is None or self._look.done():
            self._looked_at = now
            self._look = asyncio.create_task(self._look_once(), name="standby")
        return self._look

    def _look_later(self) -> None:
        """Look while reads are under way, though nobody else comes to read."""
        loop = asyncio.get_running_loop()
        self._next_look = loop.call_later(self._interval, self._look_if_read_from)

    def _look_if_read_from(self) -> None:
        self._next_look = None
        if not self._under_way:
            return
        now = monotonic()
        if now - self._looked_at >= self._interval:
            self._begin_to_look(now)
        self._look_later()

    async def _look_once(self) -> None:
        now = monotonic()
        try:
            position, cluster = await self._ask_primary()
            replayed = await self._ask_standby(cluster)
        except Exception as error:  # noqa: BLE001 - whatever it is, readers have the primary
            self._keep_away(type(error).__name__)
            return
        if position is None:
            # nobody can say better what is stored, and without the primary nothing is added to it
            self._close_at = now
        else:
            self._awaited.append((now, position))
            while self._awaited and self._awaited[0][1] <= replayed:
                self._close_at = self._awaited.popleft()[0]
        since = max(self._close_at, self._awaited[0][0] if self._awaited else now)
        if monotonic() - since > self._lag:
            self._keep_away("lagging")
        elif monotonic() - self._close_at > self._lag:
            return  # nothing is known yet
        elif self._told is not None:
            await self._renew()  # connections that it has ended, lest the next readers find them
            self._told = None
            _log.info("replica_used_again")

    async def _ask_primary(self) -> tuple[int | None, int | None]:
        try:
            position, cluster = await self._ask(self._primary, _PRIMARY)
        except (DatabaseUnavailableError, TimeoutError):
            return None, None
        return position, cluster

    async def _ask_standby(self, cluster: int | None) -> int:
        replayed, of, is_standby = await self._ask(self._standby, _STANDBY)
        if not is_standby or (cluster is not None and cluster != of):
            raise _NotItsStandbyError
        return int(replayed or 0)

    async def _ask(self, database: Database, question: TextClause) -> tuple[Any, ...]:
        """Give the row of an answer, without waiting for a connection that takes long to give up.

        Raises:
            DatabaseUnavailableError: the server refuses, or has ended the connection.
            TimeoutError: it does not answer.
        """

        async def ask() -> tuple[Any, ...]:
            async with database.read_only_session() as session:
                return tuple((await session.execute(question)).one())

        asking: asyncio.Task[Any] = asyncio.create_task(ask())
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(asking)
        finally:
            if not asking.done():
                asking.cancel()
                self._abandoned.add(asking)
                asking.add_done_callback(self._forget)

    def _forget(self, abandoned: asyncio.Task[object]) -> None:
        self._abandoned.discard(abandoned)
        if not abandoned.cancelled():
            abandoned.exception()  # nobody waits for it any more

    def _keep_away(self, trouble: str) -> None:
        if self._told is None:
            _log.warning("replica_not_used", reason=trouble)
        self._told = trouble
        self._close_at = float("-inf")
        if trouble != "lagging":
            self._awaited.clear()
            for read in self._under_way:
                read.interrupt()


async def lsn(database: Database, *, replayed: bool) -> int:
    """Give how far a server's log goes: what a standby has replayed, or a primary has written.

    Args:
        database: the server's.
        replayed: whether it is a standby.
    """
    function = "pg_last_wal_replay_lsn" if replayed else "pg_current_wal_insert_lsn"
    async with database.read_only_session() as session:
        found = await session.scalar(text(f"SELECT ({function}() - '0/0')::bigint"))
    return int(found or 0)
