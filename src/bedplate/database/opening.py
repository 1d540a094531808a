"""The database that a service's settings name; in development an embedded one if they name none."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bedplate.database.database import Database
from bedplate.database.embedded import EmbeddedPostgres, cluster_name
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
        ConfigurationError: when DATABASE_URL is missing outside development, or unusable.
        EmbeddedPostgresError: when the embedded server cannot be had.
    """
    opening = database_url(settings)
    url = await asyncio.to_thread(opening.__enter__)
    try:
        async with Database(
            url,
            pool_size=settings.database_pool_size,
            pool_timeout=settings.database_pool_timeout,
            statement_timeout=settings.database_statement_timeout,
            transaction_pooler=settings.database_pooler == "transaction",
        ) as database:
            yield database
    finally:
        await asyncio.to_thread(opening.__exit__, None, None, None)
