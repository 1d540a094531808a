"""What is measured of the database: each operation, and the pool of connections."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter

from bedplate.database import Database, FairPool
from bedplate.database.observing import Ended, observe_operations
from bedplate.database.pool import PoolState, PoolWatch
from bedplate.metrics.instruments import Backend, Description

_SYSTEM = "postgresql"
_BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
_POOL = ("db.client.connection.pool.name",)


class DatabaseMetrics:
    """Duration of statements and commits; connections in use, free and waited for."""

    def __init__(self, backend: Backend) -> None:
        self._duration = backend.histogram(
            Description(
                name="db.client.operation.duration",
                text="Duration of database operations, from sending them to having the answer.",
                unit="s",
                labels=("db.system.name", "db.operation.name", "db.collection.name", "error.type"),
            ),
            _BOUNDS,
        )
        self._connections = backend.gauge(
            Description(
                name="db.client.connection.count",
                text="Connections of the pool that are used or idle.",
                unit="{connection}",
                labels=(*_POOL, "db.client.connection.state"),
            )
        )
        self._most = backend.gauge(
            Description(
                name="db.client.connection.max",
                text="Connections that the pool may open.",
                unit="{connection}",
                labels=_POOL,
            )
        )
        self._waiting = backend.gauge(
            Description(
                name="db.client.connection.pending_requests",
                text="How many wait for a connection.",
                unit="{request}",
                labels=_POOL,
            )
        )
        self._wait = backend.histogram(
            Description(
                name="db.client.connection.wait_time",
                text="Time until a connection of the pool was there.",
                unit="s",
                labels=_POOL,
            ),
            _BOUNDS,
        )
        self._routes = backend.counter(
            Description(
                name="bedplate.replica.reads",
                text="Units of work that only read, by where they went: replica, or why not there.",
                unit="{read}",
                labels=(*_POOL, "bedplate.route"),
            )
        )
        self._timeouts = backend.counter(
            Description(
                name="db.client.connection.timeouts",
                text="How often no connection was there in time.",
                unit="{timeout}",
                labels=_POOL,
            )
        )

    @contextmanager
    def watching(self, database: Database, name: str) -> Iterator[None]:
        """Measure a database inside a ``with`` block, and its replica if it has one.

        Args:
            database: one that is open.
            name: what its pool is called; that of the replica is called ``<name>-replica``.
        """
        with ExitStack() as stack:
            stack.enter_context(self._watching_one(database, name))
            replica = database.replica
            if replica is not None:
                stack.enter_context(self._watching_one(replica.standby, f"{name}-replica"))
                replica.routed = lambda route: self._routes.count((name, route))
                stack.callback(setattr, replica, "routed", None)
            yield

    @contextmanager
    def _watching_one(self, database: Database, name: str) -> Iterator[None]:
        watch = self._watch(name)
        with observe_operations(database.engine, self._observe):
            _tell(database, watch)
            try:
                yield
            finally:
                _tell_no_more(database, watch)
                watch.changed(PoolState(0, 0, 0, 0))

    def _observe(self, operation: str, table: str | None) -> Ended:
        began, record = perf_counter(), self._duration.record

        def ended(error: str | None) -> None:
            record(perf_counter() - began, (_SYSTEM, operation, table, error))

        return ended

    def _watch(self, name: str) -> PoolWatch:
        used, idle, of = (name, "used"), (name, "idle"), (name,)

        def changed(state: PoolState) -> None:
            self._most.set(state.size, of)
            self._connections.set(state.used, used)
            self._connections.set(state.idle, idle)
            self._waiting.set(state.waiting, of)

        return PoolWatch(
            changed,
            waited=lambda seconds: self._wait.record(seconds, of),
            timed_out=lambda: self._timeouts.count(of),
        )


def _tell(database: Database, watch: PoolWatch) -> None:
    pool = database.engine.pool
    if isinstance(pool, FairPool):
        pool.watch(*pool.watches, watch)


def _tell_no_more(database: Database, watch: PoolWatch) -> None:
    pool = database.engine.pool
    if isinstance(pool, FairPool):
        pool.watch(*(other for other in pool.watches if other is not watch))
