"""What holds for the migrations of every service, for a service to inherit."""

import asyncio
import re
from pathlib import Path

import pytest

from bedplate.database import Database
from bedplate.migrations import commands
from bedplate.migrations.unsafe import unsafe_changes
from bedplate.testing.run import project_of

__all__ = ["MigrationContract", "SafeMigrations"]

_NAME = re.compile(r"\d{4}_\d\d_\d\d_\d{4}_\w+\.py")


class MigrationContract:
    """One line of migrations, equal to the models, with a way back.

    ::

        class TestMigrations(MigrationContract):
            pass
    """

    @pytest.fixture
    def project_dir(self, pytestconfig: pytest.Config) -> Path:
        """Give the folder of the pyproject.toml that has ``[tool.alembic]``."""
        return project_of(pytestconfig).folder

    @pytest.fixture
    def url(self, committed_database: Database) -> str:
        """Give the URL of a database that all migrations were applied to."""
        return committed_database.engine.url.render_as_string(hide_password=False)

    async def test_the_migrations_make_what_the_models_say(
        self, project_dir: Path, url: str
    ) -> None:
        """Compare a migrated database with the models."""
        await asyncio.to_thread(commands.check, project_dir, url)

    async def test_every_migration_can_be_taken_back_and_applied_again(
        self, project_dir: Path, url: str
    ) -> None:
        """Go down one by one to an empty schema, up again, and compare."""
        for _ in commands.history(project_dir):
            await asyncio.to_thread(commands.downgrade, project_dir, url, "-1")
        assert await asyncio.to_thread(commands.current, project_dir, url) == ()
        await asyncio.to_thread(commands.upgrade, project_dir, url)
        await asyncio.to_thread(commands.check, project_dir, url)

    @pytest.mark.unhappy
    def test_there_are_no_two_newest_migrations(self, project_dir: Path) -> None:
        """Two would be a fork that nobody joined."""
        assert commands.head(project_dir) == commands.history(project_dir)[0].revision

    @pytest.mark.unhappy
    def test_every_file_is_named_by_its_minute(self, project_dir: Path) -> None:
        """Files sort by their time, in UTC, and tell what they do."""
        names = [migration.path.name for migration in commands.history(project_dir)]
        assert [name for name in names if not _NAME.fullmatch(name)] == []


class SafeMigrations:
    """No migration locks a table for long, or breaks the release that still runs; needs squawk."""

    @pytest.fixture
    def project_dir(self, pytestconfig: pytest.Config) -> Path:
        """Give the folder of the pyproject.toml that has ``[tool.alembic]``."""
        return project_of(pytestconfig).folder

    @pytest.mark.unhappy
    def test_no_migration_is_unsafe(self, project_dir: Path) -> None:
        """Look at the SQL that would be sent."""
        found = unsafe_changes(project_dir)
        assert not found, "\n".join(map(str, found))
