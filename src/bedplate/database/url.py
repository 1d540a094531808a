"""Database URLs as people and hosting providers write them, made ready for a driver."""

from importlib.util import find_spec
from typing import Protocol, runtime_checkable

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bedplate._extras import missing_extra
from bedplate.errors import ConfigurationError

__all__ = ["Secret", "parse_url"]

_DRIVERS = ("asyncpg", "psycopg")


@runtime_checkable
class Secret(Protocol):
    """A text that is not shown, such as pydantic's SecretStr or bedplate's SecretUrl."""

    def get_secret_value(self) -> str:
        """Give the text."""


def parse_url(url: str | Secret | URL) -> URL:
    """Read a PostgreSQL URL and settle its driver: asyncpg if installed, else psycopg.

    Args:
        url: ``postgresql://``, ``postgres://``, ``postgresql+asyncpg://`` or
            ``postgresql+psycopg://``; libpq's ``sslmode`` is understood for both drivers.

    Raises:
        ConfigurationError: when it is no such URL.
        MissingExtraError: when its driver is not installed.
    """
    try:
        parsed = make_url(url.get_secret_value() if isinstance(url, Secret) else url)
    except (ArgumentError, ValueError):
        raise ConfigurationError("The database URL cannot be read.") from None
    dialect, _, driver = parsed.drivername.partition("+")
    if dialect not in {"postgresql", "postgres"} or driver not in {"", *_DRIVERS}:
        raise ConfigurationError(
            "The database URL does not begin with postgresql://, postgresql+asyncpg:// "
            "or postgresql+psycopg://."
        )
    driver = _installed_driver(driver)
    parsed = parsed.set(drivername=f"postgresql+{driver}")
    return _with_asyncpg_names(parsed) if driver == "asyncpg" else parsed


def _installed_driver(wanted: str) -> str:
    for driver in (wanted,) if wanted else _DRIVERS:
        if find_spec(driver) is not None:
            return driver
    raise missing_extra(wanted or "asyncpg", wanted or "asyncpg")


def _with_asyncpg_names(url: URL) -> URL:
    """Say ``sslmode`` as asyncpg does, and drop what only libpq knows."""
    mode = url.query.get("sslmode")
    url = url.difference_update_query(["sslmode", "channel_binding"])
    return url.update_query_dict({"ssl": mode}) if mode is not None else url
