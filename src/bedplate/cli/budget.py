"""Whether PostgreSQL has the connections that a service's processes may open."""

import asyncio
from dataclasses import dataclass

from bedplate.cli.errors import CommandError
from bedplate.settings import SecretUrl, ServiceSettings

MIGRATIONS = 2
"""Connections of `bedplate db upgrade`: one holds the lock, one migrates."""

# of who asks: what the server keeps for superusers (and since 16 for others) is not for a service
_ROOM = """
SELECT least(
    current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0),
    nullif((SELECT datconnlimit FROM pg_database WHERE datname = current_database()), -1),
    nullif((SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user), -1)
)
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """The connections of the processes of one `bedplate serve`, and how many there are."""

    workers: int
    pool: int
    watch: int
    """Connections besides the pool: with a replica each process has one to tell how far it is."""
    room: int

    @property
    def needed(self) -> int:
        """How many may be open at once, migrations of the next release among them."""
        return self.workers * (self.pool + self.watch) + MIGRATIONS

    @property
    def fits(self) -> bool:
        """Whether the server has as many."""
        return self.needed <= self.room

    @property
    def most_processes(self) -> int:
        """How many processes there may be, on all machines together."""
        return max(0, self.room - MIGRATIONS) // (self.pool + self.watch)

    def describe(self) -> str:
        """Say how the number comes about, and what there is."""
        processes = "1 process" if self.workers == 1 else f"{self.workers} processes"
        each = f"{self.pool} connections" if self.watch == 0 else f"{self.pool} + 1 connections"
        return (
            f"{processes} with {each} and {MIGRATIONS} for migrations may need {self.needed}, and"
            f" PostgreSQL has {self.room}"
        )

    def advise(self) -> str:
        """Say what to do where they do not fit."""
        pool = max(0, self.room - MIGRATIONS) // self.workers - self.watch
        lower = [f"DATABASE_POOL_SIZE to {pool}"] if pool > 0 else []
        if self.workers > 1 and self.most_processes:
            lower.append(f"--workers to {self.most_processes}")
        raised = "raise max_connections, or put PgBouncer between"
        return f"lower {' or '.join(lower)}, {raised}" if lower else raised


def budget_of(settings: ServiceSettings, url: SecretUrl, *, workers: int) -> Budget | None:
    """Ask the server and count; None where a pooler shares its connections out.

    Args:
        settings: the service's.
        url: of the server.
        workers: how many processes serve.

    Raises:
        DatabaseUnavailableError: the server does not answer.
    """
    if settings.database_pooler == "transaction":
        return None
    return Budget(
        workers=workers,
        pool=settings.database_pool_size,
        watch=0 if settings.database_read_url is None else 1,
        room=asyncio.run(_room(url)),
    )


def require_room(settings: ServiceSettings, url: SecretUrl, *, workers: int) -> None:
    """Refuse to serve with more connections than the server ever has.

    Raises:
        CommandError: it has fewer.
        DatabaseUnavailableError: the server does not answer.
    """
    budget = budget_of(settings, url, workers=workers)
    if budget is not None and not budget.fits:
        raise CommandError(f"{budget.describe()}; {budget.advise()}.")


async def _room(url: SecretUrl) -> int:
    from sqlalchemy import text

    from bedplate.database import Database

    async with Database(url, pool_size=1) as database, database.read_only_session() as session:
        return int((await session.execute(text(_ROOM))).scalar_one())
