"""A connection pool whose waiters are served in the order they came.

SQLAlchemy's queue wakes a waiter when a connection comes back, but whoever asks in between takes
it, and the waiter goes to the end of the line: under load some wait for seconds. Here a
connection that comes back is handed to the first waiter directly.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, NamedTuple, override

from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import Empty, Full, QueueCommon

from bedplate.database.errors import error_of_preparing
from bedplate.errors import PoolTimeoutError

__all__ = ["FairPool", "PoolState", "PoolWatch"]

# SQLAlchemy does the same with its own pools, by their name: what they tell at INFO is chatter.
if not (_log := logging.getLogger(f"{__name__}.FairPool")).level:
    _log.setLevel(logging.WARNING)


class PoolState(NamedTuple):
    """How full a pool is."""

    size: int
    """Connections that it may open."""
    used: int
    """Connections that somebody has, those that are being opened among them."""
    idle: int
    """Connections that are open and free."""
    waiting: int
    """How many wait for one."""


@dataclass(frozen=True, slots=True)
class PoolWatch:
    """What is told about a pool; nothing here may raise."""

    changed: Callable[[PoolState], object]
    """Called after each change."""
    waited: Callable[[float], object]
    """Called for each connection that was asked for, with the seconds until it was there."""
    timed_out: Callable[[], object]
    """Called for each connection that was not there in time."""


class _FairQueue[T](QueueCommon[T]):
    """A bounded queue of free connections with a line of waiters."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:  # noqa: FBT001, FBT002
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._items: deque[T] = deque()
        self._waiters: deque[asyncio.Future[T]] = deque()
        self.on_wait: Callable[[], None] | None = None

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiters)

    @override
    def empty(self) -> bool:
        return not self._items

    @override
    def full(self) -> bool:
        return 0 < self.maxsize <= len(self._items)

    @override
    def qsize(self) -> int:
        return len(self._items)

    @override
    def put_nowait(self, item: T) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(item)
                return
        if self.full():
            raise Full
        self._items.append(item)

    @override
    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        self.put_nowait(item)

    @override
    def get_nowait(self) -> T:
        if not self._items:
            raise Empty
        return self._items.pop() if self.use_lifo else self._items.popleft()

    @override
    def get(self, block: bool = True, timeout: float | None = None) -> T:
        if self._items or not block:
            return self.get_nowait()
        item: T = await_only(self._wait(timeout))
        return item

    def wake_one(self) -> None:
        """Tell the first waiter that nothing comes, but that it may connect by itself."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(Empty())
                return

    async def _wait(self, timeout: float | None) -> T:  # noqa: ASYNC109
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        if self.on_wait is not None:
            self.on_wait()
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except BaseException as error:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                if isinstance(error, TimeoutError):
                    return waiter.result()  # it came at the last moment
                self.put_nowait(waiter.result())
            if isinstance(error, TimeoutError):
                raise Empty from error
            raise


class FairPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool for asyncio with fair waiting and a domain error at its end.

    Raises:
        PoolTimeoutError: on connecting, when no connection became free in time.
        DatabaseUnavailableError: on connecting, when a new one is lost before it is ready.
    """

    _queue_class = _FairQueue[ConnectionPoolEntry]
    _watches: tuple[PoolWatch, ...] = ()

    def watch(self, *watches: PoolWatch) -> None:
        """Tell these, and nobody else, how the pool changes; ``watches`` has who is told."""
        self._watches = watches
        if isinstance(self._pool, _FairQueue):
            self._pool.on_wait = self._changed if watches else None
        self._changed()

    @property
    def watches(self) -> tuple[PoolWatch, ...]:
        """Who is told how the pool changes."""
        return self._watches

    def state(self) -> PoolState:
        """Tell how full the pool is."""
        waiting = self._pool.waiting if isinstance(self._pool, _FairQueue) else 0
        return PoolState(self.size(), self.checkedout(), self.checkedin(), waiting)

    @override
    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except Exception as error:
            if (translated := error_of_preparing(error)) is not None:
                raise translated from error
            raise

    @override
    def recreate(self) -> "FairPool":
        new = super().recreate()
        assert isinstance(new, FairPool)  # noqa: S101 - it is of the same class
        new.watch(*self._watches)
        self._watches = ()  # what comes back to this one later is closed and concerns nobody
        return new

    @override
    def _do_get(self) -> ConnectionPoolEntry:
        if not self._watches:
            return self._get()
        began = perf_counter()
        try:
            entry = self._get()
        except BaseException as error:
            self._changed()
            if isinstance(error, PoolTimeoutError):
                for watch in self._watches:
                    watch.timed_out()
            raise
        self._changed()
        for watch in self._watches:
            watch.waited(perf_counter() - began)
        return entry

    def _get(self) -> ConnectionPoolEntry:
        try:
            return super()._do_get()
        except SQLAlchemyTimeoutError as error:
            raise PoolTimeoutError from error

    @override
    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        self._changed()

    @override
    def _dec_overflow(self) -> Literal[True]:
        done = super()._dec_overflow()
        if isinstance(self._pool, _FairQueue):
            self._pool.wake_one()  # who failed to connect leaves room for the next
        self._changed()
        return done

    def _changed(self) -> None:
        if self._watches:
            state = self.state()
            for watch in self._watches:
                watch.changed(state)
