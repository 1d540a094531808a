"""Attempts counted by the package ``limits``: in this process, or in Redis for all of them."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pydantic import SecretStr

from bedplate._extras import missing_extra
from bedplate._redis_storage import STORAGE_FAILURES, close_storage, redis_storage
from bedplate.auth.throttle import Hit
from bedplate.errors import UnavailableError

try:
    from limits import RateLimitItemPerSecond
    from limits.aio.storage import MemoryStorage, RedisStorage
    from limits.aio.strategies import MovingWindowRateLimiter
except ModuleNotFoundError as error:
    raise missing_extra("throttle", "limits") from error

_LEAST_WAIT = 0.001


class LimitsThrottleStore:
    """Counts attempts in a moving window.

    Args:
        redis_url: ``redis://...``, ``rediss://...`` or ``unix://...``; None counts in this process alone, which
            is right for one instance and for tests.
        timeout: how many seconds Redis has for one answer.
    """

    def __init__(self, redis_url: SecretStr | str | None = None, *, timeout: float = 2.0) -> None:
        self._storage: MemoryStorage | RedisStorage
        if redis_url is None:
            self._storage = MemoryStorage()
        else:
            self._storage = redis_storage(redis_url, timeout=timeout)
        self._limiter = MovingWindowRateLimiter(self._storage)

    async def hit(self, hits: Sequence[Hit]) -> float:
        """Count an attempt at each counter in turn, up to the first that is used up.

        Raises:
            UnavailableError: Redis does not answer: nobody gets uncounted attempts.
        """
        try:
            return await self._hit(hits)
        except STORAGE_FAILURES:
            pass  # what they say may repeat the URL
        raise UnavailableError

    async def forget(self, hits: Sequence[Hit]) -> None:
        """Set counters back; if Redis does not answer, time will."""
        with suppress(*STORAGE_FAILURES):
            for hit in hits:
                await self._limiter.clear(_item(hit), hit.key)

    async def give_back(self, hit: Hit) -> None:
        """Take one counted attempt back; if Redis does not answer, time will."""
        key = _item(hit).key_for(hit.key)
        # limits has no word for it; both keep each attempt in a list, the latest first
        if isinstance(self._storage, MemoryStorage):
            if self._storage.events.get(key):
                self._storage.events[key].pop(0)
            return
        bridge: Any = self._storage.bridge
        with suppress(*STORAGE_FAILURES):
            await bridge.get_connection().lpop(bridge.prefixed_key(key))

    async def close(self) -> None:
        """Close the connections to Redis."""
        if isinstance(self._storage, RedisStorage):
            await close_storage(self._storage)

    async def _hit(self, hits: Sequence[Hit]) -> float:
        for hit in hits:
            item = _item(hit)
            if not await self._limiter.hit(item, hit.key):
                window = await self._limiter.get_window_stats(item, hit.key)
                return max(_LEAST_WAIT, window.reset_time - time.time())
        return 0.0


def _item(hit: Hit) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(hit.limit.attempts, int(hit.limit.period.total_seconds()))
