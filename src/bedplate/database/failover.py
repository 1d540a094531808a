"""Sessions on a standby whose statements the primary answers when the standby does not."""

from asyncio import get_running_loop, timeout
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine, Result, event
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.util import await_only

from bedplate.database.read_only import ReadOnlySession, refuse_unless_read
from bedplate.errors import DatabaseUnavailableError, RetryableError

__all__ = ["FailoverSession", "Interruptible", "Standby"]


class Interruptible:
    """A read that can be ended from outside, when it is known that no answer will come."""

    def __init__(self) -> None:
        self._limit = timeout(None)
        self._abort: Callable[[], object] | None = None

    def execute(self, state: ORMExecuteState) -> Result[object]:
        """Execute a statement of a session.

        Raises:
            TimeoutError: it was ended.
            DatabaseUnavailableError: it was ended, or its connection is lost.
        """
        await_only(self._limit.__aenter__())  # below a greenlet there is no `async with`
        try:
            connection = state.session.connection().connection.driver_connection
            # asyncpg would first ask the server to cancel, which does not answer that either
            self._abort = getattr(connection, "terminate", None)
            result = state.invoke_statement()
        except BaseException as error:
            await_only(self._limit.__aexit__(type(error), error, error.__traceback__))
            raise
        await_only(self._limit.__aexit__(None, None, None))
        return result

    def interrupt(self) -> None:
        """End it now; to be called in its event loop."""
        if self._abort is not None:
            self._abort()
        elif self._limit.when() is None:  # not told already
            self._limit.reschedule(get_running_loop().time())


class Standby(Protocol):
    """What such a session has to know of the standby that it reads from."""

    def gave_up(self, error: Exception) -> None:
        """Take note that it did not answer."""
        ...

    def interrupting(self) -> AbstractContextManager[Interruptible]:
        """Have what ends a read when the standby is found not to answer."""
        ...


class FailoverSession(ReadOnlySession):
    """A session that leaves the standby for the primary, once, with all that it still reads."""

    _standby: Standby | None = None
    _primary: Engine | Connection | None = None
    _is_bound_to_state = False
    """Whether what it has read already is of one state, which only the standby has."""

    def begin_on(self, standby: Standby, primary: Engine | Connection, *, snapshot: bool) -> None:
        """Say where it reads, and where it goes if that fails.

        Args:
            standby: told when it does not answer.
            primary: what it is bound to then.
            snapshot: whether all that it reads is of one state.
        """
        self._standby, self._primary, self._snapshot = standby, primary, snapshot

    def read(self, state: ORMExecuteState) -> Result[object] | None:
        """Execute a statement here or there; None for one that goes the ordinary way."""
        standby = self._standby
        if standby is None:
            return None
        try:
            with standby.interrupting() as reading:
                result = reading.execute(state)
        except (DatabaseUnavailableError, RetryableError, TimeoutError) as error:
            if self._is_bound_to_state:
                raise _unavailable(error) from error
            if not isinstance(error, RetryableError):  # a conflict with what it replays
                standby.gave_up(error)
            self.close()
            self.bind, self._standby = self._primary, None
            return state.invoke_statement()
        self._is_bound_to_state = self._snapshot
        return result


@event.listens_for(FailoverSession, "do_orm_execute")
def _read(state: ORMExecuteState) -> Result[object] | None:
    assert isinstance(state.session, FailoverSession)  # noqa: S101 - it listens to no other
    refuse_unless_read(state.statement)
    return state.session.read(state)


def _unavailable(error: Exception) -> Exception:
    return DatabaseUnavailableError() if isinstance(error, TimeoutError) else error
