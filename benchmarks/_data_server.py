"""The PostgreSQL that the data benchmarks run on: the embedded one, or one that is named."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from bedplate.database.embedded import EmbeddedPostgres


@asynccontextmanager
async def empty_database(server: str | None) -> AsyncIterator[URL]:
    """Give the URL of an empty database, which is dropped afterwards.

    Args:
        server: the URL of a database on a server; None is the embedded one.
    """
    if server is not None:
        async with _made_on(make_url(server)) as url:
            yield url
        return
    embedded = EmbeddedPostgres("benchmarks", durable=False)
    await asyncio.to_thread(embedded.__enter__)
    try:
        async with _made_on(make_url(embedded.url("postgres"))) as url:
            yield url
    finally:
        await asyncio.to_thread(embedded.__exit__, None, None, None)


async def version(url: URL) -> str:
    """Give the version of PostgreSQL."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = str(await connection.scalar(text("SHOW server_version")))
    await engine.dispose()
    return found.split(maxsplit=1)[0]


@asynccontextmanager
async def _made_on(server: URL) -> AsyncIterator[URL]:
    server = server.set(drivername="postgresql+asyncpg")
    name = f"bedplate_benchmark_{os.getpid()}"
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
        try:
            # What other processes do for one would not be counted as its work.
            await connection.execute(
                text(f'ALTER DATABASE "{name}" SET max_parallel_workers_per_gather = 0')
            )
            yield server.set(database=name)
        finally:
            await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    await engine.dispose()
