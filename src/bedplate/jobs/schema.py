"""The queue's tables, for a service's migrations; needs no extra, as migrations are kept for ever."""

from importlib.resources import files
from typing import Any, Protocol

from sqlalchemy import text

__all__ = ["SCHEMA", "create_jobs", "drop_jobs"]

SCHEMA = "jobs"
"""The PostgreSQL schema of the queue's tables, beside the service's own tables."""

_DROP = f"""
DROP TABLE {SCHEMA}.pgqueuer;
DROP TABLE {SCHEMA}.pgqueuer_log;
DROP TABLE {SCHEMA}.pgqueuer_schedules;
DROP TABLE {SCHEMA}.pgqueuer_statistics;
DROP FUNCTION {SCHEMA}.fn_pgqueuer_changed;
DROP TYPE {SCHEMA}.pgqueuer_status;
DROP SCHEMA {SCHEMA};
"""  # not CASCADE: what somebody else put there stays, and is told


class _Operations(Protocol):
    """What ``alembic.op`` is, as far as it is needed."""

    def execute(self, sqltext: Any, /) -> Any:  # noqa: ANN401 - Alembic's own types
        """Run a statement, or write it down."""


def create_jobs(op: _Operations) -> None:
    """Create the tables of the queue, in the schema ``jobs``; in ``upgrade()`` of a migration.

    They are those of PgQueuer 1.6, whose own tools work on them too: always the same ones, whatever
    is installed when the migration runs. It runs without PgQueuer, too.

    Args:
        op: ``alembic.op``, or anything that executes statements of SQLAlchemy.
    """
    _run(op, files("bedplate.jobs").joinpath("tables.sql").read_text(encoding="utf-8"))


def drop_jobs(op: _Operations) -> None:
    """Drop the schema ``jobs`` with all that waits; in ``downgrade()`` of a migration.

    Args:
        op: ``alembic.op``, or anything that executes statements of SQLAlchemy.
    """
    _run(op, _DROP)


def _run(op: _Operations, script: str) -> None:
    """Run many statements as one, which is all that a driver takes at once."""
    block = f"DO $bedplate$ BEGIN EXECUTE $script$\n{script}\n$script$; END $bedplate$"
    op.execute(text(block.replace(":", r"\:")))
