import asyncio
import io
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bedplate.auth.passwords import BcryptHasher
from bedplate.cli.errors import ExitCode
from bedplate.database import Database

PASSWORD = "kite-lantern-41-otter"
COMMAND = [sys.executable, "-c", "from bedplate.cli import main; main()"]


@pytest.fixture
def elsewhere(
    service: Path,
    committed_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    bedplate: Callable[..., Any],
) -> Path:
    """The service, its tables in a database that is not the embedded one."""
    url = committed_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.chdir(service)
    bedplate("db", "upgrade")
    bedplate("db", "revision", "-m", "add users")
    bedplate("db", "upgrade")
    return service


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    def type_in(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), "utf-8"))

    return type_in


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    async def run() -> list[tuple[Any, ...]]:
        async with Database(url) as database, database.session() as session:
            found = await session.execute(text(statement))
            rows = [tuple(row) for row in found] if statement.startswith("SELECT") else []
            await session.commit()
            return rows

    return asyncio.run(run())


def accounts() -> list[tuple[Any, ...]]:
    statement = "SELECT email, password_hash, roles, is_verified FROM users"
    return execute(os.environ["DATABASE_URL"], statement)


def matches(password: str, stored: str) -> bool:
    hasher = BcryptHasher()
    try:
        return asyncio.run(hasher.verify(password, stored)).ok
    finally:
        hasher.close()


def test_an_administrator_can_log_in_at_once(
    elsewhere: Path, bedplate: Callable[..., Any], typed: Callable[[bytes], None]
) -> None:
    typed(f"{PASSWORD}\n".encode())
    outcome = bedplate("user", "create", "Ada@Example.com", "--admin", "--password-stdin")
    assert outcome.exit_code == 0, outcome.err
    assert outcome.out == "Administrator ada@example.com can log in now.\n"
    [(email, password_hash, roles, is_verified)] = accounts()
    assert (email, roles, is_verified) == ("ada@example.com", ["admin"], True)
    assert matches(PASSWORD, password_hash)


def test_the_password_is_asked_for_twice_and_not_shown(elsewhere: Path) -> None:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "user", "create", "ada@example.com"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown, answered = b"", 0
    while select.select([controller], [], [], 60)[0]:
        try:
            shown += os.read(controller, 1024)
        except OSError:  # the other side is closed
            break
        if shown.count(b": ") > answered and shown.endswith(b": "):
            answered += 1
            os.write(controller, PASSWORD.encode() + b"\n")
    os.close(controller)
    assert process.wait(60) == 0, shown
    assert answered == 2
    assert PASSWORD.encode() not in shown
    [(_, password_hash, roles, _)] = accounts()
    assert roles == []
    assert matches(PASSWORD, password_hash)


@pytest.mark.unhappy
def test_an_address_that_is_taken_is_one_sentence(
    elsewhere: Path, bedplate: Callable[..., Any], typed: Callable[[bytes], None]
) -> None:
    for expected in (ExitCode.DONE, ExitCode.FAILURE):
        typed(f"{PASSWORD}\n".encode())
        outcome = bedplate("user", "create", "ada@example.com", "--password-stdin")
        assert outcome.exit_code == expected
    assert outcome.sentence == "Error: There is an account with this address already."


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "password", [b"", b"\n", b"short\n", b"password1234\n", b"ada@example.com\n", b"aaaaaaaaaaaaaa"]
)
def test_a_weak_password_is_refused_before_the_database_is_asked(
    service: Path,
    bedplate: Callable[..., Any],
    typed: Callable[[bytes], None],
    monkeypatch: pytest.MonkeyPatch,
    cluster_of: Callable[[Path], Path],
    password: bytes,
) -> None:
    monkeypatch.chdir(service)
    typed(password)
    outcome = bedplate("user", "create", "ada@example.com", "--password-stdin")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "password" in outcome.sentence
    assert not cluster_of(service).exists()


@pytest.mark.unhappy
@pytest.mark.parametrize("email", ["ada", "ada@", "a b@example.com", "ada@example.com\n.org", ""])
def test_an_address_that_is_none_is_refused_before_a_password_is_asked_for(
    service: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    monkeypatch.chdir(service)
    outcome = bedplate("user", "create", email)
    assert outcome.exit_code == ExitCode.FAILURE
    assert outcome.sentence == "Error: This is not a valid e-mail address."


@pytest.mark.unhappy
def test_a_password_that_is_not_text_is_refused(
    service: Path,
    bedplate: Callable[..., Any],
    typed: Callable[[bytes], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(service)
    typed(b"\xff\xfe\xfd kite lantern\n")
    outcome = bedplate("user", "create", "ada@example.com", "--password-stdin")
    assert "not UTF-8 text" in outcome.sentence


@pytest.mark.unhappy
def test_without_a_terminal_the_option_is_named(
    service: Path,
    bedplate: Callable[..., Any],
    typed: Callable[[bytes], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(service)
    typed(b"")
    assert "--password-stdin" in bedplate("user", "create", "ada@example.com").sentence


@pytest.mark.unhappy
def test_a_database_that_lacks_migrations_is_refused(
    elsewhere: Path, bedplate: Callable[..., Any], typed: Callable[[bytes], None]
) -> None:
    bedplate("db", "downgrade", "base")
    typed(f"{PASSWORD}\n".encode())
    outcome = bedplate("user", "create", "ada@example.com", "--password-stdin")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "bedplate db upgrade" in outcome.sentence


@pytest.mark.unhappy
def test_a_unit_of_work_without_accounts_is_named(
    elsewhere: Path, bedplate: Callable[..., Any], typed: Callable[[bytes], None]
) -> None:
    (elsewhere / "src" / "notes" / "accounts.py").write_text(
        "from bedplate.unit_of_work import UnitOfWork as NotesUnitOfWork\n"
    )
    typed(f"{PASSWORD}\n".encode())
    outcome = bedplate("user", "create", "ada@example.com", "--password-stdin")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert "has no repository 'users'" in outcome.sentence


@pytest.mark.unhappy
def test_accounts_that_need_more_are_left_to_the_api(
    elsewhere: Path, bedplate: Callable[..., Any], typed: Callable[[bytes], None]
) -> None:
    execute(os.environ["DATABASE_URL"], "ALTER TABLE users ADD nickname text NOT NULL")
    typed(f"{PASSWORD}\n".encode())
    outcome = bedplate("user", "create", "ada@example.com", "--password-stdin")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "need more than an address and a password" in outcome.sentence


@pytest.fixture
def with_auth_settings(elsewhere: Path) -> Path:
    """The service, configured as one that signs people in."""
    module = "from bedplate.auth.settings import AuthSettings as Settings\n"
    (elsewhere / "src/notes/config.py").write_text(module, encoding="utf-8")
    project = elsewhere / "pyproject.toml"
    named = project.read_text("utf-8").replace(
        "[tool.bedplate]", '[tool.bedplate]\nsettings = "notes.config:Settings"'
    )
    project.write_text(named, encoding="utf-8")
    return elsewhere


def test_the_password_is_hashed_as_the_settings_say(
    with_auth_settings: Path,
    bedplate: Callable[..., Any],
    typed: Callable[[bytes], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PASSWORD_HASH", "argon2")
    typed(f"{PASSWORD}\n".encode())
    assert bedplate("user", "create", "ada@example.com", "--password-stdin").exit_code == 0
    [(_, password_hash, _, _)] = accounts()
    assert password_hash.startswith("$argon2id$")


@pytest.mark.unhappy
def test_a_password_that_the_settings_find_too_short_is_refused(
    with_auth_settings: Path,
    bedplate: Callable[..., Any],
    typed: Callable[[bytes], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PASSWORD_MINIMUM_LENGTH", "30")
    typed(f"{PASSWORD}\n".encode())
    outcome = bedplate("user", "create", "ada@example.com", "--password-stdin")
    assert "30 characters" in outcome.sentence
    assert accounts() == []
