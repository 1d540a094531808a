"""`bedplate jobs`: what waits in the queue, and what nobody tries any more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bedplate.cli.console import say
from bedplate.cli.project import find_project

if TYPE_CHECKING:
    from bedplate.jobs import JobQueue


def status() -> None:
    """Show how many jobs wait or run, and which are dead."""

    async def show(queue: "JobQueue") -> None:
        for name, count in sorted((await queue.waiting()).items()):
            say(f"{name}: {count} waiting or running")
        dead = await queue.dead()
        for job in dead:
            say(f"dead: {job.id} {job.name}, tried {job.attempts} times, since {job.enqueued_at}")
        if not dead:
            say("No job is dead.")

    _with_queue(show)


def retry(
    numbers: Annotated[list[int], typer.Argument(help="The numbers that `jobs status` shows.")],
) -> None:
    """Let dead jobs be tried again, as if they were new."""

    async def revive(queue: "JobQueue") -> None:
        await queue.revive(*numbers)
        say(f"To be tried again: {', '.join(map(str, numbers))}.")

    _with_queue(revive)


def migration(
    *,
    drop: Annotated[
        bool, typer.Option("--drop", help="Drop the tables instead, with all that waits.")
    ] = False,
) -> None:
    """Write the migration that creates the tables of the queue, if there is none yet.

    It comes behind the newest one of the service.
    """
    from bedplate.cli.resources import show, summary
    from bedplate.scaffold.changes import apply, staging
    from bedplate.scaffold.jobs_tables import JobsTables

    project = find_project()
    project.enter()
    tables = JobsTables(project.root)
    with summary(), staging(project.root) as folder:
        if tables.exist() is not drop:
            say("There is nothing to do: the migrations do that already.")
            return
        changes = [tables.change(folder, drop=drop)]
        show(changes, in_detail=False)
        apply(project.root, folder, changes)
    say("Next: bedplate db upgrade (serve does it in development).")


def _with_queue(do: Callable[["JobQueue"], Awaitable[None]]) -> None:
    from bedplate.cli.database import open_project
    from bedplate.database import Database
    from bedplate.jobs import JobQueue

    async def run(url: str) -> None:
        async with Database(url, pool_size=1) as database, database.session() as session:
            await do(JobQueue(session))
            await session.commit()

    with open_project(find_project()) as opened:
        opened.ensure_migrated()
        asyncio.run(run(opened.url.get_secret_value()))
