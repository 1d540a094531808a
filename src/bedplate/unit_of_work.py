"""One transaction and the repositories that share it: committed on purpose, else rolled back."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Literal, Protocol, Self, cast, overload

import structlog

from bedplate._extras import missing_extra
from bedplate.database import Database
from bedplate.errors import DatabaseUnavailableError
from bedplate.models import ALL_TENANTS, bind_tenant, set_actor
from bedplate.pagination import CursorCodec

try:
    from sqlalchemy.ext.asyncio import AsyncSession
except ImportError as error:
    raise missing_extra("database", "sqlalchemy") from error

__all__ = ["UnitOfWork", "repository"]

type AfterCommit = Callable[[], Awaitable[object] | object]
type _Reads = Literal["each", "latest", "snapshot"]
"""What is called, and awaited if it asks for it, once the work is stored for good."""

_log = structlog.get_logger(__name__)


class _MadeFromSession[R](Protocol):
    """Makes what a unit of work hands out: of a session and a codec."""

    def __call__(self, session: AsyncSession, *, cursors: CursorCodec | None = None) -> R: ...


class repository[R]:  # noqa: N801 - it reads as a declaration, like property
    """Declare a repository of a unit of work; it is made when first used.

    Args:
        kind: the class of the repository.
    """

    def __init__(self, kind: _MadeFromSession[R]) -> None:
        self.kind = kind
        self._name = ""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, unit: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, unit: "UnitOfWork", owner: type[Any]) -> R: ...
    def __get__(self, unit: "UnitOfWork | None", owner: type[Any]) -> Self | R:
        """Give the repository on the session of the unit of work that is entered.

        Raises:
            RuntimeError: when it is not entered.
        """
        if unit is None:
            return self
        made = unit._repositories.get(self._name)
        if made is None:
            made = unit._repositories[self._name] = self.kind(unit.session, cursors=unit._cursors)
        return cast("R", made)


class UnitOfWork:
    """One transaction, entered by ``async with``; leaving it without commit rolls back.

    Subclass it and declare its repositories::

        class AppUnitOfWork(UnitOfWork):
            users = repository(UserRepository)

    It can be entered again after it was left, but not by two at once.

    Args:
        database: where the session is opened.
        cursors: signs the cursors of ``cursor_page``.
        actor: in whose name it writes, for models with ActorMixin; None is the service itself.
        tenant: whose rows alone it sees and writes, for models with TenantMixin; ALL_TENANTS
            means all, and None that there are none to be seen.
    """

    def __init__(
        self,
        database: Database,
        *,
        cursors: CursorCodec | None = None,
        actor: object = None,
        tenant: object = None,
    ) -> None:
        self._database = database
        self._reads: _Reads | None = None
        self._cursors = cursors
        self._actor = actor
        self._tenant = tenant
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._session: AsyncSession | None = None
        self._repositories: dict[str, Any] = {}
        self._after_commit: list[AfterCommit] = []

    def acting_as(self, actor: object) -> Self:
        """Give another unit of work like this one, not entered, that writes in somebody's name.

        Args:
            actor: what ``created_by`` and ``updated_by`` hold.
        """
        other = self._another()
        other._actor = actor
        return other

    def of_tenant(self, tenant: object) -> Self:
        """Give another unit of work like this one, not entered, for the rows of one tenant.

        Args:
            tenant: the key of the tenant.

        Raises:
            ValueError: when it is None.
        """
        if tenant is None:
            raise ValueError("the tenant is None; across_tenants() means all of them")
        other = self._another()
        other._tenant = tenant
        return other

    def across_tenants(self) -> Self:
        """Give another unit of work like this one, not entered, for the rows of all tenants.

        It is for administrators: new rows say their ``tenant_id`` there.
        """
        return self.of_tenant(ALL_TENANTS)

    def _another(self) -> Self:
        other = object.__new__(type(self))  # what `copy` comes to, at a third of its time
        vars(other).update(vars(self))
        other._begin_anew()
        return other

    @property
    def session(self) -> AsyncSession:
        """Give the session, for statements that no repository has.

        Raises:
            RuntimeError: outside ``async with``.
        """
        if self._session is None:
            raise RuntimeError("the unit of work is not entered: use `async with uow:`")
        return self._session

    async def __aenter__(self) -> Self:
        if self._session is not None:
            raise RuntimeError("the unit of work is entered already; make another one")
        session = await self._open()
        if self._actor is not None:
            set_actor(session, self._actor)
        if self._tenant is not None:
            bind_tenant(session, self._tenant)
        self._session = session
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        session, self._session = self.session, None
        self._repositories.clear()
        self._after_commit.clear()
        if not session.in_transaction():  # as after a commit: there is nothing to send
            session.sync_session.close()
            return
        # A connection that was lost is rolled back; saying so would hide what came first.
        with suppress(DatabaseUnavailableError):
            # A second cancellation must not keep the connection from its rollback; what has none
            # to send, as after a read, is through before the loop is asked.
            loop = asyncio.get_running_loop()
            await asyncio.shield(asyncio.Task(session.close(), loop=loop, eager_start=True))

    def read_only(self) -> Self:
        """Give another one that only reads, each statement by itself: enter that instead.

        A single read takes one round trip to the server instead of three. Two reads may see two
        states; ``snapshot`` gives one. Where there is a replica that has all that the caller wrote,
        it answers. What would write, lock or commit is refused with
        RuntimeError before anything is sent; what a function called by a SELECT does is not seen.
        """
        return self._reading("each")

    def latest(self) -> Self:
        """Give another one as ``read_only`` does, which no replica answers.

        It is for what must see at once what others did: whether a session was revoked.
        """
        return self._reading("latest")

    def snapshot(self) -> Self:
        """Give another one whose reads all see one state: REPEATABLE READ, READ ONLY.

        What would write, lock or commit is refused with RuntimeError before anything is sent.
        """
        return self._reading("snapshot")

    async def commit(self) -> None:
        """Store the work for good, then call what was registered by ``after_commit``.

        Raises:
            CommitOutcomeUnknownError: the connection was lost meanwhile: stored or not.
            ConflictError: a deferred constraint is violated; nothing is stored.
            RetryableError: it collided with another transaction; nothing is stored.
            RuntimeError: when it only reads.
        """
        self._demand_writing()
        await self.session.commit()
        await self._database.committed()
        callbacks, self._after_commit = self._after_commit, []
        for callback in callbacks:
            await _call(callback)

    async def rollback(self) -> None:
        """Undo everything since the last commit."""
        self._after_commit.clear()
        await self.session.rollback()

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo only what happens inside when it raises; the error goes on to the caller.

        Raises:
            RuntimeError: when it only reads.
        """
        self._demand_writing()
        registered = len(self._after_commit)
        try:
            async with self.session.begin_nested():
                yield
        except BaseException:
            del self._after_commit[registered:]
            raise

    def after_commit(self, callback: AfterCommit) -> None:
        """Register what is called once after the commit; a rollback forgets it.

        The work is stored by then, so an error of a callback is logged and not raised.

        Raises:
            RuntimeError: outside ``async with``, or when it only reads.
        """
        _ = self.session
        self._demand_writing()
        self._after_commit.append(callback)

    async def _open(self) -> AsyncSession:
        if self._reads is None:
            return self._database.session()
        if self._reads == "latest":
            return self._database.read_only_session()
        return await self._database.reading(snapshot=self._reads == "snapshot")

    def _reading(self, how: _Reads) -> Self:
        unit = self._another()
        unit._reads = how
        return unit

    def _demand_writing(self) -> None:
        if self._reads is not None:
            raise RuntimeError("this unit of work only reads: there is nothing to commit or undo")


async def _call(callback: AfterCommit) -> None:
    try:
        result = callback()
        if isinstance(result, Awaitable):
            await result
    except Exception:  # noqa: BLE001 - the work is stored: failing now would be a lie
        _log.exception("after_commit_failed")
