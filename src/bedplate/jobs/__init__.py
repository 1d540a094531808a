"""Background jobs in PostgreSQL: enqueued in the caller's transaction, run by workers at least once.

The engine is PgQueuer; what is here gives it transactions of SQLAlchemy, typed payloads, retries,
records that carry the id of the request that caused a job, and an orderly end.
"""

from bedplate.jobs.declaration import GiveUpError, Job, Jobs, Retry
from bedplate.jobs.queue import DeadJob, JobQueue
from bedplate.jobs.worker import Worker

__all__ = ["DeadJob", "GiveUpError", "Job", "JobQueue", "Jobs", "Retry", "Worker"]
