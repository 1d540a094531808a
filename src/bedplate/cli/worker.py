"""`bedplate worker`: runs background jobs until a signal ends it."""

from typing import Annotated

import typer

from bedplate.cli.project import find_project


def worker(
    *,
    once: Annotated[bool, typer.Option("--once", help="Run the jobs that wait, then end.")] = False,
) -> None:
    """Run background jobs, as many workers as you like beside each other.

    On SIGTERM it takes no more jobs and ends when those under way have ended; what takes too long
    goes back to the queue. It wants a direct connection to PostgreSQL, not one through a pooler.

    With WORKER_PORT it answers /health/live, /health/ready, /health/startup and /metrics there.
    """
    from bedplate.cli.working import work

    work(find_project(), once=once)
