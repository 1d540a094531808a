from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedplate import __version__
from bedplate.cli.errors import ExitCode
from bedplate.database import Database
from bedplate.secret_strength import generate_secret

PASSWORD = "correct-horse-42"


@pytest.fixture
def inside(service: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(service)
    return service


@pytest.fixture
def elsewhere(inside: Path, committed_database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service with an empty database that is not the embedded one."""
    url = committed_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.setenv("SECRET_KEY", generate_secret())
    return inside


def findings(outcome: Any) -> dict[str, tuple[str, str]]:
    """Give status and text by subject."""
    found = {}
    for line in outcome.out.splitlines():
        status, subject, text = line[:5].strip(), line[6:18].strip(), line[19:]
        found[subject] = (status, text)
    return found


def test_all_is_well(elsewhere: Path, bedplate: Callable[..., Any]) -> None:
    bedplate("db", "upgrade")
    (elsewhere / ".copier-answers.yml").write_text(
        f"# changes here are overwritten\n_commit: v{__version__}\n_src_path: /somewhere\n"
    )
    outcome = bedplate("doctor")
    found = findings(outcome)
    assert outcome.exit_code == 0, outcome.out
    assert {status for status, _ in found.values()} == {"ok"}
    assert found["database"][1].startswith("PostgreSQL ")
    assert found["migrations"][1] == "at the newest (aaa111)"
    assert found["bedplate"][1] == __version__
    assert found["application"][1] == "notes.main:create_app"


@pytest.mark.unhappy
def test_a_fresh_project_is_told_what_to_do(inside: Path, bedplate: Callable[..., Any]) -> None:
    outcome = bedplate("doctor")
    found = findings(outcome)
    assert outcome.exit_code == ExitCode.FAILURE
    assert found["settings"][0] == "warn"
    assert found["secret key"] == ("ok", "strong; made for this machine, in .bedplate/secret_key")
    assert found["database"][0] == "ok"
    assert found["migrations"] == ("fail", "1 migration to apply; run: bedplate db upgrade")


@pytest.mark.unhappy
def test_a_database_that_is_down_fails_and_the_rest_is_still_told(
    inside: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://app:{PASSWORD}@localhost:1/app")
    outcome = bedplate("doctor")
    found = findings(outcome)
    assert outcome.exit_code == ExitCode.FAILURE
    assert found["database"][0] == "fail"
    assert "does not answer" in found["database"][1]
    assert found["application"][0] == "ok"
    assert PASSWORD not in outcome.out + outcome.err


@pytest.mark.unhappy
def test_wrong_settings_fail_without_showing_them(
    inside: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("SECRET_KEY", "hunter2hunter2")
    outcome = bedplate("doctor")
    status, text = findings(outcome)["settings"]
    assert outcome.exit_code == ExitCode.FAILURE
    assert status == "fail"
    assert "DATABASE_URL is missing" in text
    assert "SECRET_KEY" in text
    assert "hunter2" not in outcome.out + outcome.err


@pytest.mark.unhappy
def test_an_application_that_cannot_be_imported_fails(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    (elsewhere / "src" / "notes" / "main.py").write_text("import no_such_module\n")
    outcome = bedplate("doctor")
    assert outcome.exit_code == ExitCode.FAILURE
    status, text = findings(outcome)["application"]
    assert status == "fail"
    assert "No module named 'no_such_module'" in text


@pytest.mark.unhappy
def test_broken_migrations_fail_in_one_line(elsewhere: Path, bedplate: Callable[..., Any]) -> None:
    (elsewhere / "alembic" / "versions" / "2026_01_02_0000_broken.py").write_text("\ndef (\n")
    outcome = bedplate("doctor")
    assert outcome.exit_code == ExitCode.FAILURE
    assert findings(outcome)["migrations"][0] == "fail"
    assert outcome.err == ""


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("commit", "status"),
    [("v0.0.1", "warn"), ("9.9.9", "warn"), ("'v0.0.1-3-gabc1234'", "warn"), ("1e14f00", "ok")],
)
def test_a_template_of_another_release_is_a_warning(
    elsewhere: Path, bedplate: Callable[..., Any], commit: str, status: str
) -> None:
    bedplate("db", "upgrade")
    (elsewhere / ".copier-answers.yml").write_text(f"_commit: {commit}\n")
    outcome = bedplate("doctor")
    assert outcome.exit_code == 0
    assert findings(outcome)["template"][0] == status


@pytest.mark.unhappy
@pytest.mark.parametrize("content", [b"", b"_commit:\n", b"\xff\xfe", b"- a\n- b\n"])
def test_answers_that_say_nothing_are_no_failure(
    elsewhere: Path, bedplate: Callable[..., Any], content: bytes
) -> None:
    bedplate("db", "upgrade")
    (elsewhere / ".copier-answers.yml").write_bytes(content)
    assert findings(bedplate("doctor"))["template"][0] == "ok"


@pytest.mark.unhappy
def test_a_project_without_an_application_is_a_warning(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    (elsewhere / "pyproject.toml").write_text("[tool.bedplate]\n")
    found = findings(bedplate("doctor"))
    assert found["application"][0] == "warn"
    assert "migrations" not in found
