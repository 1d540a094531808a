"""A standby that answers reads, and never with less than what the caller has written.

Who has written lately is remembered with the position of the commit in the primary's log; the
standby answers that caller once it has replayed so far. Positions are kept longer than a standby
that answers can be behind, so that no other caller needs one.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from time import monotonic
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bedplate.database.database import Database
from bedplate.database.failover import FailoverSession, Interruptible
from bedplate.database.read_only import ReadingViews
from bedplate.database.recent_writes import MemoryRecentWrites, RecentWrites, caller
from bedplate.database.standby_watch import StandbyWatch, lsn
from bedplate.errors import DatabaseUnavailableError, UnavailableError
from bedplate.logging import get_logger

__all__ = ["Replica", "Route"]

type Route = Literal[
    "replica", "caller_unknown", "caller_wrote", "writes_unknown", "not_close", "failed"
]
"""Where a read went: to the replica, or why it went to the primary."""

_log = get_logger("bedplate.replica")
_NOWHERE_YET = 2**63 - 1  # what no standby has replayed


class Replica:
    """Answers reads of a database where it may; ``Database.reading`` asks it.

    Args:
        primary: the database that is written to.
        standby: a streaming replica of it.
        writes: remembers who wrote; with several processes one that they share.
        lag: seconds that the standby may be behind.
        pooler: whether poolers in transaction mode stand before the servers.
    """

    def __init__(
        self,
        primary: Database,
        standby: Database,
        *,
        writes: RecentWrites | None = None,
        lag: float = 2.0,
        pooler: bool = False,
    ) -> None:
        self.standby = standby
        self._primary = primary
        self._shared = writes
        self._own = MemoryRecentWrites()
        self._kept = 2 * lag + 1
        self._watch = StandbyWatch(
            primary.engine.url,
            standby.engine.url,
            lag=lag,
            renew=standby.engine.dispose,
            pooler=pooler,
        )
        self._views = ReadingViews.of(standby.engine)
        self._unknown_until = float("-inf")
        self.routed: Callable[[Route], object] | None = None
        """Told of each unit of work that reads."""

    @property
    def trouble(self) -> str | None:
        """Why the standby does not answer readers; None if it does."""
        return self._watch.trouble

    async def session(self, *, snapshot: bool) -> AsyncSession | None:
        """Open a session on the standby; None if the primary has to answer.

        Args:
            snapshot: whether its reads all see one state.
        """
        who = caller()
        if who is None:
            self._tell("caller_unknown")
            return None
        if not await self._watch.is_close():
            self._tell("not_close")
            return None
        try:
            needed = await self._needed(who)
        except UnavailableError:
            self._tell("writes_unknown")
            return None
        if needed is not None and snapshot:
            # its state is that of its first statement: asking there would say too much
            self._tell("caller_wrote")
            return None
        session = self._open(snapshot=snapshot)
        if needed is not None and not await self._has_replayed(session, needed):
            await session.close()
            self._tell("caller_wrote")
            return None
        self._tell("replica")
        return session

    async def remember_commit(self) -> None:
        """Remember how far the log goes, for whoever caused the commit."""
        who = caller()
        if who is None:
            return
        try:
            position = await lsn(self._primary, replayed=False)
        except DatabaseUnavailableError:  # it is stored all the same
            position = _NOWHERE_YET
        await self._own.remember(who, position, self._kept)
        if self._shared is not None:
            try:
                await self._shared.remember(who, position, self._kept)
            except UnavailableError:
                self._know_nothing_for_a_while()

    def interrupting(self) -> AbstractContextManager[Interruptible]:
        """Have what ends a read when the standby is found not to answer."""
        return self._watch.interrupting()

    def gave_up(self, error: Exception) -> None:
        """Take note that the standby did not answer a read, which the primary answers instead."""
        self._watch.gave_up(error)
        self._tell("failed")

    async def close(self) -> None:
        """Close what it holds open; the two databases stay."""
        await self._watch.close()
        if self._shared is not None:
            await self._shared.close()

    async def _needed(self, who: str) -> int | None:
        own = await self._own.position(who)
        if self._shared is None:
            return own
        if monotonic() < self._unknown_until:
            raise UnavailableError
        try:
            shared = await self._shared.position(who)
        except UnavailableError:
            self._know_nothing_for_a_while()
            raise
        return max(own or 0, shared or 0) or None

    def _open(self, *, snapshot: bool) -> AsyncSession:
        view = self._views.snapshot if snapshot else self._views.autocommit
        reading = self._primary.snapshot_session if snapshot else self._primary.read_only_session
        session = AsyncSession(view, sync_session_class=FailoverSession, expire_on_commit=False)
        assert isinstance(session.sync_session, FailoverSession)  # noqa: S101 - made of it
        primary = reading().sync_session.get_bind()
        session.sync_session.begin_on(self, primary, snapshot=snapshot)
        return session

    async def _has_replayed(self, session: AsyncSession, needed: int) -> bool:
        statement = text("SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint")
        replayed = await session.scalar(statement)  # where its reads will go: others may be behind
        return replayed is not None and replayed >= needed

    def _tell(self, route: Route) -> None:
        if self.routed is not None:
            self.routed(route)

    def _know_nothing_for_a_while(self) -> None:
        """Read nothing from the standby until what was not remembered is old enough."""
        now = monotonic()
        if now >= self._unknown_until:
            _log.warning("recent_writes_unknown", remedy="the primary answers until Redis does")
        self._unknown_until = now + self._kept
