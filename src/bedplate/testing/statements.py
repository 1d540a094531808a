"""Counts the SQL statements that a piece of code sends."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from bedplate.database import Database

_TRANSACTION_CONTROL = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")


@contextmanager
def count_statements(target: Database | AsyncEngine) -> Iterator[list[str]]:
    """List the statements that an engine sends, without those that only bound transactions.

    Args:
        target: the engine, or the database that has it.
    """
    engine = target.engine if isinstance(target, Database) else target
    statements: list[str] = []

    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(_TRANSACTION_CONTROL):
            statements.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", record)
