import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedplate.cli.errors import ExitCode
from bedplate.database import Database
from bedplate.secret_strength import generate_secret

PASSWORD = "correct-horse-42"
NOBODY = f"postgresql://app:{PASSWORD}@localhost:1/app"
STARTING = ["ENVIRONMENT is not set: this is development.", "Starting the embedded PostgreSQL."]


def migration(folder: Path, revision: str, after: str, body: str = "pass") -> Path:
    path = folder / "alembic" / "versions" / f"2026_01_02_0000_{revision}.py"
    path.write_text(
        f"revision = {revision!r}\ndown_revision = {after!r}\n"
        f"def upgrade() -> None:\n    {body}\ndef downgrade() -> None:\n    pass\n"
    )
    return path


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
    return inside


@pytest.mark.unhappy
def test_a_port_in_use_is_noticed_before_postgresql_is_started(
    inside: Path, bedplate: Callable[..., Any], cluster_of: Callable[[Path], Path]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = bedplate("serve", f"--port={port}")
    assert outcome.exit_code == ExitCode.FAILURE
    assert f"Port {port} of 127.0.0.1 is in use" in outcome.sentence
    assert "--port" in outcome.sentence
    assert not cluster_of(inside).exists()


@pytest.mark.unhappy
@pytest.mark.parametrize("options", [(), ("--reload",)])
def test_a_port_taken_after_the_check_is_the_same_sentence(
    elsewhere: Path,
    bedplate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    from bedplate.cli import serving, sockets

    bedplate("db", "upgrade")
    rivals: list[socket.socket] = []

    def bind_and_lose(host: str, port: int) -> socket.socket:
        bound = bind(host, port)
        rival = socket.socket()
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        rival.bind(bound.getsockname())
        rival.listen()
        rivals.append(rival)
        return bound

    bind = sockets.bind
    monkeypatch.setattr(serving, "bind", bind_and_lose)
    outcome = bedplate("serve", "--port=0", *options)
    port = rivals[0].getsockname()[1]
    rivals[0].close()
    assert outcome.exit_code == ExitCode.FAILURE
    assert f"Port {port} of 127.0.0.1 is in use" in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("host", "told"),
    [("192.0.2.1", "is not an address of this machine"), ("no.such.invalid", "There is no host")],
)
def test_a_host_that_is_not_ours_is_one_sentence(
    inside: Path, bedplate: Callable[..., Any], host: str, told: str
) -> None:
    outcome = bedplate("serve", "--port=0", f"--host={host}")
    assert outcome.exit_code == ExitCode.FAILURE
    assert told in outcome.sentence


@pytest.mark.unhappy
@pytest.mark.parametrize("command", [("serve", "--port=0"), ("db", "upgrade"), ("db", "check")])
def test_a_database_that_is_down_is_one_sentence(
    inside: Path,
    bedplate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    monkeypatch.setenv("DATABASE_URL", NOBODY)
    monkeypatch.setenv("ENVIRONMENT", "development")
    outcome = bedplate(*command)
    assert outcome.exit_code == ExitCode.FAILURE
    assert "DATABASE_URL names does not answer" in outcome.sentence
    assert PASSWORD not in outcome.err


@pytest.mark.unhappy
def test_nothing_is_guessed_for_a_database_of_another_machine(
    inside: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://app:{PASSWORD}@db.example.com/app")
    outcome = bedplate("serve")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert "ENVIRONMENT is not set" in outcome.sentence
    assert PASSWORD not in outcome.err


@pytest.mark.unhappy
def test_production_names_all_that_is_missing(
    inside: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    outcome = bedplate("serve")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert "DATABASE_URL is missing" in outcome.sentence
    assert "SECRET_KEY is missing" in outcome.sentence


@pytest.mark.unhappy
def test_production_refuses_a_weak_secret_without_showing_it(
    inside: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("DATABASE_URL", NOBODY)
    monkeypatch.setenv("SECRET_KEY", "hunter2hunter2")
    outcome = bedplate("serve", "--debug")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert "SECRET_KEY" in outcome.err
    assert "hunter2" not in outcome.err
    assert PASSWORD not in outcome.err


@pytest.mark.unhappy
def test_a_database_of_ones_own_is_not_migrated_unasked(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    outcome = bedplate("serve", "--port=0")
    assert outcome.exit_code == ExitCode.FAILURE
    assert outcome.sentence == (
        "Error: The database lacks 1 migration; apply with: bedplate db upgrade"
    )


@pytest.mark.unhappy
def test_a_migration_that_no_file_has_is_named(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    migration(elsewhere, "bbb222", "aaa111")
    assert bedplate("db", "upgrade").exit_code == 0
    (elsewhere / "alembic" / "versions" / "2026_01_02_0000_bbb222.py").unlink()
    outcome = bedplate("serve", "--port=0")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "at migration bbb222, which no file here has" in outcome.sentence


@pytest.mark.unhappy
def test_several_newest_migrations_are_named(elsewhere: Path, bedplate: Callable[..., Any]) -> None:
    migration(elsewhere, "bbb222", "aaa111")
    migration(elsewhere, "ccc333", "aaa111")
    outcome = bedplate("serve", "--port=0")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "There are 2 newest migrations" in outcome.sentence
    assert "bbb222" in outcome.sentence
    assert "ccc333" in outcome.sentence


@pytest.mark.unhappy
def test_a_release_older_than_its_deployed_database_still_starts(
    elsewhere: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    migration(elsewhere, "bbb222", "aaa111")
    assert bedplate("db", "upgrade").exit_code == 0
    (elsewhere / "alembic" / "versions" / "2026_01_02_0000_bbb222.py").unlink()
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("SECRET_KEY", generate_secret())
    monkeypatch.setenv("FAIL_TO_START", "1")
    outcome = bedplate("serve", "--port=0")
    assert "ahead of this release" in outcome.err
    assert "the lamp is out" in outcome.err  # so it did go on to start


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def (", "SyntaxError: invalid syntax"),
        ("raise ValueError('first line\\nsecond')", "ValueError: first line ("),
        (f"raise ValueError('{NOBODY}')", "ValueError"),
    ],
)
def test_an_application_that_cannot_be_imported_is_one_line_with_its_place(
    inside: Path,
    bedplate: Callable[..., Any],
    cluster_of: Callable[[Path], Path],
    code: str,
    told: str,
) -> None:
    (inside / "src" / "notes" / "main.py").write_text(f"\n{code}\n")
    outcome = bedplate("serve", "--port=0")
    assert outcome.exit_code == ExitCode.FAILURE
    [*notes, sentence] = outcome.err.splitlines()
    assert notes == STARTING
    assert told in sentence
    assert "main.py, line 2)" in sentence
    assert "--debug" in sentence
    assert PASSWORD not in sentence
    assert not (cluster_of(inside) / "data" / "postmaster.pid").exists()  # it was stopped


@pytest.mark.unhappy
def test_debug_shows_where_an_import_fails(inside: Path, bedplate: Callable[..., Any]) -> None:
    (inside / "src" / "notes" / "main.py").write_text("import no_such_module\n")
    assert 'main.py", line 1, in <module>' in bedplate("serve", "--port=0", "--debug").err


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("notes.main:nothing", "notes.main has no 'nothing'"),
        ("notes.nowhere:create_app", "There is no module notes.nowhere"),
        ("nowhere.main:create_app", "There is no module nowhere.main"),
    ],
)
def test_an_application_that_is_not_there_is_a_wrong_configuration(
    inside: Path, bedplate: Callable[..., Any], place: str, told: str
) -> None:
    (inside / "pyproject.toml").write_text(f'[tool.bedplate]\napp = "{place}"\n')
    outcome = bedplate("serve", "--port=0")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert told in outcome.err


@pytest.mark.unhappy
def test_a_factory_that_raises_is_one_line(elsewhere: Path, bedplate: Callable[..., Any]) -> None:
    bedplate("db", "upgrade")
    (elsewhere / "src" / "notes" / "main.py").write_text(
        "def create_app():\n    raise TypeError('no such thing')\n"
    )
    outcome = bedplate("serve", "--port=0")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "notes.main:create_app fails: TypeError: no such thing" in outcome.sentence


@pytest.mark.unhappy
def test_an_application_that_does_not_start_is_one_line_without_a_traceback(
    elsewhere: Path, bedplate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bedplate("db", "upgrade")
    monkeypatch.setenv("FAIL_TO_START", "1")
    outcome = bedplate("serve", "--port=0")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "The application did not start: RuntimeError: the lamp is out" in outcome.sentence
    assert outcome.out == ""
    assert "RuntimeError: the lamp is out" in bedplate("serve", "--port=0", "--debug").err


@pytest.mark.unhappy
def test_a_migration_that_fails_in_python_is_one_line(
    elsewhere: Path, bedplate: Callable[..., Any]
) -> None:
    migration(elsewhere, "bbb222", "aaa111", body="raise KeyError('no such column')")
    outcome = bedplate("db", "upgrade")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "KeyError" in outcome.sentence
    assert "bbb222.py, line 4)" in outcome.sentence
