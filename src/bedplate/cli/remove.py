"""`bedplate remove resource`: a resource that was added and is as it was, taken away again."""

from typing import Annotated

import typer

from bedplate.cli.console import note, say
from bedplate.cli.project import Project, find_project


def resource(
    name: Annotated[str, typer.Argument(help="The resource, such as order_item.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
) -> None:
    """Remove a resource that was added by `bedplate add resource`.

    It is refused, with a list, when its files were changed or something else uses it.

    A migration that nobody else can have applied goes too, and is taken back in the embedded
    database with the rows of the table. Otherwise a new migration drops the table.
    """
    from bedplate.cli.resources import find_layout, show, summary
    from bedplate.scaffold.changes import apply, staging
    from bedplate.scaffold.removing import Removal

    project = find_project()
    layout = find_layout(project)
    with summary(), staging(layout.root) as folder:
        removal = Removal.of(layout, name)
        drop = not removal.is_newest or removal.is_published
        changes = removal.plan(folder, drop=drop)  # refuses before any database is asked
        if not drop and not _take_back(project, removal.made.script.revision, dry_run=dry_run):
            (folder / "again").mkdir()
            changes = removal.plan(folder / "again", drop=True)
        show(changes, in_detail=dry_run)
        if dry_run:
            say("Nothing was done (--dry-run).")
            return
        apply(layout.root, folder, changes)
    if any(change.before is None for change in changes):
        say("Next: bedplate db upgrade drops the table (serve does it in development).")


def _take_back(project: Project, revision: str, *, dry_run: bool) -> bool:
    """Take a migration back in the embedded database; tell whether no database has it then."""
    from bedplate.cli.database import open_project
    from bedplate.errors import BedplateError
    from bedplate.migrations import commands

    try:
        with open_project(project) as opened:
            url = opened.url.get_secret_value()
            if revision not in commands.current(project.root, url):
                return True
            if opened.settings.database_url is not None:
                return False  # not ours to change
            if not dry_run:
                note("Taking the migration back in the embedded database.")
                commands.downgrade(project.root, url, "-1")
            return True
    except BedplateError as error:
        note(f"The database cannot be asked, so that the migration stays: {error.message}")
        return False
