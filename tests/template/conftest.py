"""The template as it lies in the checkout, and one service made of it."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.template.harness import generate, snapshot


@pytest.fixture(scope="session", autouse=True)
def _git_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the configuration of whoever runs the tests out of git and copier."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        (home / "copier.yml").write_text("{}", encoding="utf-8")
        patch.setenv("COPIER_SETTINGS_PATH", str(home / "copier.yml"))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def service(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service generated with nothing but defaults."""
    return generate(template, tmp_path_factory.mktemp("services") / "my-service")


@pytest.fixture(scope="session")
def services(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Services generated with a framework, and else with defaults."""

    @cache
    def make(framework: str) -> Path:
        folder = tmp_path_factory.mktemp(framework) / "my-service"
        return generate(template, folder, framework=framework)

    return make
