"""Keeps tests away from every database that was not made for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import Dialect, Engine, event

PREFIX = "bedplate_test_"
"""How the name of every test database begins."""

_unguarded: ContextVar[bool] = ContextVar("unguarded", default=False)


def check_name(name: object) -> None:
    """Fail the test unless this is the name of a test database."""
    if not (isinstance(name, str) and name.startswith(PREFIX)):
        pytest.fail(
            f"A test reached for the database {name!r}; tests may use only those whose name begins"
            f" with {PREFIX}: take it from the fixture `database` or `committed_database`.",
            pytrace=False,
        )


@contextmanager
def unguarded() -> Iterator[None]:
    """Let the plugin itself connect to where databases are made and dropped."""
    token = _unguarded.set(True)
    try:
        yield
    finally:
        _unguarded.reset(token)


def guard_engines() -> None:
    """Check the database's name whenever any SQLAlchemy engine of this process connects."""
    event.listen(Engine, "do_connect", _check_connection)


def unguard_engines() -> None:
    """Undo `guard_engines`."""
    event.remove(Engine, "do_connect", _check_connection)


def _check_connection(
    dialect: Dialect, _record: object, _arguments: object, options: dict[str, Any]
) -> None:
    if dialect.name == "postgresql" and not _unguarded.get():
        check_name(options.get("database", options.get("dbname")))
