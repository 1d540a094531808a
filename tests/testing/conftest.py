"""Runs of pytest inside tests: a project, its tests, and what came of them."""

import os
from collections.abc import Callable

import pytest

INI = """
[tool.pytest.ini_options]
addopts = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:faker", "-p", "no:anyio"]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "session"
asyncio_default_test_loop_scope = "session"
filterwarnings = ["error"]
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose pyproject.toml configures pytest as bedplate asks for."""
    for name in ("DATABASE_URL", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", os.environ["HOME"])  # pytester moves it, and with it the clusters
    pytester.path.joinpath("pyproject.toml").write_text(INI)
    return pytester


@pytest.fixture
def configure(project: pytest.Pytester) -> Callable[[str], None]:
    def append(text: str) -> None:
        with project.path.joinpath("pyproject.toml").open("a") as file:
            file.write(text)

    return append
