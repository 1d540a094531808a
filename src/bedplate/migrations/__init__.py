"""Migrations: what a service's ``alembic/env.py`` calls; the commands are in ``commands``."""

from bedplate._extras import missing_extra

try:
    import alembic  # noqa: F401
except ImportError as error:
    raise missing_extra("database", "alembic") from error

from bedplate.migrations.environment import run
from bedplate.migrations.errors import MigrationDriftError, MigrationError

__all__ = ["MigrationDriftError", "MigrationError", "run"]
