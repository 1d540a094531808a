"""The database: engine, sessions, transactions, and its errors as domain errors."""

from bedplate._extras import missing_extra

try:
    # SQLAlchemy 2.1 does not install it by itself.
    import greenlet  # type: ignore[import-untyped] # noqa: F401 - it has no types; is it there?
    import sqlalchemy  # noqa: F401
except ImportError as error:
    raise missing_extra("database", "sqlalchemy") from error

from bedplate.database.database import Database
from bedplate.database.errors import translate_errors
from bedplate.database.opening import database_url, open_database
from bedplate.database.pool import FairPool
from bedplate.database.sessions import DomainSession

__all__ = [
    "Database",
    "DomainSession",
    "FairPool",
    "database_url",
    "open_database",
    "translate_errors",
]
