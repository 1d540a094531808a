"""The application on a real PostgreSQL, and people who use it."""

import httpx
import pytest
from bedplate.database import Database
from bedplate.testing import Outbox

from app.config import Settings
from app.main import create_app
from tests.integration.people import App, Member, join, promote


@pytest.fixture
def app(settings: Settings, database: Database, outbox: Outbox) -> App:
    return create_app(settings, database=database, mailer=outbox)


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> Member:
    return await join(client, "ada@example.com")


@pytest.fixture
async def bob(client: httpx.AsyncClient) -> Member:
    return await join(client, "bob@example.com")


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Member:
    return await promote(await join(client, "grace@example.com"), database)
