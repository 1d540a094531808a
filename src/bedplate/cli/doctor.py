"""`bedplate doctor`: what is well with a service, what is not, and what to do."""

import typer

from bedplate.cli.console import say_status
from bedplate.cli.errors import ExitCode
from bedplate.cli.project import find_project


def doctor() -> None:
    """Check settings, database, migrations and versions.

    Each line says ok, warn or fail, and what to do; nothing is changed. The exit code is 1 if something fails.
    """
    from bedplate.cli.examination import examine

    failed = False
    for finding in examine(find_project()):
        say_status(finding.status, finding.subject, finding.text)
        failed = failed or finding.status == "fail"
    if failed:
        raise typer.Exit(ExitCode.FAILURE)
