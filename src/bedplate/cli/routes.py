"""`bedplate routes`: what the application answers."""

from typing import Annotated

import typer

from bedplate.cli.console import say
from bedplate.cli.errors import CommandError
from bedplate.cli.project import find_project


def routes(
    prefix: Annotated[
        str, typer.Argument(help="Only paths that begin so, such as /api/v1/users.")
    ] = "",
) -> None:
    """List the application's routes: methods, path, function.

    The application is made, but neither started nor served; no database is needed.

    The exit code is 1 if there is no such path.
    """
    from bedplate.cli.application import Application
    from bedplate.cli.environment import settle_environment
    from bedplate.integrations.listing import list_routes

    project = find_project()
    project.enter()
    settle_environment(project.load_settings_class())
    app = Application(project)().app
    try:
        found = [route for route in list_routes(app) if route.path.startswith(prefix)]
    except TypeError as error:
        raise CommandError(f"The routes cannot be listed: {error}.") from error
    if not found:
        raise CommandError(f"No route begins with {prefix}." if prefix else "There are no routes.")
    methods = max(len(",".join(route.methods)) for route in found)
    paths = max(len(route.path) for route in found)
    for route in found:
        say(f"{','.join(route.methods):<{methods}}  {route.path:<{paths}}  {route.name}")
