"""Database errors as domain errors: by SQLSTATE and constraint name, never by message text.

The classes of SQLSTATE are those of PostgreSQL's documentation, appendix A.
"""

from collections.abc import Callable
from copy import copy
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from bedplate.database.facts import Facts, facts_of
from bedplate.errors import (
    BedplateError,
    BrokenReferenceError,
    CommitOutcomeUnknownError,
    DatabaseUnavailableError,
    DuplicateError,
    InvalidDataError,
    LockTimeoutError,
    PoolTimeoutError,
    QueryTimeoutError,
    RetryableError,
    StillReferencedError,
)

__all__ = ["domain_error", "error_of_preparing", "translate_errors"]

# On a driver's error that a commit raised: it has no statement by which one could tell.
_IN_COMMIT = "bedplate_in_commit"
_translating: WeakSet[Engine] = WeakSet()


def translate_errors(engine: AsyncEngine) -> None:
    """Make an engine raise domain errors, whoever executes on it; twice is as good as once."""
    target = engine.sync_engine
    # Not event.contains: it goes by id, and takes a new engine for a dead one that had the same.
    if target in _translating:
        return
    _translating.add(target)
    # Events of the dialect only: with one of connections, each statement would ask for all kinds.
    event.listen(target, "handle_error", _raise_domain_error)
    event.listen(target, "do_connect", _connect)
    setattr(target.dialect, "do_commit", _marking_errors(target.dialect.do_commit))  # noqa: B010


def domain_error(error: BaseException, *, facts: Facts | None = None) -> BedplateError | None:
    """Give the domain error for a driver's error; None for what is a programming error."""
    if isinstance(error, BedplateError):
        return copy(error)  # a column type refused a value
    facts = facts or facts_of(error)
    if facts.is_stale_plan:  # asyncpg's, after a migration; it is made anew next time
        return RetryableError()
    if facts.sqlstate is None:
        return _without_sqlstate(error, facts)
    make = _BY_SQLSTATE.get(facts.sqlstate) or _BY_SQLSTATE.get(facts.sqlstate[:2])
    return make(facts) if make else None


def error_of_preparing(error: Exception) -> BedplateError | None:
    """Give the domain error for what a driver says of a connection that was opened just now.

    SQLAlchemy asks the server for some types then, and leaves the driver's errors as they are.

    Args:
        error: raised before anybody had the connection.

    Returns:
        None for an error of other origin.
    """
    facts = facts_of(error)
    if isinstance(error, BedplateError) or not (facts.is_of_driver or isinstance(error, OSError)):
        return None
    translated = domain_error(error, facts=facts)
    return translated if isinstance(translated, DatabaseUnavailableError) else _unavailable(facts)


def _duplicate(facts: Facts) -> BedplateError:
    return DuplicateError(constraint=facts.constraint, columns=facts.columns)


def _broken_reference(facts: Facts) -> BedplateError:
    if facts.is_delete:
        return _still_referenced(facts)
    return BrokenReferenceError(constraint=facts.constraint)


def _still_referenced(facts: Facts) -> BedplateError:
    return StillReferencedError(constraint=facts.constraint)


def _invalid_data(facts: Facts) -> BedplateError:
    return InvalidDataError(constraint=facts.constraint, field=facts.column)


def _given_twice(facts: Facts) -> BedplateError | None:
    """Tell an upsert that meets one row twice from a subquery with more than one row."""
    return InvalidDataError("The same row is given twice.") if facts.is_upsert else None


def _unavailable(_: Facts) -> BedplateError:
    return DatabaseUnavailableError()


_BY_SQLSTATE: dict[str, Callable[[Facts], BedplateError | None]] = {
    # classes
    "08": _unavailable,  # connection exception
    "22": _invalid_data,  # data exception: out of range, too long, not a date ...
    "23": _invalid_data,  # constraint violation: check, not null
    "53": _unavailable,  # insufficient resources: disk, memory, connections
    # conditions
    "21000": _given_twice,
    "23001": _still_referenced,  # RESTRICT
    "23503": _broken_reference,
    "23505": _duplicate,
    "23P01": _duplicate,  # exclusion constraint
    "25P03": _unavailable,  # idle in a transaction for too long
    "25P04": _unavailable,  # transaction took too long
    "28000": lambda _: DatabaseUnavailableError("The database refused the credentials."),
    "28P01": lambda _: DatabaseUnavailableError("The database refused the credentials."),
    "3D000": lambda _: DatabaseUnavailableError("The database does not exist."),
    "40001": lambda _: RetryableError(),  # serialization failure
    "40P01": lambda _: RetryableError(),  # deadlock
    "54000": _invalid_data,  # an index entry that is too large
    "55P03": lambda _: LockTimeoutError(),
    "57014": lambda _: QueryTimeoutError(),
    "57P01": _unavailable,  # the server shuts down
    "57P02": _unavailable,  # the server crashed
    "57P03": _unavailable,  # the server starts up
    "57P04": _unavailable,  # the database was dropped
    "57P05": _unavailable,  # idle for too long
}


def _without_sqlstate(error: BaseException, facts: Facts) -> BedplateError | None:
    """Judge what never reached the server, or came back without its verdict."""
    if isinstance(error, TimeoutError):  # the driver's own limit on a command
        return QueryTimeoutError()
    if isinstance(error, OSError):
        return DatabaseUnavailableError()
    if isinstance(error, SQLAlchemyTimeoutError):
        return PoolTimeoutError()
    if facts.is_unsendable:
        return InvalidDataError()
    return None


def _raise_domain_error(context: ExceptionContext) -> BedplateError | None:
    """Translate on the way out of any statement, commit or rollback."""
    original = context.original_exception
    if not isinstance(original, Exception):
        return None  # cancellation
    try:
        facts = facts_of(original, context)
    except Exception:  # noqa: BLE001 - names of columns are a kindness; the error is what matters
        facts = facts_of(original)
    translated = domain_error(original, facts=facts)
    if not (context.is_disconnect or isinstance(original, OSError) or facts.is_lost_connection):
        return translated
    context.is_disconnect = True  # the pool must not give out its other connections either
    if hasattr(original, _IN_COMMIT):
        return CommitOutcomeUnknownError()
    return translated or DatabaseUnavailableError()


def _connect(
    dialect: Dialect, _: ConnectionPoolEntry, args: tuple[Any, ...], options: dict[str, Any]
) -> Any:  # noqa: ANN401 - a driver's connection
    """Connect; whatever the driver says then, the database is not available."""
    try:
        return dialect.connect(*args, **options)
    except Exception as error:
        if isinstance(error, OSError):
            raise DatabaseUnavailableError from error
        translated = domain_error(error)
        if isinstance(translated, DatabaseUnavailableError):
            raise translated from error
        if isinstance(error, dialect.loaded_dbapi.Error):
            raise DatabaseUnavailableError from error
        raise


def _marking_errors(commit: Callable[[Any], None]) -> Callable[[Any], None]:
    """Give a commit whose errors tell where they come from."""

    def do_commit(connection: object) -> None:
        try:
            commit(connection)
        except Exception as error:
            setattr(error, _IN_COMMIT, True)
            raise

    return do_commit
