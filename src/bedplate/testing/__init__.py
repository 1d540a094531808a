"""Tools for testing services: the pytest plugin and what it is made of."""

from bedplate.testing.clock import FrozenClock
from bedplate.testing.fakes import FakeUnitOfWork
from bedplate.testing.jobs import deliver_mails, run_jobs
from bedplate.testing.outbox import Outbox
from bedplate.testing.samples import store_sample

__all__ = ["FakeUnitOfWork", "FrozenClock", "Outbox", "deliver_mails", "run_jobs", "store_sample"]
