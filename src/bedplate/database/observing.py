"""Watch what an engine sends and how long each answer takes: for metrics and traces."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Join, Table, TextClause, event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection

from bedplate.database.facts import facts_of, writes_within

__all__ = ["Observer", "end", "is_observed", "observe", "observe_operations", "operation_of"]

type Ended = Callable[[str | None], object]
type Observer = Callable[[str, str | None], Ended]
"""Called when an operation begins, with its name (``SELECT``, ``COMMIT``) and its one table, if it
has one; what it returns is called when the operation ends, with the SQLSTATE or the name of the
error it ended with, or None.
"""

_WORDS = {
    "ALTER", "ANALYZE", "BEGIN", "CALL", "COPY", "CREATE", "DELETE", "DO", "DROP", "EXPLAIN",
    "GRANT", "INSERT", "LISTEN", "LOCK", "MERGE", "NOTIFY", "REFRESH", "RELEASE", "ROLLBACK",
    "SAVEPOINT", "SELECT", "SET", "SHOW", "TABLE", "TRUNCATE", "UPDATE", "VACUUM", "VALUES",
    "WITH",
}  # fmt: skip
_OTHER = "OTHER"
_ATTRIBUTE = "_bedplate_observed"

# a statement is compiled once and then sent again and again
_known: WeakKeyDictionary[Any, tuple[str, str | None]] = WeakKeyDictionary()


@contextmanager
def observe_operations(engine: AsyncEngine, observer: Observer) -> Iterator[None]:
    """Call an observer for each statement and each commit of an engine, inside a ``with`` block.

    What is read in many parts counts as one statement, until its first part.

    Args:
        engine: statements of its connections, however they are sent.
        observer: told of each; it must not raise.
    """
    watch = _watches.get(engine.dialect) or _Watch(engine.sync_engine)
    watch.add(observer)
    try:
        yield
    finally:
        watch.remove(observer)


def is_observed(dialect: Dialect) -> bool:
    """Tell whether anybody observes the engine with this dialect."""
    return dialect in _watches


def observe(dialect: Dialect, operation: str, table: str | None) -> list[Ended]:
    """Tell the observers of an operation that begins past the events of the engine.

    Args:
        dialect: of the engine.
        operation: its name.
        table: the one it is about, if it is one.

    Returns:
        What ``end`` tells how it ended.
    """
    watch = _watches.get(dialect)
    return [] if watch is None else watch.begin(operation, table)


class _Watch:
    """What listens to an engine while anybody wants to know."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._commit = engine.dialect.do_commit
        self._observers: list[Observer] = []
        self._listeners = (
            ("before_cursor_execute", self._statement_begins),
            ("after_cursor_execute", self._statement_ends),
            ("handle_error", self._statement_fails),
            ("commit", self._commit_begins),
        )

    def add(self, observer: Observer) -> None:
        if not self._observers:
            _watches[self._engine.dialect] = self
            for name, listener in self._listeners:
                event.listen(self._engine, name, listener)
            # there is no event for the end of a commit, which is when the disk has it
            self._engine.dialect.do_commit = self._do_commit  # type: ignore[method-assign] # the only hook
        self._observers.append(observer)

    def remove(self, observer: Observer) -> None:
        self._observers.remove(observer)
        if not self._observers:
            del _watches[self._engine.dialect]
            for name, listener in self._listeners:
                event.remove(self._engine, name, listener)
            self._engine.dialect.do_commit = self._commit  # type: ignore[method-assign] # as before

    def begin(self, operation: str, table: str | None) -> list[Ended]:
        """Tell all observers of an operation that begins, and give what its end is told to."""
        return [observer(operation, table) for observer in self._observers]

    def _statement_begins(
        self,
        _connection: Connection,
        _cursor: object,
        text: str,
        _: object,
        context: object,
        *_more: object,
    ) -> None:
        vars(context)[_ATTRIBUTE] = self.begin(*_operation(context, text))

    def _statement_ends(
        self,
        _connection: Connection,
        _cursor: object,
        _text: str,
        _: object,
        context: object,
        *_more: object,
    ) -> None:
        end(vars(context).pop(_ATTRIBUTE, ()), None)

    def _statement_fails(self, failure: ExceptionContext) -> None:
        if failure.execution_context is not None:
            begun = vars(failure.execution_context).pop(_ATTRIBUTE, ())
            end(begun, failure.original_exception)

    def _commit_begins(self, connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.info[_ATTRIBUTE] = True

    def _do_commit(self, dbapi_connection: PoolProxiedConnection) -> None:
        if not dbapi_connection.info.pop(_ATTRIBUTE, False):
            self._commit(dbapi_connection)
            return
        begun = self.begin("COMMIT", None)
        try:
            self._commit(dbapi_connection)
        except BaseException as error:
            end(begun, error)
            raise
        end(begun, None)


_watches: WeakKeyDictionary[Dialect, _Watch] = WeakKeyDictionary()


def end(begun: Iterable[Ended], error: BaseException | None) -> None:
    """Tell that an operation has ended, by an error or None."""
    name = None if error is None else facts_of(error).sqlstate or type(error).__name__
    for ended in begun:
        ended(name)


def _operation(context: Any, text: str) -> tuple[str, str | None]:  # noqa: ANN401 - of any dialect
    compiled = getattr(context, "compiled", None)
    if compiled is None:
        return _first_word(text), None
    known = _known.get(compiled)
    if known is None:
        known = _known[compiled] = operation_of(compiled, text)
    return known


def operation_of(compiled: Any, text: str) -> tuple[str, str | None]:  # noqa: ANN401 - any one
    """Give the name of a compiled statement's operation, and its one table if it has one."""
    within = writes_within(compiled)
    if len(within) == 1 and compiled.statement.is_select:  # it only tells what the WITH has written
        return within[0].__visit_name__.upper(), _table_of(within[0])
    return _first_word(text), _table_of(compiled.statement)


def _first_word(text: str) -> str:
    word = text.lstrip(" \n\t(")[:10].partition(" ")[0].partition("\n")[0].upper()
    return word if word in _WORDS else _OTHER


def _table_of(statement: Any) -> str | None:  # noqa: ANN401 - of any kind
    """Give the table that a statement is about, if it is one; nothing is read out of text."""
    table = getattr(statement, "table", None)
    if table is None and not isinstance(statement, TextClause):
        try:
            tables = statement.get_final_froms()
        except Exception:  # noqa: BLE001 - a label is a kindness
            return None
        table = tables[0] if len(tables) == 1 else None
        while isinstance(table, Join):
            table = table.left
    return table.name if isinstance(table, Table) else None
