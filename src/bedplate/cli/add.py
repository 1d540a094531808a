"""`bedplate add resource`: a feature in all layers, with its migration and its tests."""

from typing import Annotated

import typer

from bedplate.cli.console import note, say
from bedplate.cli.project import find_project


def resource(
    name: Annotated[str, typer.Argument(help="What one of them is called, such as order_item.")],
    fields: Annotated[
        list[str],
        typer.Argument(
            metavar="FIELD",
            help="name:type, with ? if it may be empty and ! if it is unique.",
        ),
    ],
    *,
    plural: Annotated[
        str | None, typer.Option("--plural", help="What several of them are called.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
) -> None:
    """Add a resource in all layers, with its migration and its tests.

    That is a model, schemas, a repository, a service and routes: create, read, list by page with
    filters and sorting, change, delete.

    Types: str, str(80), text, int, decimal, decimal(12,4), bool, date, datetime, uuid, email, json,
    enum(a,b), ref(table). Shells keep parentheses for themselves: put quotes around them, or write
    enum:a,b and ref:table.

    Everybody who is signed in reads, administrators write. With owner:ref:users each row belongs to
    who added it: owners see and change their own, administrators all.

    No file is overwritten, and nothing is half done: a second run does what is left.
    """
    from bedplate.cli.resources import find_layout, show, summary
    from bedplate.scaffold.adding import Addition, resource_of
    from bedplate.scaffold.changes import apply, staging

    layout = find_layout(find_project())
    with summary(), staging(layout.root) as folder:
        addition = Addition(layout, resource_of(layout, name, fields, plural=plural))
        changes = addition.plan(folder)
        if not changes:
            say(f"There is nothing to do: {addition.resource.name.singular} is there already.")
            return
        show(changes, in_detail=dry_run)
        if dry_run:
            say("Nothing was done (--dry-run).")
            return
        apply(layout.root, folder, changes)
    say("Next: bedplate db upgrade (serve does it in development), then pytest.")
    if not (layout.root / ".git").exists():
        note("This is no git repository: with one you could see what was added.")
