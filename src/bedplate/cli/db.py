"""`bedplate db`: the service's migrations, also on the embedded database of development."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bedplate.cli.console import say
from bedplate.cli.errors import CommandError, ProjectError
from bedplate.cli.loading import told_in_a_line
from bedplate.cli.project import Project, find_project

if TYPE_CHECKING:
    from bedplate.cli.database import OpenProject


def upgrade(
    revision: Annotated[str, typer.Argument(help="A revision, +N, or head.")] = "head",
) -> None:
    """Apply migrations, up to the newest or to the one given."""
    from bedplate.migrations import commands

    with _migrated_project() as (opened, url):
        commands.upgrade(opened.project.root, url, revision)
        say(_state(opened, url))


def downgrade(
    revision: Annotated[str, typer.Argument(help="A revision, -N, or base for an empty schema.")],
) -> None:
    """Take migrations back, down to the one given.

    The data in dropped tables is lost.
    """
    from bedplate.migrations import commands

    with _migrated_project() as (opened, url):
        commands.downgrade(opened.project.root, url, revision)
        say(_state(opened, url))


def revision(
    message: Annotated[
        str, typer.Option("--message", "-m", help="What it does; becomes part of the file's name.")
    ],
    *,
    empty: Annotated[
        bool, typer.Option("--empty", help="Do not compare the models with the database.")
    ] = False,
) -> None:
    """Write a migration from the models' changes.

    It is made by comparing the models with the database; read it before it is applied.
    """
    from bedplate.migrations import commands

    with _migrated_project() as (opened, url):
        made = commands.revision(opened.project.root, url, message, autogenerate=not empty)
        say(f"Wrote {made}")


def check() -> None:
    """Fail if the models and the migrations differ."""
    from bedplate.migrations import commands

    with _migrated_project() as (opened, url):
        commands.check(opened.project.root, url)
        say("The migrations agree with the models.")


def lint(
    *,
    after: Annotated[
        str | None, typer.Option("--after", help="Look at later migrations than this one only.")
    ] = None,
) -> None:
    """Fail if a migration would lock a table or break a running release.

    Needs no database. A migration that means it says so: # squawk-ignore: ban-drop-table
    """
    from bedplate.migrations.unsafe import unsafe_changes

    project = _find_migrated()
    project.enter()
    with told_in_a_line("The migrations cannot be read"):
        found = unsafe_changes(project.root, after=after)
    for change in found:
        say(str(change))
    if found:
        raise CommandError(f"{len(found)} unsafe {'change' if len(found) == 1 else 'changes'}.")
    say("The migrations are safe.")


def history() -> None:
    """List the migrations, newest first; needs no database."""
    from bedplate.migrations import commands

    project = _find_migrated()
    project.enter()
    with told_in_a_line("The migrations cannot be read"):
        for migration in commands.history(project.root):
            say(str(migration))


def current() -> None:
    """Show which migration the database is at."""
    with _migrated_project() as (opened, url):
        say(_state(opened, url))


def _find_migrated() -> Project:
    project = find_project()
    if not project.migrated:
        raise ProjectError(f"{project.root / 'pyproject.toml'} has no [tool.alembic].")
    return project


@contextmanager
def _migrated_project() -> "Iterator[tuple[OpenProject, str]]":
    from bedplate.cli.database import open_project

    with open_project(_find_migrated()) as opened, told_in_a_line("The migrations cannot be run"):
        yield opened, opened.url.get_secret_value()


def _state(opened: "OpenProject", url: str) -> str:
    from bedplate.migrations.status import status

    found = status(opened.project.root, url)
    place = ", ".join(found.current) or "no migration"
    if found.is_at_head:
        return f"{place} (newest)"
    return f"{place}, {len(found.pending)} to go" if found.pending else place
