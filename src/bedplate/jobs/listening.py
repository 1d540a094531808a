"""What a worker tells of its work, for who counts it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Backlog", "JobListener", "Outcome", "Silent"]


class Outcome(StrEnum):
    """How one attempt ended."""

    DONE = "done"
    RETRIED = "retried"
    """It failed, and will be tried again."""
    DEAD = "dead"
    """It failed, and nobody tries again; or a schedule failed, whose next time comes."""
    GIVEN_BACK = "given_back"
    """It was interrupted by the worker's end, and is in the queue again."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is in the queue of one kind of job.

    Args:
        waiting: how many nobody has begun, those among them that are not due yet.
        dead: how many nobody tries any more.
        oldest: seconds since the longest waiting one became due; 0 if none is due.
    """

    waiting: int = 0
    dead: int = 0
    oldest: float = 0.0


class JobListener(Protocol):
    """Called at once, on the worker's loop; it must be quick and raise nothing."""

    def began(self, job: str) -> None:
        """Hear that an attempt began.

        Args:
            job: the name of its kind, or of a schedule.
        """
        ...

    def ended(self, job: str, outcome: Outcome, seconds: float) -> None:
        """Hear how an attempt ended, and how long it took."""
        ...

    def measured(self, backlog: Mapping[str, Backlog]) -> None:
        """Hear what is in the queue now, by the name of the job."""
        ...


class Silent:
    """Nobody listens."""

    def began(self, job: str) -> None:
        """Forget it."""

    def ended(self, job: str, outcome: Outcome, seconds: float) -> None:
        """Forget it."""

    def measured(self, backlog: Mapping[str, Backlog]) -> None:
        """Forget it."""
