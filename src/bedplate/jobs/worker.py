"""The worker: takes jobs from the queue and runs them until it is told to stop."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from pgqueuer.core.executors import EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.errors import FailingListenerError
from pgqueuer.domain.types import QueueExecutionMode
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bedplate.database.errors import domain_error, translate_errors
from bedplate.database.url import Secret, parse_url
from bedplate.errors import ConfigurationError, UnavailableError
from bedplate.jobs.declaration import Jobs
from bedplate.jobs.engine import backlog_on, connected, queries_on
from bedplate.jobs.execution import Executor, Running, run_schedule
from bedplate.jobs.listening import Backlog, JobListener, Silent
from bedplate.jobs.schema import SCHEMA
from bedplate.logging import get_logger

__all__ = ["Worker"]

_log = get_logger("bedplate.jobs")

# where no notification came, and to see that the database is there
_LOOK_AGAIN = timedelta(seconds=5)
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_LAST_GRACE = 5.0
_MEASURE_EACH = 15.0
# What drivers raise, without a SQLSTATE, on a connection that is closed or was lost in a statement.
_CLOSED = frozenset(
    {"ConnectionDoesNotExistError", "InterfaceError", "InternalClientError", "OperationalError"}
)


class Worker[R]:
    """Runs the jobs of a service, each at least once.

    It holds one connection of its own, which listens: it cannot go through a pooler in transaction
    mode. A worker that dies leaves its jobs to the others, who begin them anew once its heartbeat
    is missed. When the database goes away it waits for it.

    Args:
        jobs: all that the service declares.
        url: of the database, directly and not through a pooler.
        open_resources: opens what the handlers share, for as long as the worker runs.
        concurrency: how many jobs run at once, at least 2.
        heartbeat: after how long without a sign of its worker a job is begun anew elsewhere.
        grace: seconds that jobs have to end once it is told to stop; then they are interrupted and
            go back to the queue.
        listener: told how each attempt ended and what waits, such as ``Metrics.jobs``.

    Raises:
        ConfigurationError: when the URL cannot be used.
        ValueError: when ``concurrency`` is less than 2.
    """

    def __init__(
        self,
        jobs: Jobs[R],
        url: str | Secret,
        open_resources: Callable[[], AbstractAsyncContextManager[R]],
        *,
        concurrency: int = 10,
        heartbeat: timedelta = timedelta(seconds=30),
        grace: float = 20.0,
        listener: JobListener | None = None,
    ) -> None:
        if concurrency < 2:  # noqa: PLR2004 - PgQueuer fetches half as many at once
            raise ValueError(f"concurrency is {concurrency}; at least 2 is needed")
        self._jobs = jobs
        self._url = parse_url(url)
        self._open_resources = open_resources
        self._concurrency = concurrency
        self._heartbeat = heartbeat
        self._grace = grace
        self._stopping = asyncio.Event()
        self._lost = asyncio.Event()
        self._running = Running()
        self._listener = listener or Silent()
        self._connected = False

    @property
    def ready(self) -> bool:
        """Whether it is connected to the queue and takes jobs."""
        return self._connected and not self._stopping.is_set() and not self._lost.is_set()

    async def run(self) -> None:
        """Run jobs until ``stop`` is called, and those under way to their end.

        Raises:
            ConfigurationError: the database has no tables for jobs.
        """
        await self._work(QueueExecutionMode.continuous)

    async def run_waiting(self) -> None:
        """Run the jobs that wait, then return; for tests, and for a scheduler that starts workers.

        Raises:
            ConfigurationError: the database has no tables for jobs.
        """
        await self._work(QueueExecutionMode.drain)

    def stop(self) -> None:
        """Take no more jobs; ``run`` returns when those under way have ended."""
        self._stopping.set()

    async def _work(self, mode: QueueExecutionMode) -> None:
        pause = _FIRST_PAUSE
        async with self._open_resources() as resources:
            while True:
                try:
                    async with self._managers(resources) as (queue, scheduler):
                        pause = _FIRST_PAUSE
                        await self._manage_connected(queue, scheduler, mode)
                except Exception as error:
                    if not _is_outage(error):
                        raise
                    _log.error("jobs_database_lost", error_type=type(error).__name__)
                else:
                    return
                if await self._stopped_within(pause):
                    return
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _manage_connected(
        self, queue: QueueManager, scheduler: SchedulerManager, mode: QueueExecutionMode
    ) -> None:
        self._connected = True
        try:
            await self._manage(queue, scheduler, mode)
        except Exception as error:
            if self._lost.is_set():  # once it is lost, whatever its driver makes of that
                raise ConnectionError from error
            raise
        finally:
            self._connected = False

    async def _manage(
        self, queue: QueueManager, scheduler: SchedulerManager, mode: QueueExecutionMode
    ) -> None:
        """Let PgQueuer work until the end or until it is told to stop."""
        size = self._concurrency // 2
        working = queue.run(
            dequeue_timeout=_LOOK_AGAIN,
            batch_size=size,
            mode=mode,
            max_concurrent_tasks=2 * size,
            shutdown_on_listener_failure=True,
            heartbeat_timeout=self._heartbeat,
        )
        async with asyncio.TaskGroup() as group:
            queued = group.create_task(working)
            if self._jobs.schedules and mode is QueueExecutionMode.continuous:
                group.create_task(scheduler.run())
            measuring = group.create_task(self._measure(queue))
            stopped = group.create_task(self._stopping.wait())
            lost = group.create_task(self._lost.wait())
            await asyncio.wait({queued, stopped, lost}, return_when=asyncio.FIRST_COMPLETED)
            for waiting in (stopped, lost, measuring):
                waiting.cancel()
            queue.shutdown.set()
            if not queued.done() and not (await asyncio.wait({queued}, timeout=self._grace))[0]:
                _log.error("jobs_interrupted", jobs=self._running.give_back())
                await asyncio.wait({queued}, timeout=_LAST_GRACE)
        if self._lost.is_set() and not self._stopping.is_set():
            raise ConnectionError

    async def _measure(self, queue: QueueManager) -> None:
        """Tell the listener again and again what is in the queue."""
        kinds = dict.fromkeys(self._jobs.kinds, Backlog())
        while not isinstance(self._listener, Silent):
            found = await backlog_on(queue.queries.driver)
            self._listener.measured(kinds | found)
            kinds |= dict.fromkeys(found, Backlog())  # what is gone from the queue is none, too
            await asyncio.sleep(_MEASURE_EACH)

    @asynccontextmanager
    async def _managers(
        self, resources: R
    ) -> AsyncGenerator[tuple[QueueManager, SchedulerManager]]:
        """Connect, and have what PgQueuer works with on this connection."""
        engine = create_async_engine(self._url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        translate_errors(engine)
        try:
            self._lost.clear()
            async with connected(engine, self._lost.set) as driver:
                queries = queries_on(driver)
                if not await queries.has_table(queries.qbe.settings.queue_table):
                    raise ConfigurationError(
                        f"The database has no tables for jobs in its schema {SCHEMA}: add a"
                        " migration that calls bedplate.jobs.schema.create_jobs(op)."
                    )
                queue, scheduler = QueueManager(queries), SchedulerManager(queries)
                scheduler.shutdown = queue.shutdown
                for job in self._jobs.kinds.values():
                    parameters = EntrypointExecutorParameters(
                        concurrency_limit=0, func=_not_called, on_failure="hold"
                    )
                    queue.register_executor(
                        job.name,
                        Executor(parameters, job, resources, self._running, self._listener),
                    )
                for schedule in self._jobs.schedules.values():
                    fire = partial(run_schedule, schedule, resources, self._listener)
                    scheduler.schedule(schedule.name, schedule.cron)(_ignoring_row(fire))
                yield queue, scheduler
        finally:
            await engine.dispose()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stopping.wait()
        except TimeoutError:
            return False


def _ignoring_row(fire: Callable[[], Any]) -> Callable[[object], Any]:
    async def run(_row: object) -> None:
        await fire()

    return run


async def _not_called(_row: object) -> None:
    """Stand where PgQueuer wants a function; our executor has the handler."""


def _is_outage(error: BaseException) -> bool:
    """Tell whether an error says that the database is away for a while."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_outage, error.exceptions))
    if isinstance(error, (FailingListenerError, OSError, UnavailableError)):
        return True
    if isinstance(error, SQLAlchemyError):
        return False
    return isinstance(domain_error(error), UnavailableError) or _closed(error)


def _closed(error: BaseException) -> bool:
    """Tell whether a driver says that its connection is closed, for which it has no SQLSTATE."""
    return not _CLOSED.isdisjoint(kind.__name__ for kind in type(error).__mro__)
