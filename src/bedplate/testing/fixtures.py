"""The fixtures; what they need beyond pytest is imported only when one is used."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from bedplate.testing.clock import FrozenClock
from bedplate.testing.outbox import Outbox
from bedplate.testing.run import project_of, run_name, worker_name

if TYPE_CHECKING:
    import httpx
    from sqlalchemy.ext.asyncio import AsyncEngine

    from bedplate.database import Database
    from bedplate.database.embedded import EmbeddedPostgres
    from bedplate.testing.lifespan import ASGIApp
    from bedplate.testing.postgres import Postgres, Schema, SharedDatabase

_LOOP_SCOPE = "asyncio_default_test_loop_scope"


@dataclass(frozen=True, slots=True)
class ProjectMigrations:
    """Runs the migrations of a project."""

    project: Path

    def __call__(self, url: str) -> None:
        """Bring the database at this URL to the newest revision."""
        from bedplate.migrations.commands import upgrade

        upgrade(self.project, url)


@pytest.fixture(scope="session")
def schema(pytestconfig: pytest.Config) -> "Schema":
    """Give what fills an empty test database: the project's migrations, if it has any.

    Override it, in the session's scope, with a `MetaData` or a function that is given the URL.
    """
    project = project_of(pytestconfig)
    return ProjectMigrations(project.folder) if project.has_migrations else _leave_empty


def _leave_empty(_url: str) -> None:
    pass


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(pytestconfig: pytest.Config) -> AsyncIterator["Postgres"]:
    """Give the server of TEST_DATABASE_URL, or else an embedded one; fail if there is neither."""
    from sqlalchemy.exc import SQLAlchemyError

    from bedplate.database.url import parse_url
    from bedplate.errors import BedplateError
    from bedplate.testing.postgres import Postgres

    driver: str | None = pytestconfig.getoption("postgres_driver")
    embedded: EmbeddedPostgres | None = None
    given = os.environ.get("TEST_DATABASE_URL")
    try:
        if not given:
            embedded = await asyncio.to_thread(_embedded)
            given = embedded.url("postgres").replace("+asyncpg", "")
        url = parse_url(given)
        if driver is not None:
            url = parse_url(url.set(drivername=f"postgresql+{driver}"))
        server = Postgres(url, run=run_name(pytestconfig), worker=worker_name(pytestconfig))
        await server.drop_left_overs()
    except (BedplateError, SQLAlchemyError, ImportError, OSError) as error:
        source = "an embedded one" if embedded or not given else "TEST_DATABASE_URL"
        pytest.fail(
            f"These tests need PostgreSQL, and {source} cannot be had: {error}", pytrace=False
        )
    try:
        yield server
        await server.close()
    finally:
        if embedded is not None:
            await asyncio.to_thread(embedded.__exit__, None, None, None)


def _embedded() -> "EmbeddedPostgres":
    from bedplate.database.embedded import EmbeddedPostgres

    return EmbeddedPostgres("tests", durable=False).__enter__()


@pytest.fixture(scope="session")
def shared_database() -> "SharedDatabase":
    """Give what `database` is in every test, to build an application with it once for all of them.

    It refuses everything while no test is running that asks for `database`.
    """
    from bedplate.testing.postgres import SharedDatabase

    return SharedDatabase()


@pytest_asyncio.fixture(loop_scope="session")
async def database(
    request: pytest.FixtureRequest,
    postgres: "Postgres",
    schema: "Schema",
    shared_database: "SharedDatabase",
) -> AsyncIterator["Database"]:
    """Give a database whose sessions join one transaction, rolled back after the test."""
    _demand_session_loop(request)
    made = await postgres.shared(schema)
    async with made.engine.connect() as connection:
        transaction = await connection.begin()
        try:
            with shared_database.bound(connection):
                yield shared_database
        finally:
            await transaction.rollback()


@pytest_asyncio.fixture(loop_scope="session")
async def committed_database(
    request: pytest.FixtureRequest, postgres: "Postgres", schema: "Schema"
) -> AsyncIterator["Database"]:
    """Give a database of the test's own, for real commits and several connections."""
    _demand_session_loop(request)
    made = await postgres.create(schema)
    try:
        yield made
    finally:
        await postgres.drop(made)


@pytest_asyncio.fixture(loop_scope="session")
async def client(app: "ASGIApp") -> AsyncIterator["httpx.AsyncClient"]:
    """Give an HTTP client of the fixture `app`, started and afterwards shut down.

    An error that the application does not handle is answered as its error boundary does.
    """
    import httpx

    from bedplate.testing.lifespan import running

    async with running(app) as started:
        transport = httpx.ASGITransport(started, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as made:
            yield made


@pytest.fixture
def captured_logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """Give the log records of the test, each a dictionary with `event` and `log_level`."""
    from structlog.testing import capture_logs

    with capture_logs() as records:
        yield records


@pytest.fixture
def frozen_clock() -> FrozenClock:
    """Give a clock that stands still until the test moves it."""
    return FrozenClock()


@pytest.fixture(scope="session")
def shared_outbox() -> Outbox:
    """Give what `outbox` is in every test, to build an application with it once for all of them."""
    return Outbox()


@pytest.fixture
def outbox(shared_outbox: Outbox) -> Outbox:
    """Give a mailer that keeps mails instead of sending them; it is empty, and works."""
    shared_outbox.clear()
    shared_outbox.failing = None
    return shared_outbox


@pytest.fixture
def count_statements() -> "Callable[[Database | AsyncEngine], AbstractContextManager[list[str]]]":
    """Give a context manager that lists the SQL statements sent to a database inside it."""
    from bedplate.testing.statements import count_statements

    return count_statements


def _demand_session_loop(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("asyncio")
    scope = marker.kwargs.get("loop_scope") if marker else None
    if (scope or request.config.getini(_LOOP_SCOPE)) != "session":
        pytest.fail(
            "A database's connections belong to the session's event loop, so the test must run on"
            f' it too: set {_LOOP_SCOPE} = "session" in pytest\'s configuration.',
            pytrace=False,
        )
