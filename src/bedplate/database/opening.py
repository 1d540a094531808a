"""The database that a service's settings name; in development an embedded one if they name none."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bedplate._extras import needed_by
from bedplate.database.database import Database
from bedplate.database.embedded import EmbeddedPostgres, cluster_name
from bedplate.database.recent_writes import RecentWrites
from bedplate.database.replica import Replica
from bedplate.errors import ConfigurationError
from bedplate.settings import SecretUrl, ServiceSettings

__all__ = ["DEVELOPMENT_DATABASE", "database_url", "open_database"]

DEVELOPMENT_DATABASE = "app"
"""The name of the development database in the embedded cluster of a project."""


@contextmanager
def database_url(settings: ServiceSettings) -> Generator[SecretUrl]:
    """Give the URL of the service's database, which answers while this is open.

    Without DATABASE_URL, in development, the embedded PostgreSQL of the working directory runs
    meanwhile.

    Raises:
        ConfigurationError: when DATABASE_URL is missing outside development.
        EmbeddedPostgresError: when the embedded server cannot be had.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    if settings.is_deployed:
        raise ConfigurationError("DATABASE_URL is missing.")
    with EmbeddedPostgres(cluster_name(Path.cwd())) as server:
        server.create_database(DEVELOPMENT_DATABASE)
        yield SecretUrl(server.url(DEVELOPMENT_DATABASE).replace("+asyncpg", "", 1))


@asynccontextmanager
async def open_database(settings: ServiceSettings) -> AsyncGenerator[Database]:
    """Open the service's database, and close it at the end; nothing connects before it is used.

    Raises:
        ConfigurationError: when DATABASE_URL is missing outside development, or unusable; when
            REDIS_URL is set, and the extra ``throttle`` is not installed.
        EmbeddedPostgresError: when the embedded server cannot be had.
    """
    opening = database_url(settings)
    url = await asyncio.to_thread(opening.__enter__)
    try:
        async with _open(url, settings) as database:
            if settings.database_read_url is None:
                yield database
                return
            async with _read_from(settings.database_read_url, database, settings):
                yield database
    finally:
        await asyncio.to_thread(opening.__exit__, None, None, None)


@asynccontextmanager
async def _read_from(
    url: SecretUrl, database: Database, settings: ServiceSettings
) -> AsyncGenerator[None]:
    """Let a replica answer what only reads; nothing connects before it is used."""
    async with _open(url, settings) as standby:
        replica = Replica(
            database,
            standby,
            writes=_recent_writes(settings),
            lag=settings.database_read_lag,
            pooler=settings.database_pooler == "transaction",
        )
        database.replica = replica
        try:
            yield
        finally:
            database.replica = None
            await replica.close()


def _open(url: SecretUrl, settings: ServiceSettings) -> Database:
    return Database(
        url,
        pool_size=settings.database_pool_size,
        pool_timeout=settings.database_pool_timeout,
        statement_timeout=settings.database_statement_timeout,
        transaction_pooler=settings.database_pooler == "transaction",
    )


def _recent_writes(settings: ServiceSettings) -> RecentWrites | None:
    if settings.redis_url is None:
        return None
    with needed_by("REDIS_URL"):
        from bedplate.database.recent_writes_redis import RedisRecentWrites
    return RedisRecentWrites(settings.redis_url)
