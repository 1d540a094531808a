"""What a driver's error says, the same for asyncpg and psycopg."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Index, MetaData, PrimaryKeyConstraint, UniqueConstraint, UpdateBase
from sqlalchemy.dialects.postgresql.dml import OnConflictDoUpdate
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.schema import ColumnCollectionConstraint

__all__ = ["Facts", "facts_of", "name_of_constraint", "writes_within"]


_DRIVERS = {"asyncpg", "psycopg"}
# Connection exceptions, operator intervention, idle or busy in a transaction for too long.
_LOST = ("08", "57P", "25P03", "25P04")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names of the schema and kinds of failure; never a value of a row."""

    sqlstate: str | None = None
    constraint: str | None = None
    column: str | None = None
    columns: tuple[str, ...] = ()
    is_of_driver: bool = False
    """Whether the driver itself raised it, not SQLAlchemy in its name."""

    is_stale_plan: bool = False
    is_unsendable: bool = False
    is_delete: bool = False
    """Whether the statement deletes rows; one that is given as text is not looked into."""

    is_upsert: bool = False
    """Whether it stores rows or changes those that are there; it is not looked into either."""

    @property
    def is_lost_connection(self) -> bool:
        """Whether the server has ended the session, or never let it begin."""
        return self.sqlstate is not None and self.sqlstate.startswith(_LOST)


def facts_of(error: BaseException, context: ExceptionContext | None = None) -> Facts:
    """Read the facts of a driver's error.

    Args:
        error: the error of the driver or of SQLAlchemy's adapter to it.
        context: where it happened; only it leads to the columns of a constraint.
    """
    driver = _driver_error(error)
    details = getattr(driver, "diag", driver)  # psycopg keeps its fields in diag
    constraint = getattr(details, "constraint_name", None)
    return Facts(
        sqlstate=getattr(driver, "sqlstate", None),
        constraint=constraint,
        column=getattr(details, "column_name", None),
        columns=_columns(constraint, details, context) if constraint and context else (),
        is_of_driver=type(error).__module__.partition(".")[0] in _DRIVERS,
        is_stale_plan=type(error).__name__ == "InvalidCachedStatementError",
        is_unsendable=_is_unsendable(driver),
        is_delete=context is not None and _is_delete(context),
        is_upsert=context is not None and _is_upsert(context),
    )


def writes_within(compiled: Any) -> list[UpdateBase]:  # noqa: ANN401 - of any dialect
    """Give what a compiled statement inserts, changes or deletes in its WITH."""
    parts = [cte.element for cte in getattr(compiled, "ctes", None) or ()]
    return [part for part in parts if isinstance(part, UpdateBase)]


def _is_delete(context: ExceptionContext) -> bool:
    execution: Any = context.execution_context
    if getattr(execution, "isdelete", False):
        return True
    within = writes_within(getattr(execution, "compiled", None))
    return bool(within) and all(part.is_delete for part in within)


def _is_upsert(context: ExceptionContext) -> bool:
    compiled = getattr(context.execution_context, "compiled", None)
    changing = getattr(compiled, "statement", None)
    return isinstance(getattr(changing, "_post_values_clause", None), OnConflictDoUpdate)


def _driver_error(error: BaseException) -> BaseException:
    """Look behind SQLAlchemy's adapter, which keeps asyncpg's error as the cause."""
    if error.__cause__ is not None and type(error).__module__.startswith("sqlalchemy."):
        return error.__cause__
    return error


def _is_unsendable(driver: BaseException) -> bool:
    """Tell whether a value cannot be put into the protocol: NUL, lone surrogate, out of range.

    asyncpg raises an error that is also a ValueError, psycopg its DataError; neither carries a
    SQLSTATE, because the server was never asked.
    """
    if isinstance(driver, UnicodeEncodeError):
        return True
    kind = type(driver)
    return kind.__name__ == "DataError" and kind.__module__.partition(".")[0] in {
        "asyncpg",
        "psycopg",
    }


def _columns(constraint: str, details: object, context: ExceptionContext) -> tuple[str, ...]:
    """Find the columns of a constraint in the metadata of the statement's table."""
    compiled = getattr(context.execution_context, "compiled", None)
    ctes = (cte.element for cte in getattr(compiled, "ctes", None) or ())
    changing = [getattr(compiled, "statement", None), *ctes]
    metadata = next((item.table.metadata for item in changing if hasattr(item, "table")), None)
    table_name = getattr(details, "table_name", None)
    if table_name is None or not isinstance(metadata, MetaData):
        return ()
    for table in metadata.tables.values():
        if table.name == table_name:
            for item in (*table.constraints, *table.indexes):
                if isinstance(
                    item, ColumnCollectionConstraint | Index
                ) and constraint == name_of_constraint(item, table_name, context.dialect):
                    return tuple(item.columns.keys())
    return ()


def name_of_constraint(
    item: ColumnCollectionConstraint | Index, table_name: str, dialect: Dialect
) -> str | None:
    """Give the name as the database has it: by convention, and cut off when too long."""
    if item.name is None:
        return _default_name(item, table_name)
    preparer = dialect.identifier_preparer
    name = (
        preparer.format_index(item) if isinstance(item, Index) else preparer.format_constraint(item)
    )
    return name.strip('"') if name is not None else None


def _default_name(item: ColumnCollectionConstraint | Index, table_name: str) -> str | None:
    """Give the name that PostgreSQL chooses for a constraint that was made without one."""
    if isinstance(item, PrimaryKeyConstraint):
        return f"{table_name}_pkey"
    if isinstance(item, UniqueConstraint):
        return "_".join([table_name, *item.columns.keys(), "key"])
    return None
