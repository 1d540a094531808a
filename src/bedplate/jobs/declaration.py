"""What jobs a service has: their names, payloads, handlers and patience."""

import inspect
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_type_hints

from pydantic import TypeAdapter

__all__ = ["GiveUpError", "Job", "Jobs", "Retry", "Schedule"]

_LONGEST_NAME = 100


class GiveUpError(Exception):
    """Raised by a handler: trying again would not help. The job is kept as a dead one."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when a job that failed is tried again: exponentially later, with jitter.

    Args:
        attempts: how often at most, the first time included.
        first: the pause after the first failure; each further one is twice as long.
        longest: no pause is longer.
    """

    attempts: int = 8
    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}; at least 1 is needed")

    def pause(self, failures: int) -> timedelta:
        """Give how long to wait after so many failures: between half of the pause and all of it."""
        exponent = min(failures - 1, 32)  # far above any use, far below what a float takes
        longest: timedelta = min(self.longest, self.first * 2**exponent)
        return longest * random.uniform(0.5, 1)  # noqa: S311 - nothing secret


@dataclass(frozen=True, slots=True)
class Job[P, R]:
    """One kind of job: made by ``Jobs.job``, enqueued by ``JobQueue.enqueue``.

    Args:
        name: what rows and records call it; workers of other versions must know it too.
        payload: reads and writes what a handler is given.
        handler: does it, with what the worker's jobs share.
        retry: its patience.
    """

    name: str
    payload: TypeAdapter[P]
    handler: Callable[[P, R], Awaitable[None]]
    retry: Retry

    async def __call__(self, payload: P, resources: R) -> None:
        """Run the handler here and now, for tests."""
        await self.handler(payload, resources)


@dataclass(frozen=True, slots=True)
class Schedule[R]:
    """What is done again and again, by one worker each time.

    Args:
        name: what rows and records call it.
        cron: when, in UTC, as five fields of cron.
        handler: does it.
    """

    name: str
    cron: str
    handler: Callable[[R], Awaitable[None]]

    async def __call__(self, resources: R) -> None:
        """Run the handler here and now, for tests."""
        await self.handler(resources)


@dataclass(frozen=True)  # with slots, Python 3.12.1 cannot make a Jobs[...]()
class Jobs[R]:
    """All jobs of a service; ``R`` is what its handlers share, such as a mailer and a database."""

    kinds: dict[str, Job[Any, R]] = field(default_factory=dict)
    schedules: dict[str, Schedule[R]] = field(default_factory=dict)

    def job[P](
        self, name: str, *, retry: Retry | None = None
    ) -> Callable[[Callable[[P, R], Awaitable[None]]], Job[P, R]]:
        """Declare a job; its handler runs at least once, so it must bear to run twice.

        Args:
            name: what rows and records call it; at most 100 characters.
            retry: how often it is tried; by default 8 times in about 4 minutes.

        Returns:
            A decorator for the handler, an ``async def`` of two parameters: the payload, of any
            type that pydantic reads from JSON, and what the jobs share.

        Raises:
            ValueError: the name is taken, empty or too long.
            TypeError: the handler is not such a function, or its payload has no such type.
        """
        self._check(name)

        def declare(handler: Callable[[P, R], Awaitable[None]]) -> Job[P, R]:
            made = Job(name, _payload_of(handler), handler, retry or Retry())
            self.kinds[name] = made
            return made

        return declare

    def schedule(
        self, name: str, cron: str
    ) -> Callable[[Callable[[R], Awaitable[None]]], Schedule[R]]:
        """Declare what is done again and again, by one of all workers each time.

        What fails is recorded and done at the next time; it is not tried in between.

        Args:
            name: what rows and records call it; at most 100 characters.
            cron: when, in UTC, as five fields of cron: ``0 3 * * *`` is each night at three.

        Raises:
            ValueError: the name is taken, empty or too long, or this is no time of cron.
        """
        from croniter import croniter

        self._check(name)
        if len(cron.split()) != 5 or not croniter.is_valid(cron):  # noqa: PLR2004 - cron's fields
            raise ValueError(f"{cron!r} is not a time as cron writes it, such as '0 3 * * *'")

        def declare(handler: Callable[[R], Awaitable[None]]) -> Schedule[R]:
            made = Schedule(name, cron, handler)
            self.schedules[name] = made
            return made

        return declare

    def include[S](self, others: "Jobs[S]", shared: Callable[[R], S]) -> None:
        """Take in jobs that are declared elsewhere; enqueue them as they were declared.

        Args:
            others: such as ``bedplate.auth.mail_queue.account_mails``.
            shared: gives what their handlers share, of what these share.

        Raises:
            ValueError: a name is taken.
        """
        for name in (*others.kinds, *others.schedules):
            self._check(name)
        for name, job in others.kinds.items():
            handler = _lent(job.handler, shared)
            self.kinds[name] = Job(name, job.payload, handler, job.retry)
        for name, schedule in others.schedules.items():
            self.schedules[name] = Schedule(name, schedule.cron, _sharing(schedule.handler, shared))

    def _check(self, name: str) -> None:
        if not 0 < len(name) <= _LONGEST_NAME:
            raise ValueError(f"the name of a job has 1 to {_LONGEST_NAME} characters")
        if name in self.kinds or name in self.schedules:
            raise ValueError(f"there is a job named {name!r} already")


def _lent[P, R, S](
    handler: Callable[[P, S], Awaitable[None]], shared: Callable[[R], S]
) -> Callable[[P, R], Awaitable[None]]:
    async def handle(payload: P, resources: R) -> None:
        await handler(payload, shared(resources))

    return handle


def _sharing[R, S](
    handler: Callable[[S], Awaitable[None]], shared: Callable[[R], S]
) -> Callable[[R], Awaitable[None]]:
    async def handle(resources: R) -> None:
        await handler(shared(resources))

    return handle


def _payload_of(handler: Callable[..., Any]) -> TypeAdapter[Any]:
    if not inspect.iscoroutinefunction(handler):
        raise TypeError("the handler of a job is an `async def`")
    parameters = list(inspect.signature(handler).parameters.values())
    hint = (
        get_type_hints(handler, include_extras=True).get(parameters[0].name) if parameters else None
    )
    if len(parameters) != 2 or hint is None:  # noqa: PLR2004 - the payload, and what is shared
        raise TypeError(
            "the handler of a job takes a payload, whose type it says, and what the jobs share"
        )
    return TypeAdapter(hint)
