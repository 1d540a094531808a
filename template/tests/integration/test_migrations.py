"""The migrations: one line of them, equal to the models, with a way back."""

import asyncio
from pathlib import Path

import pytest
from bedplate.database import Database
from bedplate.migrations import MigrationDriftError, MigrationError, commands
from bedplate.testing.contracts.migrations import MigrationContract
from sqlalchemy import text

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def url(committed_database: Database) -> str:
    return committed_database.engine.url.render_as_string(hide_password=False)


class TestMigrations(MigrationContract):
    """What the library asks of every service's migrations."""


@pytest.mark.unhappy
async def test_a_table_that_differs_is_found(committed_database: Database, url: str) -> None:
    async with committed_database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE users DROP COLUMN full_name"))
    with pytest.raises(MigrationDriftError, match="full_name"):
        await asyncio.to_thread(commands.check, PROJECT, url)


@pytest.mark.unhappy
async def test_an_unknown_migration_is_one_sentence(url: str) -> None:
    with pytest.raises(MigrationError, match="nonsense"):
        await asyncio.to_thread(commands.upgrade, PROJECT, url, "nonsense")
