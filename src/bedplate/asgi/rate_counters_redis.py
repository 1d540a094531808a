"""Requests counted in Redis, by all instances of a service together."""

import time
import zlib
from collections.abc import Callable

from pydantic import SecretStr

from bedplate._redis_storage import STORAGE_FAILURES, close_storage, redis_storage
from bedplate.asgi.rate_counters import Count
from bedplate.errors import UnavailableError

_SPREAD = 1 << 32


class RedisRateCounter:
    """Counts with one command for each request.

    The windows follow the clock, so that every instance knows when one ends without asking. They
    begin at another moment for each key, so that not all clients come back at once.

    Args:
        url: ``redis://...``, ``rediss://...`` or ``unix://...``.
        timeout: how many seconds Redis has for one answer: a request waits that long at most.
        clock: gives seconds since 1970, about the same at all instances.
    """

    def __init__(
        self,
        url: SecretStr | str,
        *,
        timeout: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage = redis_storage(url, timeout=timeout)
        self._clock = clock

    async def count(self, key: str, seconds: int) -> Count:
        """Count one more.

        Raises:
            UnavailableError: Redis does not answer.
        """
        shift = zlib.crc32(key.encode("utf-8", "surrogatepass")) * seconds / _SPREAD
        window, elapsed = divmod(self._clock() + shift, seconds)
        try:
            used = await self._storage.incr(f"rate:{key}:{int(window)}", seconds + 1)
        except STORAGE_FAILURES:
            pass  # what they say may repeat the URL
        else:
            return used, seconds - elapsed
        raise UnavailableError

    async def close(self) -> None:
        """Close the connections."""
        await close_storage(self._storage)
