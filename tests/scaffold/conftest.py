"""A service generated from the template, and the command run in it."""

import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Outcome, bedplate, clean_process  # noqa: F401 - fixtures
from tests.template.harness import commit, generate, snapshot

from bedplate.scaffold import formatting

type Call = Callable[..., Outcome]


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service with nothing but defaults, made once."""
    template = snapshot(tmp_path_factory.mktemp("template"))
    return generate(template, tmp_path_factory.mktemp("services") / "shop")


@pytest.fixture
def shop(generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the service in a folder with a space, all of it committed."""
    folder = tmp_path / "my shop"
    shutil.copytree(generated, folder)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    commit(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def styled() -> None:
    """Ask for ruff and black, which cost seconds; without this they count as not installed."""


@pytest.fixture
def call(
    shop: Path,
    bedplate: Call,  # noqa: F811 - the fixture
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Call:
    """Run the command as a new process would: with the service's code as it is now."""
    if "styled" not in request.fixturenames:
        monkeypatch.setattr(formatting, "_TOOLS", ())

    def run(*arguments: str) -> Outcome:
        forget_service()
        return bedplate(*arguments)

    return run


def forget_service() -> None:
    """Forget what was imported; the base of the library keeps the names of its classes."""
    warnings.filterwarnings("ignore", message="This declarative base already contains a class")
    for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
        del sys.modules[name]


def python_of(folder: Path) -> dict[str, str]:
    """Give the code of a service by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.py"))
    }
