"""What adding and removing resources have in common: the service they find, and what they show."""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from bedplate.cli.console import say
from bedplate.cli.errors import CommandError, ExitCode, ProjectError
from bedplate.cli.loading import told_in_a_line
from bedplate.cli.project import Project

if TYPE_CHECKING:
    from bedplate.scaffold.changes import Change
    from bedplate.scaffold.layout import Layout


class UsageError(CommandError):
    """What was asked for makes no sense."""

    code = "usage"
    exit_code = ExitCode.USAGE


def find_layout(project: Project) -> "Layout":
    """Give the layers of a project, its folder entered.

    Raises:
        ProjectError: its unit of work is not named, or it has no migrations.
    """
    from bedplate.scaffold.layout import Layout

    if project.unit_of_work is None or not project.migrated:
        raise ProjectError(
            f"{project.root / 'pyproject.toml'} names no unit-of-work under [tool.bedplate] or no"
            " [tool.alembic]: resources are added to services that are laid out as the template"
            " does it."
        )
    project.enter()
    return Layout(project.root, project.unit_of_work)


@contextmanager
def summary() -> Iterator[None]:
    """Tell in one sentence what is wrong with the request or with the service's own code.

    Raises:
        CommandError: that.
    """
    from bedplate.scaffold.errors import SpecificationError

    try:
        with told_in_a_line("The service cannot be read"):
            yield
    except SpecificationError as error:
        raise UsageError(error.message) from error


def show(changes: Sequence["Change"], *, in_detail: bool) -> None:
    """Print what becomes of which file.

    Args:
        changes: all of them.
        in_detail: whether to show the lines of files that are changed, and the size of new ones.
    """
    for change in changes:
        path = change.path.as_posix()
        if change.before is None:
            size = f"  ({len((change.after or '').splitlines())} lines)" if in_detail else ""
            say(f"{_mark('create', 'green')}  {path}{size}")
        elif change.after is None:
            say(f"{_mark('delete', 'red')}  {path}")
        else:
            say(f"{_mark('change', 'yellow')}  {path}")
            if in_detail:
                _show_lines(change.before, change.after)


def _mark(text: str, colour: str) -> str:
    return typer.style(text, fg=colour, bold=True)


def _show_lines(before: str, after: str) -> None:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    for line in lines:
        if not line.startswith(("---", "+++", "@@")):
            say(f"          {line}")
