"""The queue as a unit of work has it: a job is there exactly if its transaction commits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bedplate.context import current_context
from bedplate.jobs.declaration import Job
from bedplate.jobs.engine import SessionDriver, queries_on
from bedplate.pagination import CursorCodec

__all__ = ["DeadJob", "JobQueue"]

REQUEST_ID = "request_id"
TRACEPARENT = "traceparent"


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job that nobody tries any more.

    Args:
        id: its number.
        name: of its kind.
        attempts: how often it was tried.
        enqueued_at: when it was enqueued.
    """

    id: int
    name: str
    attempts: int
    enqueued_at: datetime


class JobQueue:
    """Enqueues jobs in the transaction of a session; it commits nothing.

    Declare it in a unit of work as ``jobs = repository(JobQueue)``.

    Args:
        session: whose transaction decides.
        cursors: not used; every part of a unit of work is offered it.
    """

    def __init__(self, session: AsyncSession, *, cursors: CursorCodec | None = None) -> None:
        del cursors
        self._queries = queries_on(SessionDriver(session))

    async def enqueue[P](
        self,
        job: Job[P, Any],
        payload: P,
        *,
        delay: timedelta | None = None,
        priority: int = 0,
        unique_key: str | None = None,
    ) -> int | None:
        """Enqueue a job; a worker gets it once the transaction has committed.

        Args:
            job: which.
            payload: what its handler is given; it lies in the database until the job is done.
            delay: how long it waits at least; None for not at all.
            priority: the higher, the earlier.
            unique_key: while a job with this key waits or runs, another is not enqueued.

        Returns:
            Its number, or None if one with the same ``unique_key`` is there already.

        Raises:
            DatabaseUnavailableError: the database does not answer.
            RuntimeError: the unit of work only reads.
        """
        [number] = await self._queries.enqueue(
            job.name,
            job.payload.dump_json(payload),
            priority,
            delay,
            unique_key,
            _headers(),
            on_conflict="skip",
        )
        return number

    async def enqueue_many[P](self, job: Job[P, Any], payloads: list[P]) -> list[int]:
        """Enqueue many jobs of one kind in one statement, and give their numbers.

        Args:
            job: which.
            payloads: one for each.

        Raises:
            DatabaseUnavailableError: the database does not answer.
            RuntimeError: the unit of work only reads.
        """
        if not payloads:
            return []
        count = len(payloads)
        numbers = await self._queries.enqueue(
            [job.name] * count,
            [job.payload.dump_json(payload) for payload in payloads],
            [0] * count,
            headers=[_headers()] * count,
        )
        return list(numbers)

    async def has_tables(self) -> bool:
        """Tell whether the database has the queue's tables, which a migration creates."""
        return await self._queries.has_table(self._queries.qbe.settings.queue_table)

    async def dead(self, *, limit: int = 100) -> list[DeadJob]:
        """Give the jobs that nobody tries any more, the newest first.

        Args:
            limit: how many at most.
        """
        return [
            DeadJob(job.id, job.entrypoint, job.attempts + 1, job.created)
            for job in await self._queries.list_failed_jobs(limit=limit)
        ]

    async def revive(self, *numbers: int) -> None:
        """Let dead jobs be tried again, as if they were new; others are left alone."""
        await self._queries.requeue_jobs([_number(number) for number in numbers])

    async def waiting(self) -> dict[str, int]:
        """Give how many jobs wait or run, by name."""
        found: dict[str, int] = {}
        for row in await self._queries.queue_size():
            if row.status != "failed":
                found[row.entrypoint] = found.get(row.entrypoint, 0) + row.count
        return found


def _number(number: int) -> Any:  # noqa: ANN401 - PgQueuer's own kind of int
    return number


def _headers() -> dict[str, str]:
    """Say which request caused the job."""
    context = current_context()
    if context is None:
        return {}
    headers = {REQUEST_ID: context.request_id}
    if context.traceparent is not None:
        headers[TRACEPARENT] = context.traceparent
    return headers
