"""The application on a real PostgreSQL, and people who use it."""

import httpx
import pytest
from bedplate.database import Database
from bedplate.testing import Outbox

from app.config import Settings
from app.main import create_app
from tests.integration.people import App, Member, join, promote


@pytest.fixture(scope="session")
def application(settings: Settings, shared_database: Database, shared_outbox: Outbox) -> App:
    """Built once, for that takes longest; each test starts and stops it anew."""
    return create_app(settings, database=shared_database, mailer=shared_outbox)


@pytest.fixture
def app(application: App, database: Database, outbox: Outbox) -> App:
    """The application, with a database and an outbox that are as new."""
    return application


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Member:
    return await join(client, "ada@example.com")


@pytest.fixture
async def bob(client: httpx.AsyncClient) -> Member:
    return await join(client, "bob@example.com")


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Member:
    return await promote(await join(client, "grace@example.com"), database)
