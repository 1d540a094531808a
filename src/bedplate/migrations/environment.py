"""The environment that migrations run in: all that ``alembic/env.py`` would say at length."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, MetaData, text

from bedplate.database import Database, database_url
from bedplate.database.url import Secret
from bedplate.migrations.apart import run_apart
from bedplate.migrations.lock import only_one_migrates
from bedplate.models import UTCDateTime
from bedplate.settings import ServiceSettings, load_settings

__all__ = ["run"]

LOCK_TIMEOUT = "5s"
"""How long a migration waits for a table: everybody else queues behind it meanwhile."""


def run(metadata: MetaData) -> None:
    """Run the migrations that Alembic asks for; ``alembic/env.py`` calls this and nothing else.

    Each migration has its own transaction. Several processes that migrate one database at once
    take turns, and the later ones find nothing left to do. The database is the one that
    ``bedplate.migrations.commands`` was given, else ``sqlalchemy.url`` of the configuration, else
    that of the service's settings.

    Args:
        metadata: of the service's models.

    Raises:
        ConfigurationError: when no database is named.
        DatabaseUnavailableError: when the database does not answer.
        LockTimeoutError: when a table stays locked by others.
        MigrationError: when another process migrates for too long.
    """
    if context.is_offline_mode():
        _write_sql(metadata)
        return
    with _url() as url:
        run_apart(_migrate(url, metadata))


def _write_sql(metadata: MetaData) -> None:
    context.configure(dialect_name="postgresql", literal_binds=True, **_options(metadata))
    context.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    with context.begin_transaction():
        context.run_migrations()


async def _migrate(url: str | Secret, metadata: MetaData) -> None:
    async with (
        Database(url, pool_size=1) as database,
        database.engine.connect() as connection,
        only_one_migrates(connection),
    ):
        await connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        await connection.commit()
        await connection.run_sync(_run_migrations, metadata)


def _run_migrations(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, **_options(metadata))
    with context.begin_transaction():
        context.run_migrations()


def _options(metadata: MetaData) -> dict[str, Any]:
    return {
        "target_metadata": metadata,
        "transaction_per_migration": True,
        "compare_type": True,
        "render_item": _render_item,
    }


def _render_item(kind: str, item: object, _: AutogenContext) -> str | Literal[False]:
    """Write our column type as SQLAlchemy's own: a migration must not change with a library."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


@contextmanager
def _url() -> Generator[str | Secret]:
    given = context.config.attributes.get("url") or context.config.get_main_option("sqlalchemy.url")
    if given:
        yield given
        return
    settings = load_settings(ServiceSettings)
    with database_url(settings) as url:
        yield settings.database_direct_url or url
