"""Who has written lately, and up to where in the log a standby must be before it answers them."""

from time import monotonic
from typing import Protocol

from bedplate._networks import network_of
from bedplate.context import current_context

__all__ = ["MemoryRecentWrites", "RecentWrites", "caller"]

_MOST = 100_000


class RecentWrites(Protocol):
    """Remembers a position in the primary's log for each caller, for a while."""

    async def remember(self, caller: str, position: int, seconds: float) -> None:
        """Keep a caller's position, unless a later one is kept.

        Raises:
            UnavailableError: it cannot be kept now.
        """
        ...

    async def position(self, caller: str) -> int | None:
        """Give the position that is kept for a caller.

        Raises:
            UnavailableError: nobody knows now.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held open."""
        ...


class MemoryRecentWrites:
    """Remembers in this process alone."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, float]] = {}  # the first to end stands first

    async def remember(self, caller: str, position: int, seconds: float) -> None:
        """Keep a caller's position, unless a later one is kept."""
        now = monotonic()
        known, ends = self._kept.pop(caller, (0, 0.0))
        if ends > now:
            position = max(known, position)
        self._kept[caller] = position, now + seconds
        while self._kept:
            first = next(iter(self._kept))
            if self._kept[first][1] > now and len(self._kept) <= _MOST:
                return
            del self._kept[first]

    async def position(self, caller: str) -> int | None:
        """Give the position that is kept for a caller."""
        position, ends = self._kept.get(caller, (None, 0.0))
        return position if ends > monotonic() else None

    async def close(self) -> None:
        """Forget all of them."""
        self._kept.clear()


def caller() -> str | None:
    """Name who sends the request being handled: by the principal, else by the network it is from.

    None means that nobody can tell, as outside of any request.
    """
    context = current_context()
    if context is None:
        return None
    if context.principal is not None:
        return f"principal:{context.principal}"
    return None if context.client is None else f"network:{network_of(context.client)}"
