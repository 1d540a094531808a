"""One process migrates at a time."""

import asyncio

import pytest

from bedplate.database import Database
from bedplate.migrations import MigrationError
from bedplate.migrations.lock import only_one_migrates


async def test_the_turn_passes_on(committed_database: Database) -> None:
    engine = committed_database.engine
    order: list[str] = []

    async def wait() -> None:
        async with engine.connect() as connection, only_one_migrates(connection):
            order.append("second")

    async with engine.connect() as connection:
        async with only_one_migrates(connection):
            waiting = asyncio.create_task(wait())
            await connection.run_sync(lambda _: None)
            order.append("first")
        await waiting
    assert order == ["first", "second"]


@pytest.mark.unhappy
async def test_patience_ends(committed_database: Database) -> None:
    engine = committed_database.engine
    async with engine.connect() as first, engine.connect() as second, only_one_migrates(first):
        with pytest.raises(MigrationError, match="Another process"):
            async with only_one_migrates(second, patience=0.01):
                pass


@pytest.mark.unhappy
async def test_a_lost_connection_frees_the_turn(committed_database: Database) -> None:
    engine = committed_database.engine
    first = await engine.connect()
    entered = only_one_migrates(first)
    await entered.__aenter__()
    await first.invalidate()
    await first.close()
    async with engine.connect() as second, only_one_migrates(second, patience=5):
        pass
