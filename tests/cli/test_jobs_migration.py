"""`bedplate jobs migration`"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedplate.cli.errors import ExitCode

ROOT = Path(__file__).parents[2]


@pytest.fixture
def migrated(service: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service, with the template's way of writing migrations."""
    shutil.copy(ROOT / "template/alembic/script.py.mako", service / "alembic/script.py.mako")
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.chdir(service)
    return service


def versions(service: Path) -> set[str]:
    return {path.name for path in (service / "alembic/versions").glob("*.py")}


def test_the_migration_comes_behind_the_newest_one(
    migrated: Path, bedplate: Callable[..., Any]
) -> None:
    before = versions(migrated)
    outcome = bedplate("jobs", "migration")
    assert outcome.exit_code == ExitCode.DONE, outcome.err
    [name] = versions(migrated) - before
    text = (migrated / "alembic/versions" / name).read_text()
    assert "create_jobs(op)" in text.partition("def downgrade")[0]
    assert "drop_jobs(op)" in text.partition("def downgrade")[2]
    assert "down_revision: str | Sequence[str] | None = None" not in text
    assert "import sqlalchemy as sa" not in text
    compile(text, name, "exec")


@pytest.mark.unhappy
def test_a_second_run_does_nothing(migrated: Path, bedplate: Callable[..., Any]) -> None:
    bedplate("jobs", "migration")
    before = versions(migrated)
    outcome = bedplate("jobs", "migration")
    assert outcome.exit_code == ExitCode.DONE
    assert "nothing to do" in outcome.out
    assert versions(migrated) == before


@pytest.mark.unhappy
def test_the_tables_go_once_they_are_there_and_can_come_again(
    migrated: Path, bedplate: Callable[..., Any]
) -> None:
    before = versions(migrated)
    assert "nothing to do" in bedplate("jobs", "migration", "--drop").out
    for arguments in ((), ("--drop",), ()):
        outcome = bedplate("jobs", "migration", *arguments)
        assert "nothing to do" not in outcome.out
    assert len(versions(migrated) - before) == 3


@pytest.mark.unhappy
def test_without_migrations_one_sentence_says_so(
    migrated: Path, bedplate: Callable[..., Any]
) -> None:
    shutil.rmtree(migrated / "alembic")
    outcome = bedplate("jobs", "migration")
    assert outcome.exit_code == ExitCode.FAILURE
    assert outcome.sentence
