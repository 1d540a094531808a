"""The project that the command works on: `[tool.bedplate]` in the nearest pyproject.toml."""

import inspect
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedplate.cli.errors import ProjectError
from bedplate.cli.loading import load_object

if TYPE_CHECKING:
    from bedplate.settings import ServiceSettings

_KEYS = {"app": "app", "settings": "settings", "unit-of-work": "unit_of_work", "worker": "worker"}


@dataclass(frozen=True, slots=True)
class Project:
    """A service's folder and the places of its parts, each written `module:attribute`."""

    root: Path
    app: str | None = None
    settings: str | None = None
    unit_of_work: str | None = None
    worker: str | None = None
    migrated: bool = False
    """Whether `[tool.alembic]` is there."""

    def enter(self) -> None:
        """Make the root the working directory, and its code importable.

        Settings read `.env` in the working directory.
        """
        os.chdir(self.root)
        for folder in (self.root, self.root / "src"):
            if folder.is_dir() and str(folder) not in sys.path:
                sys.path.insert(0, str(folder))

    def load_settings_class(self) -> "type[ServiceSettings]":
        """Import the settings class.

        Raises:
            ProjectError: it cannot be imported, or is none.
        """
        from bedplate.settings import ServiceSettings

        if self.settings is None:
            return ServiceSettings
        found = load_object(self.settings, key="settings")
        if not (inspect.isclass(found) and issubclass(found, ServiceSettings)):
            raise ProjectError(
                f"{self.settings} (settings in [tool.bedplate]) is not a subclass of"
                " bedplate.settings.ServiceSettings."
            )
        return found

    def load_unit_of_work(self) -> Any:  # noqa: ANN401 - a class that only the service knows
        """Import the unit-of-work class.

        Raises:
            ProjectError: it is not named, or cannot be imported.
        """
        return load_object(self._named("unit-of-work", self.unit_of_work), key="unit-of-work")

    def load_app(self) -> Any:  # noqa: ANN401 - an ASGI application, or what makes one
        """Import the application or its factory.

        Raises:
            ProjectError: it is not named, or cannot be imported.
        """
        return load_object(self._named("app", self.app), key="app")

    def load_worker(self) -> Any:  # noqa: ANN401 - what makes the service's worker
        """Import the function that makes the worker of the service's jobs; it is given metrics.

        Raises:
            ProjectError: it is not named, or cannot be imported.
        """
        return load_object(self._named("worker", self.worker), key="worker")

    @staticmethod
    def _named(key: str, place: str | None) -> str:
        if place is None:
            raise ProjectError(
                f'Say where it is in pyproject.toml: {key} = "module:attribute" under'
                " [tool.bedplate]."
            )
        return place


def find_project(start: Path | None = None) -> Project:
    """Find the project that a folder belongs to, in it or above it.

    Args:
        start: where to begin; by default the working directory.

    Raises:
        ProjectError: there is none, or its pyproject.toml is not valid.
    """
    folder = (start or _working_directory()).resolve()
    for candidate in (folder, *folder.parents):
        path = candidate / "pyproject.toml"
        if path.is_file():
            tools = _read(path)
            if "bedplate" in tools:
                return _project(path, tools)
    raise ProjectError(
        "This is not the folder of a service: no pyproject.toml here or above has"
        " [tool.bedplate]; change into your service's folder."
    )


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ProjectError("The working directory has been removed; change into another.") from None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}.") from error
    tools = content.get("tool", {})
    return tools if isinstance(tools, Mapping) else {}


def _project(path: Path, tools: Mapping[str, Any]) -> Project:
    table = tools["bedplate"]
    if not isinstance(table, Mapping):
        raise ProjectError(f"[tool.bedplate] in {path} is not a table.")
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise ProjectError(
            f"[tool.bedplate] in {path} has an unknown key {unknown[0]!r}; known are"
            f" {', '.join(_KEYS)}."
        )
    for key, place in table.items():
        if not isinstance(place, str) or not _is_place(place):
            raise ProjectError(
                f'{key} under [tool.bedplate] in {path} is not of the form "module:attribute".'
            )
    return Project(
        root=path.parent,
        migrated="alembic" in tools,
        **{_KEYS[key]: place for key, place in table.items()},
    )


def _is_place(text: str) -> bool:
    module, colon, attribute = text.partition(":")
    parts = [*module.split("."), *attribute.split(".")]
    return bool(colon) and all(part.isidentifier() for part in parts)
