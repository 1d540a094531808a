"""The queue's tables, for a service's migrations."""

from typing import Any, Protocol

from sqlalchemy import text

from bedplate.jobs.engine import SCHEMA, schema_builder

__all__ = ["create_jobs", "drop_jobs"]


class _Operations(Protocol):
    """What ``alembic.op`` is, as far as it is needed."""

    def execute(self, sqltext: Any, /) -> Any:  # noqa: ANN401 - Alembic's own types
        """Run a statement, or write it down."""


def create_jobs(op: _Operations) -> None:
    """Create the tables of the queue, in the schema ``jobs``; in ``upgrade()`` of a migration.

    They are those of the PgQueuer that is installed, whose own tools work on them too.

    Args:
        op: ``alembic.op``, or anything that executes statements of SQLAlchemy.
    """
    _run(op, schema_builder().build_install_query())


def drop_jobs(op: _Operations) -> None:
    """Drop the tables of the queue with all that waits; in ``downgrade()`` of a migration.

    Args:
        op: ``alembic.op``, or anything that executes statements of SQLAlchemy.
    """
    _run(op, f"{schema_builder().build_uninstall_query()}\nDROP SCHEMA {SCHEMA};")


def _run(op: _Operations, script: str) -> None:
    """Run many statements as one, which is all that a driver takes at once."""
    block = f"DO $bedplate$ BEGIN EXECUTE $script$\n{script}\n$script$; END $bedplate$"
    op.execute(text(block.replace(":", r"\:")))
