"""Sessions that only read: what would write is refused before anything is sent.

This guards against mistakes. It does not see what a function called by a SELECT does; only the
server can refuse that: in a snapshot, and for a role that may not write.
"""

import re
from typing import Any, NamedTuple, Never, Self
from weakref import WeakSet

from sqlalchemy import Connection, Executable, TextClause, event
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql.compiler import DDLCompiler, SQLCompiler

from bedplate.database.facts import writes_within

__all__ = [
    "JoiningReadOnlySession",
    "ReadOnlySession",
    "ReadingViews",
    "refuse_unless_read",
    "refuse_unless_reading",
]

_READS = re.compile(r"[\s(]*(?:select|with|values|table|show|explain)\b", re.IGNORECASE)
_WRITES = re.compile(
    r"\b(?:insert|update|delete|merge|into|analyze|for\s+(?:key\s+)?share)\b", re.IGNORECASE
)
# in the order in which they begin: a comment may hold an apostrophe, and a text two dashes
_QUOTED = re.compile(r"--[^\n]*|/\*.*?\*/|'[^']*'|\"[^\"]*\"", re.DOTALL)

# a statement is compiled once and then sent again and again
_known_reads: WeakSet[SQLCompiler] = WeakSet()


class ReadOnlySession(Session):
    """A session whose flush refuses to write; the views it is bound to refuse statements that do."""


class JoiningReadOnlySession(ReadOnlySession):
    """One on a connection that others write with, which cannot refuse: it does so by itself."""


class ReadingViews(NamedTuple):
    """An engine as readers see it; the connections are those of its pool, and go back as usual."""

    autocommit: AsyncEngine
    """Each statement is a transaction."""

    snapshot: AsyncEngine
    """All statements of a transaction see one state, and the server too refuses to write."""

    @classmethod
    def of(cls, engine: AsyncEngine) -> Self:
        """Make both, which refuse whatever would write."""
        views = cls(
            engine.execution_options(isolation_level="AUTOCOMMIT"),
            engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
        )
        for view in views:
            event.listen(view.sync_engine, "before_cursor_execute", _refuse_sent)
        return views


@event.listens_for(ReadOnlySession, "before_flush")
def _refuse_flush(session: Session, *_: object) -> None:
    if session.new or session.deleted or any(map(session.is_modified, session.dirty)):
        _refuse("a changed entity")


@event.listens_for(JoiningReadOnlySession, "do_orm_execute")
def _refuse_statement(state: ORMExecuteState) -> None:
    refuse_unless_read(state.statement)


def refuse_unless_read(statement: Executable) -> None:
    """Refuse a statement that writes or locks, as far as it tells without being compiled.

    Raises:
        RuntimeError: it does.
    """
    if isinstance(statement, TextClause):
        _refuse_writing_text(statement.text)
    elif not statement.is_select:
        _refuse(statement.__visit_name__.upper())
    elif getattr(statement, "_for_update_arg", None) is not None:
        _refuse("a lock")


def _refuse_sent(
    _connection: Connection,
    _cursor: object,
    text: str,
    _parameters: object,
    context: ExecutionContext | None,
    _many: bool,  # noqa: FBT001 - as SQLAlchemy calls it
) -> None:
    """Refuse whatever is about to be sent that would write or lock."""
    compiled: Any = getattr(context, "compiled", None)
    if isinstance(compiled, SQLCompiler):
        if compiled in _known_reads:
            return
        refuse_unless_reading(compiled)
        if not isinstance(compiled.statement, TextClause):
            _known_reads.add(compiled)
            return
    elif isinstance(compiled, DDLCompiler):
        _refuse("DDL")
    _refuse_writing_text(text)


def refuse_unless_reading(compiled: SQLCompiler) -> None:
    """Refuse a compiled statement that writes or locks; its text is not looked into.

    Raises:
        RuntimeError: it does.
    """
    statement: Any = compiled.statement
    if compiled.isinsert or compiled.isupdate or compiled.isdelete:
        _refuse(statement.__visit_name__.upper())
    if writes_within(compiled):
        _refuse("a WITH that changes rows")
    if getattr(statement, "_for_update_arg", None) is not None:
        _refuse("a lock")


def _refuse_writing_text(text: str) -> None:
    bare = _QUOTED.sub(" ", text)
    if not _READS.match(bare) or _WRITES.search(bare):
        _refuse("text that may write")


def _refuse(what: str) -> Never:
    raise RuntimeError(f"this only reads: {what} is refused")
