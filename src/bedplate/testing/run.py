"""What a run of the tests knows of itself: its name, its worker, its project, its extent."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

_RUN = pytest.StashKey[str]()
_PROJECT = pytest.StashKey["Project"]()


@dataclass(frozen=True, slots=True)
class Project:
    """The project whose tests run."""

    folder: Path
    is_service: bool
    has_migrations: bool


def project_of(config: pytest.Config) -> Project:
    """Read what the project says of itself in its pyproject.toml."""
    if _PROJECT not in config.stash:
        folder = config.rootpath
        try:
            tools = tomllib.loads((folder / "pyproject.toml").read_text("utf-8")).get("tool", {})
        except FileNotFoundError:
            tools = {}
        config.stash[_PROJECT] = Project(
            folder, is_service="bedplate" in tools, has_migrations="alembic" in tools
        )
    return config.stash[_PROJECT]


def run_name(config: pytest.Config) -> str:
    """Give the run's name, the same in all workers of pytest-xdist."""
    if _RUN not in config.stash:
        config.stash[_RUN] = getattr(config, "workerinput", {}).get("bedplate_run") or _new_name()
    return config.stash[_RUN]


def worker_name(config: pytest.Config) -> str:
    """Give the name of this process in the run."""
    name: str = getattr(config, "workerinput", {}).get("workerid", "main")
    return name


def _new_name() -> str:
    import secrets
    import time

    return f"bedplate_test_{int(time.time())}_{secrets.token_hex(4)}"


def is_whole(config: pytest.Config) -> bool:
    """Tell whether the run takes the whole suite, so that rules for the whole apply."""
    narrowing = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")
    if any(config.getoption(name, default=None) for name in narrowing):
        return False
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        return True
    folder = config.invocation_params.dir
    taken = [(folder / argument).resolve() for argument in config.args]
    wanted = [(config.rootpath / path).resolve() for path in config.getini("testpaths") or ["."]]
    return all(any(path.is_relative_to(start) for start in taken) for path in wanted)
