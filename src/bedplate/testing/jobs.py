"""Background jobs within a test's own transaction, where no worker could see them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bedplate.auth.services import AuthServices
    from bedplate.jobs import Jobs
    from bedplate.unit_of_work import UnitOfWork

_TAKE = """
DELETE FROM jobs.pgqueuer WHERE id = (
    SELECT id FROM jobs.pgqueuer
    WHERE status = 'queued' AND execute_after <= clock_timestamp() AND entrypoint = ANY(:names)
    ORDER BY priority DESC, id LIMIT 1
) RETURNING entrypoint, payload
"""


async def run_jobs[R](unit_of_work: "Callable[[], UnitOfWork]", jobs: "Jobs[R]", shared: R) -> int:
    """Run the jobs that are due, and those that they enqueue, one after the other.

    What a handler raises reaches the test; nothing is tried again. A ``Worker`` with
    ``run_waiting`` does the real thing on a database where tests commit.

    Args:
        unit_of_work: makes a new unit of work on the test's database.
        jobs: which are run; others stay.
        shared: what the handlers share.

    Returns:
        How many were run.
    """
    from sqlalchemy import text

    count = 0
    while True:
        async with unit_of_work() as uow:
            taken = await uow.session.execute(text(_TAKE), {"names": list(jobs.kinds)})
            row = taken.one_or_none()
            await uow.commit()
        if row is None:
            return count
        job = jobs.kinds[row.entrypoint]
        await job(job.payload.validate_json(row.payload), shared)
        count += 1


async def deliver_mails(auth: "AuthServices[Any]") -> None:
    """Send what mails were asked for: after an answer, or by jobs if the service has them.

    Args:
        auth: the service's.
    """
    await auth.confirmation.finish()
    unit_of_work: Any = auth.unit_of_work
    if hasattr(type(unit_of_work()), "mails"):
        from bedplate.auth.mail_queue import account_mails

        await run_jobs(unit_of_work, account_mails, auth.mails)
