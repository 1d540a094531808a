"""COPY as a statement of SQLAlchemy: its events see it, and its errors are those of any other."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Column, Executable, TextClause, event, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from bedplate.errors import BedplateError

__all__ = ["Copy", "forget_answers", "takes_copy"]

# It takes no views, looks at no policies of its own accord, and follows no rules.
_TAKES_COPY: Final[TextClause] = text(
    "SELECT relkind IN ('r', 'p') AND NOT relrowsecurity AND NOT relhasrules"
    " FROM pg_catalog.pg_class WHERE oid = to_regclass(CAST(:name AS text))"
)
_answers: WeakKeyDictionary[object, dict[str, bool]] = WeakKeyDictionary()
_intercepted: WeakSet[Dialect] = WeakSet()


async def takes_copy(connection: AsyncConnection, columns: Sequence[Column[Any]]) -> bool:
    """Tell whether rows of these columns can be copied; the server is asked once for each table.

    Args:
        connection: where it would happen.
        columns: of one table.
    """
    if _way_of(connection.dialect) is None or any(
        column.identity is not None and column.identity.always for column in columns
    ):
        return False
    answers, name = _answers.setdefault(connection.engine.pool, {}), _name(connection, columns)
    if name not in answers:
        answers[name] = bool(await connection.scalar(_TAKES_COPY, {"name": name}))
    return answers[name]


def forget_answers(connection: AsyncConnection, columns: Sequence[Column[Any]]) -> None:
    """Ask again for this table: it may have been altered."""
    _answers.get(connection.engine.pool, {}).pop(_name(connection, columns), None)


class Copy(Executable, ClauseElement):
    """Store rows by COPY.

    Args:
        connection: where it will be executed.
        columns: of one table.
        by_column: the values of each column.

    Raises:
        sqlalchemy.exc.StatementError: when a column's type refuses a value.
    """

    inherit_cache = False

    def __init__(
        self,
        connection: AsyncConnection,
        columns: Sequence[Column[Any]],
        by_column: Sequence[Sequence[Any]],
    ) -> None:
        self.table = columns[0].table
        self.columns = columns
        self.rows = list(zip(*_processed(connection.dialect, columns, by_column), strict=True))
        _intercept(connection.dialect)


def _processed(
    dialect: Dialect, columns: Sequence[Column[Any]], by_column: Sequence[Sequence[Any]]
) -> list[Sequence[Any]]:
    """Give what the driver takes for the values, as it is for any other statement."""
    made: list[Sequence[Any]] = []
    for column, values in zip(columns, by_column, strict=True):
        process = column.type.dialect_impl(dialect).bind_processor(dialect)
        try:
            made.append(values if process is None else [process(value) for value in values])
        except BedplateError:
            raise
        except Exception as error:
            kind = type(error)
            said = f"({kind.__module__}.{kind.__qualname__}) {error}"
            raise StatementError(said, None, None, error) from error
    return made


@compiles(Copy)
def _compile(statement: Copy, compiler: SQLCompiler, **_: object) -> str:
    preparer = compiler.preparer
    names = ", ".join(preparer.format_column(column) for column in statement.columns)
    return f"COPY {preparer.format_table(statement.table)} ({names}) FROM STDIN"


def _name(connection: AsyncConnection, columns: Sequence[Column[Any]]) -> str:
    target = connection.sync_connection or connection.sync_engine
    schemas = target.get_execution_options().get("schema_translate_map") or {}
    table = columns[0].table
    schema = schemas.get(table.schema, table.schema)
    quote = connection.dialect.identifier_preparer.quote
    return f"{quote(schema)}.{quote(table.name)}" if schema else quote(table.name)


def _intercept(dialect: Dialect) -> None:
    if dialect not in _intercepted:
        _intercepted.add(dialect)
        event.listen(dialect, "do_execute", _execute)


class _Sent(NamedTuple):
    """A COPY as it is executed."""

    copy: Copy
    text: str
    schema: str | None


type _Way = Callable[[Any, _Sent], None]
"""Sends it on SQLAlchemy's adapter to a driver's connection."""


def _execute(
    _cursor: object,
    statement: str,
    _parameters: object,
    context: Any,  # noqa: ANN401 - of the dialect
) -> bool:
    """Take the place of the driver's ``execute``, where the statement is a COPY."""
    copy = getattr(context.compiled, "statement", None)
    way = _way_of(context.dialect) if isinstance(copy, Copy) else None
    if copy is None or way is None:
        return False
    schemas = context.execution_options.get("schema_translate_map") or {}
    schema = schemas.get(copy.table.schema, copy.table.schema)
    connection = context.root_connection.connection.dbapi_connection
    way(connection, _Sent(copy, statement, schema))
    return True


def _by_asyncpg(adapted: Any, sent: _Sent) -> None:  # noqa: ANN401
    async def run(driver: Any) -> None:  # noqa: ANN401
        # As SQLAlchemy's own cursor does: the transaction begins with its first statement.
        if adapted._transaction is None:
            await adapted._start_transaction()
        await driver.copy_records_to_table(
            str(sent.copy.table.name),
            schema_name=sent.schema,
            columns=[str(column.name) for column in sent.copy.columns],
            records=sent.copy.rows,
        )

    try:
        adapted.run_async(run)
    except Exception as error:  # noqa: BLE001 - it raises them all
        adapted._handle_exception(_as_of_a_statement(error))


def _as_of_a_statement(error: Exception) -> Exception:
    """Give the error that asyncpg raises when it cannot send a value of a statement."""
    import asyncpg

    if isinstance(
        error,
        asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError | OSError,
    ):
        return error
    unsendable: Exception = asyncpg.DataError("a value cannot be sent")
    unsendable.__cause__ = error
    return unsendable


def _by_psycopg(adapted: Any, sent: _Sent) -> None:  # noqa: ANN401
    async def run(driver: Any) -> None:  # noqa: ANN401
        text = sent.text.replace("%%", "%")  # as nothing is put in, psycopg leaves it alone
        async with driver.cursor() as cursor, cursor.copy(text) as copying:
            for row in sent.copy.rows:
                await copying.write_row(row)

    adapted.run_async(run)


_WAYS: dict[str, _Way] = {
    "asyncpg": _by_asyncpg,
    "psycopg": _by_psycopg,
    "psycopg_async": _by_psycopg,
}


def _way_of(dialect: Dialect) -> _Way | None:
    return _WAYS.get(dialect.driver) if dialect.name == "postgresql" and dialect.is_async else None
