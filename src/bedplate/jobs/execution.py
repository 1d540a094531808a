"""One job, done: its payload read, its handler run, the outcome recorded and told to PgQueuer."""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Any, override

from pgqueuer.core.executors import AbstractEntrypointExecutor
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context
from pgqueuer.domain.models import Job as Row
from pydantic import ValidationError

from bedplate.context import RequestContext, request_context
from bedplate.jobs.declaration import GiveUpError, Job, Schedule
from bedplate.jobs.listening import JobListener, Outcome
from bedplate.jobs.queue import REQUEST_ID, TRACEPARENT
from bedplate.logging import get_logger

__all__ = ["Executor", "Running", "run_schedule"]

_log = get_logger("bedplate.jobs")


class JobFailedError(Exception):
    """Tells PgQueuer that a job is dead, without a word of the error: its log is a table."""


class _OnlyOnce(logging.Filter):
    """Keeps PgQueuer from telling again what our own record has told."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        told = record.exc_info is not None and isinstance(record.exc_info[1], JobFailedError)
        return record.levelno >= logging.WARNING and not told


logging.getLogger("pgqueuer").addFilter(_OnlyOnce())


@dataclass(slots=True)
class Running:
    """The jobs that a worker runs at the moment."""

    tasks: dict[asyncio.Task[Any], str] = field(default_factory=dict)

    def give_back(self) -> list[str]:
        """Interrupt all; each goes back to the queue. Give their names."""
        names = sorted(self.tasks.values())
        for task in list(self.tasks):
            task.cancel()
        return names


@dataclass
class Executor[R](AbstractEntrypointExecutor):
    """Runs the jobs of one kind.

    Args:
        job: the kind.
        resources: what the handlers share.
        running: where the jobs are listed that run.
        listener: told how each attempt ended.
    """

    job: Job[Any, R]
    resources: R
    running: Running
    listener: JobListener

    @override
    async def execute(self, job: Row, context: Context) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - PgQueuer gives each job a task
        self.running.tasks[task] = self.job.name
        try:
            with request_context(_context_of(job.headers or {})) as request:
                request.fields.update(job=self.job.name, job_id=job.id, attempt=job.attempts + 1)
                told = await self._attempt(job)
        finally:
            del self.running.tasks[task]
        if told is not None:  # outside of any handler, so that no error is stored with it
            raise told

    async def _attempt(self, row: Row) -> Exception | None:
        """Give what PgQueuer is told if the job was not done."""
        began = perf_counter()
        self.listener.began(self.job.name)
        outcome, told = await self._outcome(row)
        seconds = perf_counter() - began
        self.listener.ended(self.job.name, outcome, seconds)
        if outcome is Outcome.DONE:
            _log.info("job_done", duration=round(seconds, 6))
        return told

    async def _outcome(self, row: Row) -> tuple[Outcome, Exception | None]:
        try:
            payload = self.job.payload.validate_json(row.payload or b"null")
        except ValidationError:
            _log.error("job_dead", reason="its payload is not one of this version's")
            return Outcome.DEAD, JobFailedError("ValidationError")
        try:
            await self.job.handler(payload, self.resources)
        except asyncio.CancelledError:
            _log.warning("job_given_back")
            return Outcome.GIVEN_BACK, RetryRequested(timedelta(0), "given back")
        except Exception as error:  # noqa: BLE001 - whatever a handler raises
            return self._failed(error, row.attempts + 1)
        return Outcome.DONE, None

    def _failed(self, error: Exception, attempts: int) -> tuple[Outcome, Exception]:
        kind = type(error).__name__
        if isinstance(error, GiveUpError) or attempts >= self.job.retry.attempts:
            _log.error("job_dead", error_type=kind, exc_info=error)
            return Outcome.DEAD, JobFailedError(kind)
        pause = self.job.retry.pause(attempts)
        seconds = round(pause.total_seconds(), 3)
        _log.warning("job_will_be_tried_again", error_type=kind, after=seconds, exc_info=error)
        return Outcome.RETRIED, RetryRequested(pause, kind)


async def run_schedule[R](schedule: Schedule[R], resources: R, listener: JobListener) -> None:
    """Do what is scheduled, and record how it went."""
    began, outcome = perf_counter(), Outcome.DONE
    listener.began(schedule.name)
    with request_context(_context_of({})) as request:
        request.fields["schedule"] = schedule.name
        try:
            await schedule.handler(resources)
        except asyncio.CancelledError:
            outcome = Outcome.GIVEN_BACK
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises
            outcome = Outcome.DEAD
            _log.error("schedule_failed", error_type=type(error).__name__, exc_info=error)
        else:
            _log.info("schedule_done", duration=round(perf_counter() - began, 6))
        finally:
            listener.ended(schedule.name, outcome, perf_counter() - began)


def _context_of(headers: Mapping[str, object]) -> RequestContext:
    request_id, traceparent = headers.get(REQUEST_ID), headers.get(TRACEPARENT)
    return RequestContext(
        request_id if isinstance(request_id, str) else f"{random.getrandbits(128):032x}",
        traceparent=traceparent if isinstance(traceparent, str) else None,
    )
