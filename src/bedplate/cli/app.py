"""The tree of commands, as Typer sees it."""

from typing import Annotated

import typer

from bedplate import __version__
from bedplate.cli import (
    add,
    clean,
    db,
    doctor,
    jobs,
    remove,
    routes,
    secret,
    serve,
    shell,
    user,
    worker,
)
from bedplate.cli.console import say

_CONTEXT = {"help_option_names": ["-h", "--help"]}


def _examples(*lines: str) -> str:
    """Give the foot of a help page; a paragraph for each line keeps them apart."""
    return "\n\n".join(["Example:" if len(lines) == 1 else "Examples:", *lines])


app = typer.Typer(
    name="bedplate",
    add_completion=False,
    context_settings=_CONTEXT,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=_examples("bedplate serve --reload", "bedplate db upgrade", "bedplate doctor"),
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it
    if wanted:
        say(f"bedplate {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a failure; works anywhere.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version, and exit."
        ),
    ] = False,
) -> None:
    """Serve, migrate and look after a service built on bedplate.

    Run it in the service's folder or below it.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 wrong configuration.
    """
    del version, debug  # both are dealt with before this is called
    _help_without_command(context)


def _help_without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        say(context.get_help())


def _group(name: str, description: str, *lines: str) -> typer.Typer:
    group = typer.Typer(
        name=name,
        help=description,
        epilog=_examples(*lines),
        context_settings=_CONTEXT,
        invoke_without_command=True,
    )
    group.callback()(_help_without_command)
    app.add_typer(group)
    return group


_db = _group(
    "db",
    "Migrate the database, look at its state, clean it up.",
    'bedplate db revision -m "add orders"',
    "bedplate db upgrade",
)
_user = _group("user", "Open accounts, as an operator.", "bedplate user create you@example.com")
_add = _group(
    "add", "Add a resource to the service, in all layers.", "bedplate add resource note text:text"
)
_remove = _group(
    "remove", "Remove a resource that was added and not changed.", "bedplate remove resource note"
)
_jobs = _group("jobs", "Look at background jobs, and try dead ones again.", "bedplate jobs status")

for _parent, _command, *_lines in (
    (
        app,
        serve.serve,
        "bedplate serve --reload",
        "bedplate serve --port 8001",
        "bedplate serve --host 0.0.0.0 --workers 4",
    ),
    (app, worker.worker, "bedplate worker", "*/5 * * * * cd /srv/orders && bedplate worker --once"),
    (app, doctor.doctor, "bedplate doctor"),
    (app, routes.routes, "bedplate routes", "bedplate routes /api/v1/users"),
    (app, secret.secret, 'echo "SECRET_KEY=$(bedplate secret)" >> .env'),
    (_db, db.upgrade, "bedplate db upgrade", "bedplate db upgrade +1"),
    (_db, db.downgrade, "bedplate db downgrade -- -1"),
    (_db, db.revision, 'bedplate db revision -m "add orders"'),
    (_db, db.check, "bedplate db check"),
    (_db, db.lint, "bedplate db lint"),
    (_db, db.history, "bedplate db history"),
    (_db, db.current, "bedplate db current"),
    (_db, shell.shell, "bedplate db shell", 'bedplate db shell -- -c "SELECT count(*) FROM users"'),
    (_db, clean.clean, "0 4 * * * cd /srv/orders && bedplate db clean"),
    (_jobs, jobs.status, "bedplate jobs status"),
    (_jobs, jobs.retry, "bedplate jobs retry 17 18"),
    (_jobs, jobs.migration, "bedplate jobs migration"),
    (
        _add,
        add.resource,
        "bedplate add resource product sku:str:20! price:decimal 'notes:text?'",
        "bedplate add resource order status:enum:new,paid owner:ref:users",
    ),
    (_remove, remove.resource, "bedplate remove resource order"),
    (
        _user,
        user.create,
        "bedplate user create you@example.com --admin",
        "pass show admin | bedplate user create you@example.com --password-stdin",
    ),
):
    _parent.command(epilog=_examples(*_lines))(_command)
