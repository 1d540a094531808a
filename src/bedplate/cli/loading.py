"""Importing a service's objects by name, its mistakes told in one line."""

import importlib
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bedplate._extras import MissingExtraError
from bedplate.cli.errors import CommandError, ProjectError
from bedplate.errors import BedplateError


def load_object(place: str, *, key: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Import an object.

    Args:
        place: `module:attribute`.
        key: the key of `[tool.bedplate]` that names it.

    Raises:
        ProjectError: there is no such module or attribute.
        CommandError: the module fails while it is imported.
    """
    name, _, path = place.partition(":")
    with told_in_a_line(f"{name} cannot be imported"):
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise
            raise ProjectError(
                f"There is no module {name} ({key} in [tool.bedplate]); is the project installed"
                " in this environment (uv sync)?"
            ) from error
    for attribute in path.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError as error:
            raise ProjectError(
                f"{name} has no {attribute!r} ({key} in [tool.bedplate])."
            ) from error
    return found


@contextmanager
def told_in_a_line(what: str) -> Iterator[None]:
    """Turn whatever the service's own code raises into one line; our errors stay as they are.

    Args:
        what: the beginning of the sentence.

    Raises:
        CommandError: something that is none of our errors was raised.
    """
    try:
        yield
    except (BedplateError, MissingExtraError):
        raise
    except Exception as error:
        raise failed(what, error) from error


def failed(what: str, error: BaseException) -> CommandError:
    """Describe a failure in the service's own code in one line, with the place of it.

    Args:
        what: the beginning of the sentence.
        error: what was raised.
    """
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    message = next(iter(text.strip().splitlines()), "")
    kind = type(error).__name__
    reason = f"{kind}: {message}" if message else kind
    return CommandError(f"{what}: {reason}{_place(error)}; --debug shows the traceback.")


def _place(error: BaseException) -> str:
    """Say where in the project's own code it happened."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}, line {error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(f"{Path.cwd()}{os.sep}")
        and "site-packages" not in frame.filename
    ]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
