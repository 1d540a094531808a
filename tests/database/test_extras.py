"""What is missing is named, and what does not need it works without."""

import subprocess
import sys

import pytest


def imported(module: str, *, without: str) -> subprocess.CompletedProcess[str]:
    """Import a module in a process of its own where a package seems not installed."""
    code = f"import sys; sys.modules[{without!r}] = None; import {module}"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("module", ["bedplate.pagination", "bedplate.errors"])
def test_pages_and_errors_need_no_sqlalchemy(module: str) -> None:
    assert imported(module, without="sqlalchemy").returncode == 0


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "module",
    [
        "bedplate.database",
        "bedplate.models.uuid7",
        "bedplate.repositories.filters",
        "bedplate.unit_of_work",
    ],
)
def test_without_sqlalchemy_the_extra_is_named(module: str) -> None:
    last = imported(module, without="sqlalchemy").stderr.strip().splitlines()[-1]
    assert last.endswith("pip install 'bedplate[database]'")
    assert "sqlalchemy is not installed" in last


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("module", "package"),
    [("bedplate.database", "greenlet"), ("bedplate.migrations.commands", "alembic")],
)
def test_without_its_companions_the_extra_is_named(module: str, package: str) -> None:
    last = imported(module, without=package).stderr.strip().splitlines()[-1]
    assert last.endswith("pip install 'bedplate[database]'")
