"""The transaction of a service, as far as signing in needs it."""

from types import TracebackType
from typing import Protocol, Self


class Transaction(Protocol):
    """A unit of work, whatever its repositories."""

    def latest(self) -> Self:
        """Give another one that only reads, each statement by itself, and from no replica."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def commit(self) -> None:
        """Store the work for good."""
        ...
