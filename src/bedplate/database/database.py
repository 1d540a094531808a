"""The database of a service: its engine, its sessions, its transactions."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    create_async_engine,
)
from sqlalchemy.orm import Session

from bedplate.database.connecting import connect_args
from bedplate.database.direct import allow_direct
from bedplate.database.errors import translate_errors
from bedplate.database.pool import FairPool
from bedplate.database.read_only import JoiningReadOnlySession, ReadingViews, ReadOnlySession
from bedplate.database.sessions import DomainSession
from bedplate.database.url import Secret, parse_url
from bedplate.errors import RetryableError

if TYPE_CHECKING:
    from bedplate.database.replica import Replica

__all__ = ["Database"]

_RECYCLE = 1800
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0


class Database:
    """Opens sessions on a pool of connections, and raises domain errors from all of them.

    The pool never opens more connections than its size: size it a quarter larger than the number
    of transactions that run at once, and keep the sum over all processes below the server's
    ``max_connections``.

    Args:
        url: ``postgresql://...``, ``postgresql+asyncpg://...`` or ``postgresql+psycopg://...``.
        pool_size: most connections that are open at once.
        pool_timeout: seconds to wait for a free connection.
        connect_timeout: seconds that opening a connection may take.
        statement_timeout: seconds that a statement may take, or None for the server's setting.
        transaction_pooler: whether the URL leads through a pooler in transaction mode, such as
            PgBouncer: nothing is kept in a server's session, and no statement prepared there.
        echo: whether to log every statement.

    Raises:
        ConfigurationError: when the URL cannot be used, or a pooler would lose the
            ``statement_timeout``.
    """

    def __init__(
        self,
        url: str | Secret | URL,
        *,
        pool_size: int = 10,
        pool_timeout: float = 5.0,
        connect_timeout: float = 5.0,
        statement_timeout: float | None = None,
        transaction_pooler: bool = False,
        echo: bool = False,
    ) -> None:
        parsed = parse_url(url)
        self._connection: AsyncConnection | None = None
        self.replica: Replica | None = None
        self.engine: AsyncEngine = create_async_engine(
            parsed,
            poolclass=FairPool,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            pool_recycle=_RECYCLE,
            echo=echo,
            hide_parameters=True,
            connect_args=connect_args(
                parsed,
                connect_timeout=connect_timeout,
                statement_timeout=statement_timeout,
                pooler=transaction_pooler,
            ),
        )
        translate_errors(self.engine)
        self._reading = ReadingViews.of(self.engine)
        if self.engine.dialect.driver == "asyncpg" and not transaction_pooler:
            allow_direct(self._reading.autocommit, self.engine)

    @classmethod
    def bound_to(cls, connection: AsyncConnection) -> Self:
        """Give a database whose sessions all join one open connection, by savepoints.

        Their commits release a savepoint: the transaction of the connection decides. For tests.
        """
        database = cls.__new__(cls)
        database.engine = connection.engine
        database._connection = connection
        database.replica = None
        translate_errors(connection.engine)
        return database

    def session(self) -> AsyncSession:
        """Open a session; nothing is sent before its first statement."""
        if self._connection is None:
            return AsyncSession(
                self.engine, sync_session_class=DomainSession, expire_on_commit=False
            )
        return _joining(self._connection, DomainSession)

    def read_only_session(self) -> AsyncSession:
        """Open a session in which each statement is a transaction, and none may write.

        It begins and ends nothing on the server, so a read is one round trip. What would write is
        refused with RuntimeError before it is sent.
        """
        if self._connection is None:
            return _reading(self._reading.autocommit)
        return _joining(self._connection, JoiningReadOnlySession)

    def snapshot_session(self) -> AsyncSession:
        """Open a session whose reads all see one state: REPEATABLE READ, READ ONLY.

        What would write is refused with RuntimeError before it is sent, and by the server.
        """
        if self._connection is None:
            return _reading(self._reading.snapshot)
        return _joining(self._connection, JoiningReadOnlySession)

    async def reading(self, *, snapshot: bool = False) -> AsyncSession:
        """Open a session that only reads, on the replica if there is one that may answer.

        Args:
            snapshot: whether its reads all see one state, as in ``snapshot_session``.
        """
        open_session = self.snapshot_session if snapshot else self.read_only_session
        if self.replica is None:
            return open_session()
        return await self.replica.session(snapshot=snapshot) or open_session()

    async def committed(self) -> None:
        """Take note of a commit, so that who asked for it reads nothing older from the replica.

        Units of work and ``run_in_transaction`` do it by themselves.
        """
        if self.replica is not None:
            await self.replica.remember_commit()

    async def ping(self) -> None:
        """Ask the database for an answer.

        Raises:
            DatabaseUnavailableError: when there is none.
        """
        async with self._connected() as connection:
            await connection.execute(text("SELECT 1"))

    async def run_in_transaction[T](
        self, work: Callable[[AsyncSession], Awaitable[T]], *, attempts: int = 3
    ) -> T:
        """Do work in one transaction and commit; on a collision with another, do it again.

        Args:
            work: called with a fresh session for each attempt; it may run more than once, so it
                touches nothing but the database.
            attempts: how often at most.

        Raises:
            RetryableError: when the last attempt collided too.
        """
        for attempt in range(1, attempts + 1):
            try:
                async with self.session() as session, session.begin():
                    result = await work(session)
            except RetryableError:
                if attempt == attempts:
                    raise
            else:
                await self.committed()
                return result
            await asyncio.sleep(_pause(attempt))
        raise ValueError(f"attempts is {attempts}; at least 1 is needed")

    async def dispose(self) -> None:
        """Close all connections; one that the database was bound to stays open."""
        if self._connection is None:
            await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.dispose()

    def _connected(self) -> AbstractAsyncContextManager[AsyncConnection]:
        if self._connection is None:
            return self.engine.connect()
        return _left_open(self._connection)


def _reading(engine: AsyncEngine) -> AsyncSession:
    return AsyncSession(engine, sync_session_class=ReadOnlySession, expire_on_commit=False)


def _joining(connection: AsyncConnection, kind: type[Session]) -> AsyncSession:
    return AsyncSession(
        connection,
        sync_session_class=kind,
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
    )


@asynccontextmanager
async def _left_open(connection: AsyncConnection) -> AsyncGenerator[AsyncConnection]:
    yield connection


def _pause(attempt: int) -> float:
    """Give seconds to wait: exponential with full jitter, so that colliders part."""
    longest: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
    return random.uniform(0, longest)  # noqa: S311 - nothing secret
