"""A service generated from this checkout, its database, and where its mails arrive."""

import email
import email.policy
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.mail_server import MailServer, running
from tests.template.harness import generate, snapshot

from bedplate.auth.keys import generate_secret
from bedplate.database import Database
from bedplate.testing.fixtures import ProjectMigrations
from bedplate.testing.postgres import Postgres


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def folder(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service's, generated with nothing but defaults."""
    return generate(template, tmp_path_factory.mktemp("services") / "my-service")


@pytest.fixture(scope="session")
async def filled(postgres: Postgres, folder: Path) -> AsyncIterator[Database]:
    """A database with the service's tables."""
    database = await postgres.create(ProjectMigrations(folder))
    yield database
    await postgres.drop(database)


@pytest.fixture(scope="session")
async def mail_server() -> AsyncIterator[MailServer]:
    server = MailServer()
    listening = await running(server, None)
    yield server
    listening.close()


@pytest.fixture(scope="session")
def environment(postgres: Postgres, filled: Database, mail_server: MailServer) -> dict[str, str]:
    """Settings as in production, with hashes that cost little."""
    name = filled.engine.url.database
    assert name is not None
    return {
        "ENVIRONMENT": "staging",
        "DATABASE_URL": postgres.url(name).replace("+asyncpg", "").replace("+psycopg", ""),
        "SECRET_KEY": generate_secret(),
        "LOG_LEVEL": "DEBUG",
        "BCRYPT_ROUNDS": "4",
        "RATE_LIMIT_ENABLED": "false",
        "MAIL_HOST": "127.0.0.1",
        "MAIL_PORT": str(mail_server.port),
        "MAIL_SECURITY": "none",
        "MAIL_SENDER": "service@example.com",
    }


def texts_to(server: MailServer, address: str) -> list[str]:
    """Give the texts of the mails to an address, the oldest first."""
    mails = [
        email.message_from_string(mail, policy=email.policy.default) for mail in server.messages
    ]
    return [mail.get_content() for mail in mails if address in str(mail["to"])]
