"""The migrations of a project as Alembic sees them, and its errors as ours."""

import io
import threading
from argparse import Namespace
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from bedplate.database.url import Secret
from bedplate.errors import InvalidDataError, LockTimeoutError
from bedplate.migrations.errors import MigrationError

__all__ = ["config_of", "one_sentence", "scripts_of"]

# Alembic keeps the environment that it runs in a global.
_ALEMBIC = threading.Lock()


def config_of(
    project_dir: Path, url: str | Secret | None = None, *, output: io.StringIO | None = None
) -> Config:
    """Read ``[tool.alembic]`` of a project's pyproject.toml; what Alembic prints goes to output.

    Raises:
        MigrationError: when there is none.
    """
    buffer = output or io.StringIO()
    config = Config(
        toml_file=project_dir / "pyproject.toml",
        stdout=buffer,
        output_buffer=buffer,
        cmd_opts=Namespace(quiet=True),
        attributes={"url": url},
    )
    if not config.toml_alembic_config:
        raise MigrationError(f"{project_dir / 'pyproject.toml'} has no [tool.alembic].")
    return config


def scripts_of(project_dir: Path) -> ScriptDirectory:
    """Open a project's migration files."""
    return ScriptDirectory.from_config(config_of(project_dir))


@contextmanager
def one_sentence() -> Generator[None]:
    """Say in one sentence what Alembic and the database say at length."""
    try:
        with _ALEMBIC:
            yield
    except CommandError as error:
        raise MigrationError(_sentence(error)) from error
    except LockTimeoutError as error:
        raise MigrationError(
            "A migration gave up waiting for a table that somebody else holds; run it again."
        ) from error
    except (DBAPIError, InvalidDataError) as error:
        raise MigrationError(f"A migration fails: {_first_line(error)}") from error


def _sentence(error: CommandError) -> str:
    cause = error.__cause__
    if isinstance(cause, ResolutionError):
        return f"No file has the migration {cause.argument}."
    text = " ".join(str(error).split())
    if text == "Target database is not up to date.":
        return "The database is not at the newest migration; upgrade it first."
    return text if text.endswith(".") else f"{text}."


def _first_line(error: Exception) -> str:
    """Give what the database says: names of the schema, which the message of an error may carry."""
    cause = error.orig if isinstance(error, DBAPIError) else error.__cause__
    text = str(cause.__cause__ or cause) if cause is not None else str(error)
    return text.strip().splitlines()[0]
