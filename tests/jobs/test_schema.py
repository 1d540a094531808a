"""bedplate.jobs.schema"""

import subprocess
import sys
from contextlib import suppress
from importlib.resources import files

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from tests.jobs.conftest import NoteUnitOfWork

from bedplate.database import Database
from bedplate.errors import BedplateError
from bedplate.jobs.engine import schema_builder
from bedplate.jobs.schema import create_jobs, drop_jobs

WITHOUT_PGQUEUER = """
import sys
sys.modules["pgqueuer"] = None
from bedplate.jobs.schema import create_jobs, drop_jobs
class Written:
    def execute(self, statement): print(statement)
create_jobs(Written())
drop_jobs(Written())
try:
    from bedplate.jobs import JobQueue
except ImportError as error:
    print(error)
"""


def test_the_tables_are_those_of_the_engine_that_is_installed() -> None:
    """When this fails, PgQueuer's tables have changed: add a migration for those who have these."""
    ours = files("bedplate.jobs").joinpath("tables.sql").read_text(encoding="utf-8")
    theirs = schema_builder().build_install_query()
    # the first line names its version
    assert ours.splitlines()[1:] == theirs.splitlines()[1:]


@pytest.mark.unhappy
def test_migrations_run_without_the_engine_and_all_else_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PGQUEUER], capture_output=True, text=True, check=True
    )
    assert "CREATE TABLE jobs.pgqueuer" in done.stdout
    assert "DROP TABLE jobs.pgqueuer;" in done.stdout
    assert "bedplate[jobs]" in done.stdout.splitlines()[-1]


@pytest.mark.unhappy
async def test_what_others_put_into_the_schema_is_not_dropped(
    committed_database: Database, uow: NoteUnitOfWork
) -> None:
    async with committed_database.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE jobs.ours (id int)"))
    with suppress(SQLAlchemyError, BedplateError):
        async with committed_database.engine.begin() as connection:
            await connection.run_sync(drop_jobs)
    async with uow:
        assert await uow.jobs.waiting() == {}


@pytest.mark.unhappy
async def test_creating_them_twice_is_refused(committed_database: Database) -> None:
    with pytest.raises((SQLAlchemyError, BedplateError)):
        async with committed_database.engine.begin() as connection:
            await connection.run_sync(create_jobs)
