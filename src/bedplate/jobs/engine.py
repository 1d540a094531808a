"""PgQueuer, in a schema of its own and on a session of SQLAlchemy."""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bedplate._extras import missing_extra
from bedplate.jobs.listening import Backlog
from bedplate.jobs.schema import SCHEMA

try:
    from pgqueuer.adapters.persistence.qb import (
        QueryBuilderEnvironment,
        QueryQueueBuilder,
        QuerySchedulerBuilder,
    )
    from pgqueuer.adapters.persistence.queries import Queries
    from pgqueuer.domain.settings import DBSettings
    from pgqueuer.ports.driver import Driver
except ImportError as error:
    raise missing_extra("jobs", "pgqueuer") from error

__all__ = ["SessionDriver", "backlog_on", "connected", "queries_on", "schema_builder"]

_PLACEHOLDER = re.compile(r"\$(\d+)")


@cache
def _settings() -> DBSettings:
    """Give the names that PgQueuer's objects have: its own, in our schema."""
    return DBSettings(db_schema=SCHEMA)


def schema_builder() -> QueryBuilderEnvironment:
    """Give what writes the DDL of the queue."""
    return QueryBuilderEnvironment(_settings())


def queries_on(driver: "Driver | SessionDriver") -> Queries:
    """Give PgQueuer's statements on a connection."""
    settings = _settings()
    return Queries(
        cast("Driver", driver),  # nothing but a worker listens
        qbe=schema_builder(),
        qbq=QueryQueueBuilder(settings),
        qbs=QuerySchedulerBuilder(settings),
    )


_BACKLOG = f"""
SELECT entrypoint,
       count(*) FILTER (WHERE status = 'queued') AS waiting,
       count(*) FILTER (WHERE status = 'failed') AS dead,
       extract(epoch FROM now() - min(execute_after)
               FILTER (WHERE status = 'queued' AND execute_after <= now()))::float8 AS oldest
FROM {SCHEMA}.pgqueuer GROUP BY entrypoint
"""  # noqa: S608 - all of it is ours


async def backlog_on(driver: Driver) -> dict[str, Backlog]:
    """Look what is in the queue, by the name of the job."""
    rows: list[dict[str, Any]] = await driver.fetch(_BACKLOG)
    return {
        row["entrypoint"]: Backlog(row["waiting"], row["dead"], row["oldest"] or 0.0)
        for row in rows
    }


class SessionDriver:
    """Sends PgQueuer's statements in the transaction of a session.

    Args:
        session: it is never committed here.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Send a statement and give its rows."""
        connection = await self._session.connection()
        # not the driver's own connection: SQLAlchemy begins the transaction, and names errors
        if connection.dialect.driver == "asyncpg":
            result = await connection.exec_driver_sql(query, args)
        else:
            named = _PLACEHOLDER.sub(r"%(p\1)s", query.replace("%", "%%"))
            values = {f"p{number}": value for number, value in enumerate(args, 1)}
            result = await connection.exec_driver_sql(named, values)
        return [dict(row) for row in result.mappings()] if result.returns_rows else []

    async def execute(self, query: str, *args: object) -> str:
        """Send a statement."""
        await self.fetch(query, *args)
        return ""


@asynccontextmanager
async def connected(engine: AsyncEngine, on_loss: Callable[[], None]) -> AsyncGenerator[Driver]:
    """Give PgQueuer's driver on connections of its own.

    Args:
        engine: in AUTOCOMMIT; what it connects to passes notifications on, as poolers do not.
        on_loss: called at once when the connection is lost, if the driver can tell.
    """
    async with engine.connect() as first:
        if first.dialect.driver == "asyncpg":
            from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver

            raw: Any = (await first.get_raw_connection()).driver_connection
            raw.add_termination_listener(lambda _: on_loss())
            yield AsyncpgDriver(raw)
            return
        from bedplate.jobs.psycopg_driver import TwoConnections

        async with engine.connect() as second:  # psycopg's waits for notifications, or for answers
            pair = [(await one.get_raw_connection()).driver_connection for one in (first, second)]
            yield TwoConnections(*pair)
