import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bedplate.cli.errors import ExitCode
from bedplate.database import Database

MODELS = """

from bedplate.auth.models import AuthSessionMixin, RefreshTokenMixin, ThrottleMixin


class AuthSession(AuthSessionMixin, Base):
    __tablename__ = "auth_sessions"


class RefreshToken(RefreshTokenMixin, Base):
    __tablename__ = "refresh_tokens"


class Counter(ThrottleMixin, Base):
    __tablename__ = "counters"
"""
SESSIONS = """
from bedplate.auth.sessions import SessionRepository as Sessions
from notes.models import AuthSession, RefreshToken


class SessionRepository(Sessions[User, AuthSession]):
    model, account_model, token_model = AuthSession, User, RefreshToken


class FullUnitOfWork(NotesUnitOfWork):
    sessions = repository(SessionRepository)
"""
ROWS = """
INSERT INTO users (id, email, password_hash) VALUES (gen_random_uuid(), 'ada@example.com', '-');
INSERT INTO auth_sessions (id, user_id, absolute_expires_at)
  SELECT gen_random_uuid(), id, now() + n * interval '1 day' FROM users, generate_series(-2, 2) AS n
  WHERE n <> 0;
INSERT INTO counters (key, empty_at) VALUES ('over', now()), ('counting', now() + interval '1 day')
"""


@pytest.fixture
def elsewhere(
    service: Path,
    committed_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The service with a database that is not the embedded one."""
    url = committed_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.chdir(service)
    return service


@pytest.fixture
def full(elsewhere: Path, bedplate: Callable[..., Any]) -> Path:
    """The service with sessions and counters, some of them over."""
    package = elsewhere / "src" / "notes"
    for name, more in (("models.py", MODELS), ("accounts.py", SESSIONS)):
        path = package / name
        path.write_text(path.read_text() + more)
    project = elsewhere / "pyproject.toml"
    project.write_text(project.read_text().replace("NotesUnitOfWork", "FullUnitOfWork"))
    for arguments in (("upgrade",), ("revision", "-m", "all"), ("upgrade",)):
        assert bedplate("db", *arguments).exit_code == 0
    asyncio.run(execute(ROWS))
    return elsewhere


async def execute(statements: str) -> None:
    async with Database(os.environ["DATABASE_URL"]) as database, database.session() as session:
        for statement in statements.split(";"):
            await session.execute(text(statement))
        await session.commit()


def test_what_is_over_is_deleted_and_counted(full: Path, bedplate: Callable[..., Any]) -> None:
    for count in ("2", "0"):
        outcome = bedplate("db", "clean")
        counters = "1" if count == "2" else "0"
        assert outcome.out == f"auth_sessions: {count} deleted\ncounters: {counters} deleted\n"
        assert outcome.exit_code == 0


@pytest.mark.unhappy
def test_a_service_in_which_nothing_expires_says_so(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    bedplate("db", "upgrade")
    assert bedplate("db", "clean").out == "Nothing in this service expires.\n"


@pytest.mark.unhappy
def test_outside_of_a_service_nothing_is_deleted(bedplate: Callable[..., Any]) -> None:
    outcome = bedplate("db", "clean")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert outcome.sentence.startswith("Error: This is not the folder of a service")


@pytest.mark.unhappy
def test_without_a_unit_of_work_it_is_asked_for(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    project = elsewhere / "pyproject.toml"
    project.write_text(project.read_text().replace("unit-of-work", "#"))
    outcome = bedplate("db", "clean")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert "unit-of-work" in outcome.sentence
