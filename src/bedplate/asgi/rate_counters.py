"""Where requests are counted for rate limits: in this process, or elsewhere while that answers."""

import itertools
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from bedplate.errors import UnavailableError
from bedplate.logging import get_logger

_log = get_logger("bedplate.rate_limit")
_MOST = 100_000
_FIRST_SWEEP = 1024


type Count = tuple[int, float]
"""How often something was counted in its present window, and in how many seconds that ends."""


class RateCounter(Protocol):
    """Counts in windows of fixed length."""

    async def count(self, key: str, seconds: int) -> Count:
        """Count one more.

        Args:
            key: what is counted.
            seconds: the length of its windows.

        Raises:
            UnavailableError: whoever counts does not answer.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held open."""
        ...


class MemoryRateCounter:
    """Counts in this process, at a cost that does not grow with the number of clients.

    A window begins with the first request that is counted in it.

    Args:
        most: how many counters are kept; beyond, those go first that began first.
        clock: gives seconds that never go back.
    """

    def __init__(self, *, most: int = _MOST, clock: Callable[[], float] = monotonic) -> None:
        self._windows: dict[str, tuple[float, int]] = {}  # when it ends, and how much is used
        self._most = most
        self._clock = clock
        self._sweep_at = min(_FIRST_SWEEP, most)

    async def count(self, key: str, seconds: int) -> Count:
        """Count one more."""
        now = self._clock()
        known = self._windows.get(key)
        if known is not None and known[0] > now:
            ends, used = known[0], known[1] + 1
        else:
            if known is None and len(self._windows) >= self._sweep_at:
                self._sweep(now)
            ends, used = now + seconds, 1
        self._windows[key] = (ends, used)
        return used, ends - now

    def _sweep(self, now: float) -> None:
        """Forget windows that are over; the next time only after as many new ones again."""
        self._windows = {key: window for key, window in self._windows.items() if window[0] > now}
        beyond = len(self._windows) - self._most * 9 // 10
        for key in list(itertools.islice(self._windows, max(0, beyond))):
            del self._windows[key]
        self._sweep_at = min(self._most, max(_FIRST_SWEEP, 2 * len(self._windows)))

    async def close(self) -> None:
        """Forget all counts, as the end of the process would."""
        self._windows.clear()


class FallbackRateCounter:
    """Counts in one place, and in another one while the first does not answer.

    With Redis first and this process's memory second, each instance holds to the limits by itself
    meanwhile. The first is asked again after a pause, so that an outage delays one request each
    pause and not all.

    Args:
        first: counts as long as it answers.
        second: counts meanwhile.
        pause: seconds after which the first is asked again.
        clock: gives seconds that never go back.
    """

    def __init__(
        self,
        first: RateCounter,
        second: RateCounter,
        *,
        pause: float = 5.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._first = first
        self._second = second
        self._pause = pause
        self._clock = clock
        self._down_until: float | None = None

    async def count(self, key: str, seconds: int) -> Count:
        """Count one more."""
        if self._down_until is not None:
            now = self._clock()
            if now < self._down_until:
                return await self._second.count(key, seconds)
            self._down_until = now + self._pause  # this request tries, the others need not wait
        try:
            counted = await self._first.count(key, seconds)
        except UnavailableError:
            if self._down_until is None:
                _log.error("rate_counter_unavailable", counted_in=type(self._second).__name__)
            self._down_until = self._clock() + self._pause
            return await self._second.count(key, seconds)
        if self._down_until is not None:
            _log.info("rate_counter_available_again")
            self._down_until = None
        return counted

    async def close(self) -> None:
        """Close both."""
        await self._first.close()
        await self._second.close()
