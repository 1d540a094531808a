"""`bedplate serve`: settings, database, migrations, then the application, each told in a line."""

import socket
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from bedplate.cli.boundary import leave_at_once
from bedplate.cli.budget import require_room
from bedplate.cli.collector import collector_paused, settle_collector
from bedplate.cli.console import note
from bedplate.cli.database import OpenProject, running_database
from bedplate.cli.environment import settle_environment, variable
from bedplate.cli.errors import ExitCode
from bedplate.cli.project import Project
from bedplate.cli.sockets import address_of, bind, refused
from bedplate.settings import ServiceSettings, load_settings

if TYPE_CHECKING:
    from bedplate.cli.server import Server

DRAIN = 5.0
"""Seconds between readiness turning 503 and the listener closing, where others route to us."""
BACKLOG = 2048


@collector_paused()
def serve_project(
    project: Project,
    *,
    host: str,
    port: int,
    workers: int,
    reload: bool,
    drain: float | None,
    grace: float,
    debug: bool,
) -> None:
    """Serve a project until a signal ends it.

    Args:
        project: what to serve; its folder becomes the working directory.
        host: address to listen on.
        port: port to listen on, or 0 for any that is free.
        workers: how many processes serve.
        reload: whether to start again when a source file changes.
        drain: seconds to answer on after SIGTERM; None for what suits the environment.
        grace: seconds that requests in flight may take after that.
        debug: whether failures show their traceback.

    Raises:
        CommandError: the port, the database, its migrations or the application stand in the way.
        ConfigurationError: the settings do.
    """
    project.enter()
    settings_class = project.load_settings_class()
    guessed = settle_environment(settings_class)
    settings = load_settings(settings_class)
    with bind(host, port) as listener:
        if guessed:
            note(f"{variable(settings_class, 'environment')} is not set: this is development.")
        # the parent of --reload imports nothing: its children would not see that as changed
        with running_database(settings, meanwhile=None if reload else project.load_app) as url:
            direct = settings.database_direct_url or url
            OpenProject(project, settings, direct).ensure_migrated()
            if project.migrated:  # it has a database
                require_room(settings, direct, workers=workers)
            drain = drain if drain is not None else DRAIN if settings.is_deployed else 0
            run = partial(_run, project, settings, listener, drain=drain, grace=grace, debug=debug)
            exit_code, hangs = run(workers=workers, reload=reload)
            if settings.database_url is None:
                note("Leaving the embedded PostgreSQL; its data stays.")
    if hangs:
        leave_at_once()
    if exit_code != ExitCode.DONE:
        raise typer.Exit(exit_code)


def _run(
    project: Project,
    settings: ServiceSettings,
    listener: socket.socket,
    *,
    workers: int,
    reload: bool,
    drain: float,
    grace: float,
    debug: bool,
) -> tuple[int, bool]:
    """Give the exit code, and whether something is left that nothing can end."""
    from bedplate.cli.application import Application
    from bedplate.cli.server import Announcer, Server

    announcer = Announcer(
        address_of(listener),
        docs=settings.docs_enabled,
        as_log=settings.logs_as_json,
        workers=workers,
    )
    speaking = replace(announcer, silent=workers > 1)
    server = Server(Application(project), speaking, drain=drain, grace=grace, debug=debug)
    if workers > 1 or reload:
        settle_collector()  # a server of its own does it once it serves
    if workers > 1:
        from bedplate.cli.workers import Workers
        from bedplate.logging import configure_logging

        configure_logging(settings.log_level, json=settings.logs_as_json)
        supervisor = Workers(server, announcer, [listener], number=workers)
        supervisor.run()
        return supervisor.exit_code, False
    if reload:
        _run_reloading(project, server, listener)
        return ExitCode.DONE, False
    return server.run_here([listener]), server.hangs


def _run_reloading(project: Project, server: "Server", listener: socket.socket) -> None:
    from uvicorn.supervisors import ChangeReload

    try:
        listener.listen(BACKLOG)  # here, so that a port taken meanwhile is not the child's affair
    except OSError as error:
        raise refused(error, *listener.getsockname()[:2]) from error
    source = project.root / "src"
    server.config.reload_dirs = [source if source.is_dir() else project.root]
    note("Watching the source files for changes.")
    sys.stdout.flush()
    ChangeReload(server.config, target=server.run, sockets=[listener]).run()
