import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedplate.cli.errors import ExitCode
from bedplate.database import Database
from bedplate.database.embedded import EmbeddedPostgres, cluster_name


@pytest.fixture
def elsewhere(service: Path, committed_database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service with an empty database that is not the embedded one."""
    url = committed_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.chdir(service)
    return service


def test_migrations_go_up_and_down_and_say_where_the_database_stands(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    assert bedplate("db", "current").out == "no migration, 1 to go\n"
    assert bedplate("db", "upgrade").out == "aaa111 (newest)\n"
    assert bedplate("db", "current").out == "aaa111 (newest)\n"
    assert bedplate("db", "downgrade", "--", "-1").out == "no migration, 1 to go\n"
    assert bedplate("db", "history").out == "aaa111  Notes.\n"


def test_a_revision_is_written_from_the_models_and_then_they_agree(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    bedplate("db", "upgrade")
    written = bedplate("db", "revision", "-m", "add users")
    assert written.exit_code == 0
    [path] = (elsewhere / "alembic" / "versions").glob("*_add_users.py")
    assert written.out == f"Wrote {path}\n"
    assert "op.create_table" in path.read_text()
    assert bedplate("db", "upgrade").exit_code == 0
    assert bedplate("db", "check").out == "The migrations agree with the models.\n"


def test_the_embedded_database_is_migrated_from_a_folder_below(
    service: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    below = service / "src" / "notes"
    monkeypatch.chdir(below)
    outcome = bedplate("db", "upgrade")
    assert outcome.out == "aaa111 (newest)\n"
    assert outcome.err == "Starting the embedded PostgreSQL.\n"
    assert os.environ["DATABASE_URL"].startswith("postgresql://")
    with EmbeddedPostgres(cluster_name(service)) as server:
        assert (server.data_dir / "PG_VERSION").exists()


@pytest.mark.unhappy
def test_a_migration_that_does_not_exist_is_one_sentence(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    for command in (("upgrade", "zzz"), ("downgrade", "zzz")):
        outcome = bedplate("db", *command)
        assert outcome.exit_code == ExitCode.FAILURE
        assert "zzz" in outcome.sentence


@pytest.mark.unhappy
def test_a_revision_while_the_database_is_behind_is_refused(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    outcome = bedplate("db", "revision", "-m", "add users")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "upgrade it first" in outcome.sentence


@pytest.mark.unhappy
def test_check_names_what_differs_and_fails(elsewhere: Path, bedplate: Callable[..., Any]) -> None:
    bedplate("db", "upgrade")
    outcome = bedplate("db", "check")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "users" in outcome.sentence


@pytest.mark.unhappy
def test_a_project_without_migrations_is_a_wrong_configuration(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    (elsewhere / "pyproject.toml").write_text("[tool.bedplate]\n")
    for command in (("upgrade",), ("history",)):
        outcome = bedplate("db", *command)
        assert outcome.exit_code == ExitCode.CONFIGURATION
        assert "has no [tool.alembic]" in outcome.sentence


@pytest.mark.unhappy
@pytest.mark.parametrize("command", [("upgrade",), ("current",), ("history",)])
def test_a_broken_migration_file_is_one_line(
    elsewhere: Path, bedplate: Callable[..., Any], command: tuple[str, ...]
) -> None:
    (elsewhere / "alembic" / "versions" / "2026_01_02_0000_broken.py").write_text("\ndef (\n")
    outcome = bedplate("db", *command)
    assert outcome.exit_code == ExitCode.FAILURE
    assert "SyntaxError: invalid syntax (" in outcome.sentence
    assert "broken.py, line 2)" in outcome.sentence


@pytest.mark.unhappy
def test_a_missing_folder_of_migrations_is_one_sentence(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    (elsewhere / "alembic").rename(elsewhere / "gone")
    for command in ("upgrade", "history"):
        outcome = bedplate("db", command)
        assert outcome.exit_code == ExitCode.FAILURE
        assert "alembic" in outcome.sentence


@pytest.mark.unhappy
def test_a_data_folder_of_another_postgresql_is_one_sentence(
    service: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(service)
    with EmbeddedPostgres(cluster_name(service)) as server:
        version = server.data_dir / "PG_VERSION"
    version.write_text("12\n")
    try:
        outcome = bedplate("db", "current")
    finally:
        version.write_text("18\n")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "was made by PostgreSQL 12" in outcome.err
