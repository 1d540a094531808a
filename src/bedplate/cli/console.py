"""What the command says while it works."""

import sys

import typer

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def say(text: str) -> None:
    """Print a line of the result at once, also into a pipe."""
    typer.echo(text)
    sys.stdout.flush()


def note(text: str) -> None:
    """Tell what is being done: on standard error, so that results stay clean."""
    typer.echo(text, err=True)


def say_status(status: str, name: str, text: str) -> None:
    """Print one line of a list of checks.

    Args:
        status: `ok`, `warn` or `fail`.
        name: what was checked, in a word or two.
        text: what was found, and what to do.
    """
    mark = typer.style(f"{status:<5}", fg=_COLOURS[status], bold=True)
    say(f"{mark} {name:<12} {text}")
