"""Migrations around serving: applied to the embedded database, demanded of any other."""

from pathlib import Path

from bedplate.cli.console import note
from bedplate.cli.errors import CommandError
from bedplate.migrations.commands import upgrade
from bedplate.migrations.status import MigrationStatus, status


def upgrade_with_notes(root: Path, url: str) -> None:
    """Bring a database to the newest migration, and say what is applied.

    Args:
        root: the project's folder.
        url: of the database.

    Raises:
        MigrationError: the migrations are wrong, or one fails.
        DatabaseUnavailableError: the database does not answer.
    """
    found = status(root, url)
    refuse_unclear(found)
    if found.pending:
        note(f"Migrating the database: {counted(len(found.pending))}.")
        upgrade(root, url)


def require_current(root: Path, url: str, *, deployed: bool) -> None:
    """Refuse a database that is not at the newest migration; it is not ours to change.

    During a deployment an older release meets a database that is ahead of it already: that is
    told, not refused.

    Args:
        root: the project's folder.
        url: of the database.
        deployed: whether this is staging or production.

    Raises:
        CommandError: migrations are missing, or (in development) unknown.
        DatabaseUnavailableError: the database does not answer.
    """
    found = status(root, url)
    if deployed and found.unknown:
        note("The database is ahead of this release: it has migrations that are not here.")
        return
    refuse_unclear(found)
    if found.pending:
        raise CommandError(
            f"The database lacks {counted(len(found.pending))}; apply with: bedplate db upgrade"
        )


def refuse_unclear(found: MigrationStatus) -> None:
    """Refuse migrations that have no one newest state.

    Args:
        found: the state of database and files.

    Raises:
        CommandError: an applied migration has no file, or several are the newest.
    """
    if found.unknown:
        raise CommandError(
            f"The database is at migration {found.unknown[0]}, which no file here has; get the"
            " code that has it, or use another database."
        )
    if len(found.heads) > 1:
        raise CommandError(
            f"There are {len(found.heads)} newest migrations ({', '.join(found.heads)}); join them"
            " into one line by changing down_revision in one of the files."
        )


def counted(number: int) -> str:
    """Give a number of migrations in words."""
    return "1 migration" if number == 1 else f"{number} migrations"
