"""Background jobs in PostgreSQL: enqueued in the caller's transaction, run by workers at least once.

The engine is PgQueuer; what is here gives it transactions of SQLAlchemy, typed payloads, retries,
records that carry the id of the request that caused a job, and an orderly end.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from bedplate.jobs.declaration import GiveUpError, Job, Jobs, Retry

if TYPE_CHECKING:
    from bedplate.jobs.queue import DeadJob, JobQueue
    from bedplate.jobs.worker import Worker
else:

    def __getattr__(name: str) -> object:
        """Import what needs PgQueuer when it is asked for: migrations run without it."""
        if name in _PLACES:
            return getattr(import_module(f"bedplate.jobs.{_PLACES[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_PLACES = {"DeadJob": "queue", "JobQueue": "queue", "Worker": "worker"}

__all__ = ["DeadJob", "GiveUpError", "Job", "JobQueue", "Jobs", "Retry", "Worker"]
