"""bedplate.testing.plugin"""

import subprocess
import sys
from collections.abc import Callable

import pytest

SERVICE = "[tool.bedplate]\n"
LOADED = "import sys; import bedplate.testing.plugin; print(*sys.modules)"


def test_the_marker_is_known_to_strict_runs(project: pytest.Pytester) -> None:
    project.makepyfile("import pytest\n@pytest.mark.unhappy\ndef test_it(): pass")
    project.runpytest_inprocess("--strict-markers").assert_outcomes(passed=1)


@pytest.mark.unhappy
def test_its_entry_point_imports_nothing_of_ours_that_a_run_would_measure() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"sqlalchemy", "pydantic", "structlog", "httpx", "asyncio"} & set(loaded)


@pytest.mark.unhappy
def test_unit_tests_start_no_database_and_import_no_driver(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import sys

        def test_it(frozen_clock, captured_logs):
            assert not {"sqlalchemy", "asyncpg", "bedplate.database", "httpx"} & set(sys.modules)
        """)
    project.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.unhappy
def test_a_suite_without_pytest_asyncio_still_runs(project: pytest.Pytester) -> None:
    project.path.joinpath("pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    project.makepyfile("def test_it(): pass")
    project.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=1)


@pytest.mark.unhappy
def test_the_development_database_is_out_of_a_services_environment(
    project: pytest.Pytester, configure: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///app")
    configure(SERVICE)
    project.makepyfile("import os\ndef test_it(): assert 'DATABASE_URL' not in os.environ")
    project.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.unhappy
def test_a_service_that_reaches_for_its_development_database_fails_the_test(
    project: pytest.Pytester, configure: Callable[[str], None]
) -> None:
    configure(SERVICE)
    project.makepyfile("""
        from bedplate.database import Database

        async def test_it():
            async with Database("postgresql://localhost:1/app") as database:
                await database.ping()

        async def test_its_own(database):
            await database.ping()
        """)
    result = project.runpytest_subprocess()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*reached for the database 'app'*"])


@pytest.mark.unhappy
def test_a_project_that_is_no_service_keeps_its_environment(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///app")
    project.makepyfile("import os\ndef test_it(): assert 'DATABASE_URL' in os.environ")
    project.runpytest_subprocess().assert_outcomes(passed=1)
