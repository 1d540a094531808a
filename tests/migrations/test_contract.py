"""The suites that services inherit pass for migrations that are in order, and fail for others."""

from pathlib import Path

import pytest
from tests.migrations.conftest import Project

from bedplate.migrations import MigrationDriftError, MigrationError, commands
from bedplate.testing.contracts.migrations import MigrationContract, SafeMigrations

MINUTE = "2026_01_01_0000"


class TestMigrations(MigrationContract):
    @pytest.fixture
    def project_dir(self, project: Project, url: str) -> Path:
        for migration in commands.history(project.folder):
            migration.path.rename(migration.path.with_name(f"{MINUTE}_{migration.revision}.py"))
        commands.upgrade(project.folder, url)
        return project.folder


class TestSafety(SafeMigrations):
    @pytest.fixture
    def project_dir(self, project: Project) -> Path:
        return project.folder


@pytest.mark.unhappy
async def test_a_way_back_that_is_missing_fails(project: Project, url: str) -> None:
    project.add("ccc3", "bbb2", upgrade='op.create_table("more", sa.Column("n", sa.Integer))')
    commands.upgrade(project.folder, url)
    with pytest.raises(MigrationError):
        await MigrationContract().test_every_migration_can_be_taken_back_and_applied_again(
            project.folder, url
        )


@pytest.mark.unhappy
async def test_models_that_say_more_fail(project: Project, url: str) -> None:
    commands.upgrade(project.folder, url)
    project.declare('sa.Column("title", sa.String), sa.Column("isbn", sa.String)')
    with pytest.raises(MigrationDriftError):
        await MigrationContract().test_the_migrations_make_what_the_models_say(project.folder, url)


@pytest.mark.unhappy
def test_a_fork_and_a_file_without_its_minute_fail(project: Project) -> None:
    contract = MigrationContract()
    with pytest.raises(AssertionError):
        contract.test_every_file_is_named_by_its_minute(project.folder)
    project.add("ccc3", "aaa1")
    with pytest.raises(MigrationError, match="head"):
        contract.test_there_are_no_two_newest_migrations(project.folder)


@pytest.mark.unhappy
def test_an_unsafe_migration_fails(project: Project) -> None:
    project.add("ccc3", "bbb2", upgrade='op.drop_table("books")')
    with pytest.raises(AssertionError, match="ban-drop-table"):
        SafeMigrations().test_no_migration_is_unsafe(project.folder)
