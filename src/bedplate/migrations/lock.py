"""One process migrates a database at a time; the others wait for their turn."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bedplate.migrations.errors import MigrationError

__all__ = ["only_one_migrates"]

_KEY = int.from_bytes(b"bedplate", "big", signed=True)
_PATIENCE = 600.0
_INTERVAL = 0.1


@asynccontextmanager
async def only_one_migrates(
    connection: AsyncConnection, *, patience: float = _PATIENCE
) -> AsyncGenerator[None]:
    """Hold the advisory lock of the database's migrations on a connection of its own.

    It is asked for again and again instead of waited for: a statement that waits holds a snapshot,
    which ``CREATE INDEX CONCURRENTLY`` of the process that has the lock would wait for in turn.

    Args:
        connection: outlives the lock; when it is lost, the lock is free.
        patience: seconds to wait for the turn.

    Raises:
        MigrationError: when the turn does not come in time.
    """
    try:
        async with asyncio.timeout(patience):
            while not await _ask(connection, "pg_try_advisory_lock"):  # noqa: ASYNC110
                await asyncio.sleep(_INTERVAL)
    except TimeoutError as error:
        raise MigrationError(
            "Another process has been migrating this database for long."
        ) from error
    yield
    # After an error the connection is closed, which frees the lock too.
    await _ask(connection, "pg_advisory_unlock")


async def _ask(connection: AsyncConnection, function: str) -> bool:
    answer = await connection.scalar(text(f"SELECT {function}(:key)"), {"key": _KEY})
    await connection.commit()
    return bool(answer)
