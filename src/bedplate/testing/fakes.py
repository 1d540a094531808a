"""A unit of work without a database, for unit tests of services with mocked repositories."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

_WRITES = {
    *("add", "add_many", "add_if_missing", "add_many_if_missing", "upsert", "upsert_many"),
    *("update", "update_many", "update_where"),
    *("delete", "delete_many", "delete_where", "locked", "purge", "purge_where", "restore"),
}


class FakeUnitOfWork:
    """Records what became of the work; its repositories are the mocks it is given.

    It keeps the rules of the real one: nothing works outside ``async with``, it is not entered
    twice, and work that is left without a commit counts as rolled back. ::

        users = mocker.create_autospec(UserRepository, instance=True)
        uow = FakeUnitOfWork(users=users)

    Args:
        repositories: the mocks, by the names that the unit of work gives them.
    """

    def __init__(self, **repositories: object) -> None:
        self.commits = 0
        self.rollbacks = 0
        self.actor: object = None
        self.tenant: object = None
        self._repositories = repositories
        self._entered = False
        self._unsettled = False
        self._only_reads = False
        self._after_commit: list[Callable[[], object]] = []

    def acting_as(self, actor: object) -> Self:
        """Keep whose name it is, as ``actor``; the real one gives another unit of work."""
        self.actor = actor
        return self

    def of_tenant(self, tenant: object) -> Self:
        """Keep whose rows are meant, as ``tenant``; the real one gives another unit of work."""
        self.tenant = tenant
        return self

    def across_tenants(self) -> Self:
        """Keep that the rows of all tenants are meant."""
        from bedplate.models import ALL_TENANTS

        return self.of_tenant(ALL_TENANTS)

    def read_only(self) -> "FakeUnitOfWork":
        """Give another one with the same mocks that refuses what a read-only one refuses.

        It commits nothing, so it counts nothing.
        """
        other = FakeUnitOfWork(**self._repositories)
        other.actor, other.tenant = self.actor, self.tenant
        other._only_reads = True
        return other

    def latest(self) -> "FakeUnitOfWork":
        """Give another one as ``read_only`` does."""
        return self.read_only()

    def snapshot(self) -> "FakeUnitOfWork":
        """Give another one as ``read_only`` does."""
        return self.read_only()

    @property
    def committed(self) -> bool:
        """Tell whether work was committed and none was rolled back."""
        return self.commits > 0 and self.rollbacks == 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - mocks have any type
        if name.startswith("_") or name not in self._repositories:
            raise AttributeError(f"this FakeUnitOfWork was given no {name!r}")
        self._demand_entered()
        repository = self._repositories[name]
        return _OnlyReads(repository) if self._only_reads else repository

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("the unit of work is entered already; make another one")
        self._entered = self._unsettled = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._unsettled and not self._only_reads:
            await self.rollback()
        self._entered = False

    async def commit(self) -> None:
        """Count a commit, then call what was registered by ``after_commit``."""
        self._demand_entered()
        self._demand_writing()
        self.commits += 1
        self._unsettled = False
        callbacks, self._after_commit = self._after_commit, []
        for callback in callbacks:
            result = callback()
            if inspect.isawaitable(result):
                await result

    async def rollback(self) -> None:
        """Count a rollback; callbacks for after the commit are forgotten."""
        self._demand_entered()
        if not self._only_reads:
            self.rollbacks += 1
        self._unsettled = False
        self._after_commit.clear()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Forget the callbacks that were registered inside when it raises."""
        self._demand_entered()
        self._demand_writing()
        registered = len(self._after_commit)
        try:
            yield
        except BaseException:
            del self._after_commit[registered:]
            raise

    def after_commit(self, callback: Callable[[], Awaitable[object] | object]) -> None:
        """Register what is called once after the commit."""
        self._demand_entered()
        self._demand_writing()
        self._after_commit.append(callback)

    def _demand_entered(self) -> None:
        if not self._entered:
            raise RuntimeError("the unit of work is not entered: use `async with uow:`")

    def _demand_writing(self) -> None:
        if self._only_reads:
            raise RuntimeError("this unit of work only reads: there is nothing to commit or undo")


class _OnlyReads:
    """A mocked repository whose writes are refused, as the session of the real one refuses them."""

    def __init__(self, repository: object) -> None:
        self._repository = repository

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - mocks have any type
        if name in _WRITES:
            raise RuntimeError(f"this only reads: {name} is refused")
        return getattr(self._repository, name)
