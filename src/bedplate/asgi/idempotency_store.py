"""Where the answers to requests with an idempotency key are kept: in this process, or elsewhere."""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from bedplate.errors import UnavailableError
from bedplate.logging import get_logger

_MOST_BYTES = 64 * 1024 * 1024
_log = get_logger("bedplate.idempotency")


class IdempotencyStore(Protocol):
    """Keeps values by key, each for a time, with atomic changes.

    A value is a claim (this request is being carried out) or what came of it; what is in them the
    store does not know.
    """

    async def begin(self, key: str, claim: bytes, seconds: float) -> bytes | None:
        """Put a claim where nothing is, or give what is there.

        Raises:
            UnavailableError: the store does not answer.
        """
        ...

    async def replace(self, key: str, claim: bytes, value: bytes, seconds: float) -> bool:
        """Put a value in the place of a claim, and tell whether the claim was still there.

        Raises:
            UnavailableError: the store does not answer.
        """
        ...

    async def release(self, key: str, claim: bytes) -> None:
        """Take a claim away, if it is still there.

        Raises:
            UnavailableError: the store does not answer.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held open."""
        ...


class MemoryIdempotencyStore:
    """Keeps in this process: right for one instance and for tests.

    Args:
        most_bytes: how much is kept; beyond, those go first that were put first.
        clock: gives seconds that never go back.
    """

    def __init__(
        self, *, most_bytes: int = _MOST_BYTES, clock: Callable[[], float] = monotonic
    ) -> None:
        self._values: dict[str, tuple[float, bytes]] = {}
        self._bytes = 0
        self._most_bytes = most_bytes
        self._clock = clock

    async def begin(self, key: str, claim: bytes, seconds: float) -> bytes | None:
        """Put a claim where nothing is, or give what is there."""
        if (present := self._find(key)) is None:
            self._put(key, claim, seconds)
        return present

    async def replace(self, key: str, claim: bytes, value: bytes, seconds: float) -> bool:
        """Put a value in the place of a claim, and tell whether the claim was still there."""
        if self._find(key) != claim:
            return False
        self._put(key, value, seconds)
        return True

    async def release(self, key: str, claim: bytes) -> None:
        """Take a claim away, if it is still there."""
        if self._find(key) == claim:
            self._drop(key)

    async def close(self) -> None:
        """Nothing is held open."""

    def _find(self, key: str) -> bytes | None:
        expires, value = self._values.get(key, (0.0, b""))
        return value if expires > self._clock() else None

    def _put(self, key: str, value: bytes, seconds: float) -> None:
        self._drop(key)
        now = self._clock()
        while self._values:  # most last as long as each other, so that the first is over first
            oldest, (expires, _) = next(iter(self._values.items()))
            if expires > now and self._bytes + len(value) <= self._most_bytes:
                break
            self._drop(oldest)
        self._values[key] = (now + seconds, value)
        self._bytes += len(value)

    def _drop(self, key: str) -> None:
        if (dropped := self._values.pop(key, None)) is not None:
            self._bytes -= len(dropped[1])


class FallbackIdempotencyStore:
    """Keeps in one store, and in another one while the first does not answer.

    With Redis first and this process's memory second, requests with a key are carried out while
    Redis is down, but a repetition that another process gets is carried out again.

    Args:
        first: keeps as long as it answers.
        second: keeps meanwhile.
    """

    def __init__(self, first: IdempotencyStore, second: IdempotencyStore) -> None:
        self._first = first
        self._second = second

    async def begin(self, key: str, claim: bytes, seconds: float) -> bytes | None:
        """Put a claim where nothing is, or give what is there."""
        try:
            return await self._first.begin(key, claim, seconds)
        except UnavailableError:
            _log.error("idempotency_store_unavailable", kept_in=type(self._second).__name__)
        return await self._second.begin(key, claim, seconds)

    async def replace(self, key: str, claim: bytes, value: bytes, seconds: float) -> bool:
        """Put a value in the place of a claim, wherever that is."""
        if await self._second.replace(key, claim, value, seconds):
            return True
        return await self._first.replace(key, claim, value, seconds)

    async def release(self, key: str, claim: bytes) -> None:
        """Take a claim away, wherever it is."""
        await self._second.release(key, claim)
        await self._first.release(key, claim)

    async def close(self) -> None:
        """Close both."""
        await self._first.close()
        await self._second.close()
