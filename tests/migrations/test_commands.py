"""The commands on a project with two migrations, against real PostgreSQL."""

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import text

from bedplate.database import Database
from bedplate.errors import ConfigurationError, DatabaseUnavailableError
from bedplate.migrations import MigrationDriftError, MigrationError, commands


class Project(Protocol):
    """What the fixture `project` gives."""

    folder: Path
    versions: Path

    def declare(self, columns: str) -> None: ...
    def add(self, revision: str, down: str | None, *, upgrade: str = "pass") -> None: ...


BROKEN_URL = "postgresql://nobody@127.0.0.1:1/nothing"


async def columns(database: Database) -> list[str]:
    async with database.session() as session:
        return list(
            await session.scalars(
                text(
                    "SELECT column_name FROM information_schema.columns"
                    " WHERE table_name = 'books' ORDER BY ordinal_position"
                )
            )
        )


async def test_upgrade_applies_all_migrations(
    project: Project, url: str, committed_database: Database
) -> None:
    await asyncio.to_thread(commands.upgrade, project.folder, url)
    assert await columns(committed_database) == ["id", "title"]
    found = commands.status(project.folder, url)
    assert (found.current, found.heads, found.pending) == (("bbb2",), ("bbb2",), ())
    assert found.is_at_head


async def test_commands_work_on_a_thread_that_has_an_event_loop(
    project: Project, url: str, committed_database: Database
) -> None:
    commands.upgrade(project.folder, url, "aaa1")
    assert await columns(committed_database) == ["id"]
    assert commands.current(project.folder, url) == ("aaa1",)
    assert commands.status(project.folder, url).pending == ("bbb2",)


async def test_downgrade_takes_migrations_back(
    project: Project, url: str, committed_database: Database
) -> None:
    commands.upgrade(project.folder, url)
    commands.downgrade(project.folder, url, "-1")
    assert await columns(committed_database) == ["id"]
    commands.downgrade(project.folder, url, "base")
    assert await columns(committed_database) == []


async def test_revision_writes_what_the_models_have_more(project: Project, url: str) -> None:
    commands.upgrade(project.folder, url)
    project.declare('sa.Column("title", sa.String), sa.Column("at", UTCDateTime)')
    path = commands.revision(project.folder, url, "Books have a moment")
    assert re.fullmatch(r"\d{4}_\d\d_\d\d_\d{4}_books_have_a_moment\.py", path.name)
    written = path.read_text()
    assert "sa.DateTime(timezone=True)" in written
    assert "bedplate" not in written
    commands.upgrade(project.folder, url)
    commands.check(project.folder, url)


async def test_sql_needs_no_database(project: Project) -> None:
    script = commands.sql(project.folder)
    assert "SET lock_timeout" in script
    assert "ALTER TABLE books ADD COLUMN title" in script


async def test_history_and_head_need_no_database(project: Project) -> None:
    assert [str(line) for line in commands.history(project.folder)] == [
        "bbb2  books have titles",
        "aaa1  make books",
    ]
    assert commands.head(project.folder) == "bbb2"


@pytest.mark.unhappy
async def test_ten_replicas_that_start_at_once_migrate_once(
    project: Project, url: str, committed_database: Database
) -> None:
    # not what can be done twice, and long enough for all of them to ask meanwhile
    slow = 'op.execute("CREATE TABLE once (id int)"); op.execute("SELECT pg_sleep(1)")'
    project.add("ccc3", "bbb2", upgrade=slow)
    code = (
        "import sys; from pathlib import Path; from bedplate.migrations import commands;"
        "commands.upgrade(Path(sys.argv[1]), sys.argv[2])"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, str(project.folder), url, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(10)
    ]
    answers = [await process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 10, answers
    assert commands.status(project.folder, url).is_at_head


@pytest.mark.unhappy
async def test_several_threads_migrate_at_once(project: Project, url: str) -> None:
    work = [asyncio.to_thread(commands.upgrade, project.folder, url) for _ in range(4)]
    await asyncio.gather(*work)
    assert commands.status(project.folder, url).is_at_head


@pytest.mark.unhappy
@pytest.mark.parametrize("revision", ["zzz9", "nonsense"])
async def test_an_unknown_revision_is_one_sentence(
    project: Project, url: str, revision: str
) -> None:
    with pytest.raises(MigrationError, match=rf"^No file has the migration {revision}\.$"):
        commands.upgrade(project.folder, url, revision)


@pytest.mark.unhappy
async def test_a_database_ahead_of_the_files_is_one_sentence(project: Project, url: str) -> None:
    commands.upgrade(project.folder, url)
    (project.versions / "bbb2.py").unlink()
    with pytest.raises(MigrationError, match=r"^No file has the migration bbb2\.$"):
        commands.upgrade(project.folder, url)
    found = commands.status(project.folder, url)
    assert found.unknown == ("bbb2",)
    assert not found.is_at_head


@pytest.mark.unhappy
async def test_a_step_too_far_is_one_sentence(project: Project, url: str) -> None:
    commands.upgrade(project.folder, url)
    with pytest.raises(MigrationError, match=r"\.$"):
        commands.downgrade(project.folder, url, "-5")


@pytest.mark.unhappy
async def test_several_newest_migrations_are_refused(project: Project, url: str) -> None:
    project.add("ccc3", "aaa1")
    with pytest.raises(MigrationError, match="head"):
        commands.upgrade(project.folder, url)
    with pytest.raises(MigrationError, match="head"):
        commands.head(project.folder)
    assert commands.status(project.folder, url).heads == ("bbb2", "ccc3")


@pytest.mark.unhappy
async def test_a_project_without_alembic_is_one_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(MigrationError, match=r"has no \[tool.alembic\]"):
        commands.upgrade(tmp_path, url)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "call",
    [commands.upgrade, commands.check, commands.status, commands.current],
)
async def test_a_database_that_is_down_is_unavailable(
    project: Project, call: Callable[[Path, str], object]
) -> None:
    with pytest.raises(DatabaseUnavailableError):
        call(project.folder, BROKEN_URL)


@pytest.mark.unhappy
async def test_a_url_of_another_database_system_is_refused(project: Project) -> None:
    with pytest.raises(ConfigurationError):
        commands.upgrade(project.folder, "sqlite:///x.db")


@pytest.mark.unhappy
async def test_drift_names_what_differs(project: Project, url: str) -> None:
    commands.upgrade(project.folder, url)
    commands.check(project.folder, url)
    project.declare('sa.Column("title", sa.Integer, nullable=False), sa.Column("isbn", sa.String)')
    with pytest.raises(MigrationDriftError) as caught:
        commands.check(project.folder, url)
    assert set(caught.value.differences) == {
        "add column books.isbn",
        "modify type books.title",
        "modify nullable books.title",
    }


@pytest.mark.unhappy
async def test_drift_is_not_judged_before_all_is_applied(project: Project, url: str) -> None:
    commands.upgrade(project.folder, url, "aaa1")
    with pytest.raises(MigrationError, match=r"^The database is not at the newest migration"):
        commands.check(project.folder, url)


@pytest.mark.unhappy
async def test_a_revision_without_changes_is_not_written(project: Project, url: str) -> None:
    commands.upgrade(project.folder, url)
    with pytest.raises(MigrationError, match="nothing to write"):
        commands.revision(project.folder, url, "nothing")
    assert len(list(project.versions.glob("*.py"))) == 2
    assert commands.revision(project.folder, url, "nothing", autogenerate=False).is_file()


@pytest.mark.unhappy
async def test_a_failing_migration_leaves_those_before_it(
    project: Project, url: str, committed_database: Database
) -> None:
    project.add("ccc3", "bbb2", upgrade='op.drop_table("nowhere")')
    with pytest.raises(MigrationError, match=r'^A migration fails: .*"nowhere" does not exist'):
        commands.upgrade(project.folder, url)
    assert commands.current(project.folder, url) == ("bbb2",)
    assert await columns(committed_database) == ["id", "title"]


@pytest.mark.unhappy
async def test_a_value_that_breaks_a_new_constraint_fails_the_migration(
    project: Project, url: str, committed_database: Database
) -> None:
    commands.upgrade(project.folder, url)
    async with committed_database.session() as session:
        await session.execute(text("INSERT INTO books (id) VALUES (1)"))
        await session.commit()
    project.add("ccc3", "bbb2", upgrade='op.alter_column("books", "title", nullable=False)')
    with pytest.raises(MigrationError, match='"title" of relation "books" contains null values'):
        commands.upgrade(project.folder, url)


@pytest.mark.unhappy
async def test_a_table_that_stays_locked_is_not_waited_for(
    project: Project, url: str, committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bedplate.migrations.environment.LOCK_TIMEOUT", "50ms")
    commands.upgrade(project.folder, url, "aaa1")
    async with committed_database.session() as session:
        await session.execute(text("SELECT * FROM books"))
        with pytest.raises(MigrationError, match="a table that somebody else holds"):
            await asyncio.to_thread(commands.upgrade, project.folder, url)
    assert commands.current(project.folder, url) == ("aaa1",)
