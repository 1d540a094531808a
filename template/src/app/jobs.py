"""What is done in the background: enqueued by `uow.jobs`, run by `bedplate worker`, at least once."""

from functools import partial

from bedplate.auth.cleanup import delete_expired
from bedplate.auth.mail_queue import account_mails
from bedplate.jobs import Jobs, Worker
from bedplate.metrics import Metrics
from bedplate.settings import load_settings

from app.config import Settings
from app.core.resources import Resources, open_resources
from app.repositories.unit_of_work import AppUnitOfWork

jobs: Jobs[Resources] = Jobs()
jobs.include(account_mails, lambda shared: shared.auth.mails)


@jobs.schedule("clean_up", "17 3 * * *")
async def clean_up(shared: Resources) -> None:
    """Delete what has expired, each night (UTC), as `bedplate db clean` does."""
    await delete_expired(AppUnitOfWork, shared.database)


def create_worker(metrics: Metrics) -> Worker[Resources]:
    """Make what `bedplate worker` runs."""
    settings = load_settings(Settings)
    shared = partial(open_resources, settings, None, None, metrics)
    return Worker(jobs, settings.direct_url, shared, listener=metrics.jobs)
