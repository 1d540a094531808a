"""`bedplate user`: accounts made by an operator, such as the first administrator."""

import sys
from typing import Annotated

import typer

from bedplate.cli.console import say
from bedplate.cli.errors import CommandError
from bedplate.cli.project import find_project


def create(
    email: Annotated[str, typer.Argument(help="The e-mail address to log in with.")],
    *,
    admin: Annotated[bool, typer.Option("--admin", help="Make an administrator.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Open an account; the password is asked for, and not shown."""
    import asyncio

    from bedplate.auth.emails import normalise_email
    from bedplate.auth.password_strength import check_password_strength
    from bedplate.cli.accounts import create_account
    from bedplate.cli.database import open_project

    project = find_project()
    project.enter()
    unit_of_work = project.load_unit_of_work()
    address = normalise_email(email)
    password = _read_password() if password_stdin else _ask_password()
    check_password_strength(password, email=address)
    with open_project(project) as opened:
        opened.ensure_migrated()
        asyncio.run(
            create_account(
                opened.url,
                unit_of_work,
                opened.settings,
                email=address,
                password=password,
                admin=admin,
            )
        )
    say(f"{'Administrator' if admin else 'User'} {address} can log in now.")


def _read_password() -> str:
    try:
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise CommandError("The password on standard input is not UTF-8 text.") from None


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask for the password; use --password-stdin.")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
