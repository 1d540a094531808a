"""`bedplate serve`: its options; what it does is in `serving`."""

from typing import Annotated

import typer

from bedplate.cli.project import find_project


def serve(
    context: typer.Context,
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all networks.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")
    ] = 8000,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=128,
            help="Processes that serve; one for each processor that the service has.",
        ),
    ] = 1,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start again whenever a source file changes.")
    ] = False,
    drain: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=300,
            help="Seconds to answer on after SIGTERM while /health/ready already says 503."
            " [default: 0 in development, else 5]",
            show_default=False,
        ),
    ] = None,
    grace: Annotated[
        float,
        typer.Option(min=0, max=3600, help="Seconds that requests in flight may take after that."),
    ] = 20,
) -> None:
    """Serve; in development with a database of its own.

    Without ENVIRONMENT this is development. There, without DATABASE_URL, an embedded PostgreSQL
    runs while somebody serves, and is migrated; its data stays.

    Several workers share one socket; one that dies is replaced. Each keeps DATABASE_POOL_SIZE connections: it is checked that PostgreSQL has
    them.
    """
    from bedplate.cli.serving import serve_project

    if reload and workers > 1:
        raise typer.BadParameter("--reload serves with one process", param_hint="--workers")
    serve_project(
        find_project(),
        host=host,
        port=port,
        workers=workers,
        reload=reload,
        drain=drain,
        grace=grace,
        debug=bool(context.obj),
    )
