"""Where a database stands among the migrations of a project."""

from dataclasses import dataclass
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from bedplate.database import Database
from bedplate.database.url import Secret
from bedplate.migrations.apart import run_apart
from bedplate.migrations.project import one_sentence, scripts_of

__all__ = ["MigrationStatus", "status"]


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Where a database stands."""

    current: tuple[str, ...]
    """The migrations that the database is at: one, or none yet."""
    heads: tuple[str, ...]
    """The newest migrations that there are files for."""
    pending: tuple[str, ...]
    """Those that are not applied yet, the oldest first."""
    unknown: tuple[str, ...]
    """Those that the database is at and no file has."""

    @property
    def is_at_head(self) -> bool:
        """Whether there is nothing to apply and nothing unknown."""
        return not self.pending and not self.unknown


def status(project_dir: Path, url: str | Secret) -> MigrationStatus:
    """Compare a database with the migrations of a project; several newest ones are no error.

    Args:
        project_dir: the folder of the pyproject.toml that has ``[tool.alembic]``.
        url: of the database.

    Raises:
        MigrationError: when the files do not make sense.
        DatabaseUnavailableError: when the database does not answer.
    """
    with one_sentence():
        scripts = scripts_of(project_dir)
        newest_first = [script.revision for script in scripts.walk_revisions()]
        current = run_apart(_current(url))
        known = [revision for revision in current if revision in newest_first]
        applied = {
            script.revision
            for revision in known
            for script in scripts.iterate_revisions(revision, "base")
        }
        return MigrationStatus(
            current=current,
            heads=tuple(scripts.get_heads()),
            pending=tuple(name for name in reversed(newest_first) if name not in applied),
            unknown=tuple(revision for revision in current if revision not in known),
        )


async def _current(url: str | Secret) -> tuple[str, ...]:
    async with Database(url, pool_size=1) as database, database.engine.connect() as connection:
        return await connection.run_sync(_read)


def _read(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()
