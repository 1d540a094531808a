"""Reads that asyncpg carries out by itself, of statements that are made once.

SQLAlchemy compiles such a statement and knows its types, both once. Then its rows go straight from
the driver to who reads them: a count takes 0.4 of the processor time that a session takes for it,
and a page of 50 rows 0.6. Whatever somebody listens to or logs goes the usual way, and so does what
fails because a connection was lost.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Engine, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import await_only

from bedplate.database.errors import domain_error
from bedplate.database.observing import end, is_observed, observe, operation_of
from bedplate.database.read_only import ReadOnlySession, refuse_unless_reading
from bedplate.errors import DatabaseUnavailableError

__all__ = ["allow_direct", "fetch"]

# The execution option of an engine: how many listeners of its own there are for each of the events.
_DIRECT = "bedplate_direct"
_STATEMENT_EVENTS = ("before_cursor_execute", "after_cursor_execute")
_EVENTS = ("engine_connect", "begin", "before_execute", "after_execute", *_STATEMENT_EVENTS)

type _Convert = Callable[[Any], Any]
type _Rows = Sequence[Sequence[Any]]

_MISSING = object()
_log = logging.getLogger("sqlalchemy.engine.Engine")


def allow_direct(view: AsyncEngine, engine: AsyncEngine) -> None:
    """Let sessions on a view of an engine read directly, as long as nobody listens besides.

    Args:
        view: each of whose statements is a transaction; asyncpg prepares them.
        engine: whose view it is.
    """
    seen, heard = view.sync_engine.dispatch, engine.sync_engine.dispatch
    own = {name: len(getattr(seen, name)) - len(getattr(heard, name)) for name in _EVENTS}
    view.update_execution_options(**{_DIRECT: own})


async def fetch(
    session: AsyncSession, statement: Select[Any], values: Mapping[str, Any]
) -> _Rows | None:
    """Give all rows of a statement, if the driver can carry it out by itself; else None.

    Args:
        session: where the statement would run else.
        statement: made once and kept, since it is compiled for as long.
        values: those of its parameters, by their keys.

    Raises:
        BedplateError: as the session raises it.
        RuntimeError: it writes or locks, and the session only reads.
    """
    engine = _engine_of(session.sync_session)
    if engine is None:
        return None
    if (plan := _plan(statement, engine.dialect)) is None:
        return None
    if (arguments := plan.arguments(values)) is None:
        return None
    records = await session.run_sync(_fetch, engine, plan, arguments)
    return None if records is None else plan.rows(records)


class _Plan:
    """A compiled statement: its text, its parameters, and what makes values of what comes back."""

    def __init__(
        self, compiled: SQLCompiler, dialect: Dialect, types: Iterable[TypeEngine[Any]]
    ) -> None:
        self.text = str(compiled)
        self.operation = operation_of(compiled, self.text)
        self._dialect = dialect
        self._types = tuple(types)
        self._parameters = [
            _parameter(compiled.binds[name], dialect) for name in compiled.positiontup or ()
        ]
        self._converters: list[tuple[int, _Convert]] | None = None

    def arguments(self, values: Mapping[str, Any]) -> list[Any] | None:
        """Give what is sent, in the order of the text; None if a value is missing."""
        arguments = []
        for key, bind, convert in self._parameters:
            value = values.get(key, _MISSING)
            if value is _MISSING:
                if bind.required:
                    return None
                value = bind.effective_value
            arguments.append(value if convert is None else convert(value))
        return arguments

    def learn(self, connection: Any) -> None:  # noqa: ANN401 - asyncpg has no types
        """Ask the server once for the types of the columns."""
        if self._converters is None:
            attributes = await_only(connection.prepare(self.text)).get_attributes()
            made = [
                type_.dialect_impl(self._dialect).result_processor(
                    self._dialect, attribute.type.oid
                )
                for type_, attribute in zip(self._types, attributes, strict=True)
            ]
            self._converters = [(at, convert) for at, convert in enumerate(made) if convert]

    def rows(self, records: Sequence[Sequence[Any]]) -> _Rows:
        """Give the values of the statement's own types."""
        if not self._converters:
            return records
        rows = [list(record) for record in records]
        for row in rows:
            for at, convert in self._converters:
                row[at] = convert(row[at])
        return rows


def _fetch(
    _session: Session, engine: Engine, plan: _Plan, arguments: Sequence[Any]
) -> _Rows | None:
    connection = engine.raw_connection()
    driver: Any = connection.driver_connection
    begun = observe(engine.dialect, *plan.operation)
    failed: BaseException | None = None
    try:
        plan.learn(driver)
        records: _Rows = await_only(driver.fetch(plan.text, *arguments))
    except Exception as error:
        failed = error
        translated = domain_error(error)
        if translated is not None and not isinstance(translated, DatabaseUnavailableError):
            raise translated from error
        if driver.is_closed():
            connection.invalidate(error)
        return None  # a session knows what to say of it
    except BaseException as error:  # cancelled: what the server answers then is nobody's
        failed = error
        connection.invalidate(error)
        raise
    else:
        return records
    finally:
        end(begun, failed)
        connection.close()


def _engine_of(session: Session) -> Engine | None:
    """Give the engine on which the session would begin nothing, and tell nobody but us."""
    engine = session.bind
    if (
        type(session) is not ReadOnlySession
        or not isinstance(engine, Engine)
        or session.in_transaction()  # also once anything was added to it or changed
        or session.dispatch.do_orm_execute
        or session.dispatch.after_begin
        or engine.dialect.server_version_info is None  # known from the first connection on
    ):
        return None
    own = engine.get_execution_options().get(_DIRECT)
    return engine if own is not None and not _is_overheard(engine, own) else None


def _is_overheard(engine: Engine, own: Mapping[str, int]) -> bool:
    """Tell whether anybody but us learns of the engine's statements."""
    if engine.echo or _log.isEnabledFor(logging.INFO):
        return True
    heard, observed = engine.dispatch, is_observed(engine.dialect)
    for name, count in own.items():  # not `any`: this stands before every read
        if len(getattr(heard, name)) != count + (observed and name in _STATEMENT_EVENTS):
            return True
    return False


@lru_cache(1024)
def _plan(statement: Select[Any], dialect: Dialect) -> _Plan | None:
    """Compile a statement; None if it takes options, or more than one text for all values.

    Raises:
        RuntimeError: it writes or locks.
    """
    try:
        compiled = statement.compile(dialect=dialect)
    except SQLAlchemyError:  # the session says what is wrong with it
        return None
    refuse_unless_reading(compiled)
    if (
        compiled.post_compile_params
        or compiled.literal_execute_params
        or statement.get_execution_options()
    ):
        return None
    return _Plan(compiled, dialect, [column.type for column in statement.selected_columns])


def _parameter(
    bind: BindParameter[Any], dialect: Dialect
) -> tuple[str, BindParameter[Any], _Convert | None]:
    return bind.key, bind, bind.type.dialect_impl(dialect).bind_processor(dialect)
