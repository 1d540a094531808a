"""Who has written lately, remembered in Redis for all processes of a service."""

from collections.abc import Awaitable
from typing import Any

from pydantic import SecretStr

from bedplate._redis import REDIS_FAILURES, redis_pool
from bedplate.errors import UnavailableError

from redis.asyncio import Redis  # isort: skip - behind the sentence that names the extra

__all__ = ["RedisRecentWrites"]

_PREFIX = "written:"
_DIGITS = 20  # of 2^64, so that texts sort as numbers do: those of Redis are not as exact
_REMEMBER = """
local known = redis.call('get', KEYS[1])
local latest = (known and known > ARGV[1]) and known or ARGV[1]
redis.call('set', KEYS[1], latest, 'px', ARGV[2])
return 1
"""


class RedisRecentWrites:
    """Remembers with one command.

    Args:
        url: ``redis://...``, ``rediss://...`` or ``unix://...``.
        timeout: how many seconds Redis has for one answer.
    """

    def __init__(self, url: SecretStr | str, *, timeout: float = 0.5) -> None:
        self._redis: Any = Redis(connection_pool=redis_pool(url, timeout=timeout))
        self._remember = self._redis.register_script(_REMEMBER)

    async def remember(self, caller: str, position: int, seconds: float) -> None:
        """Keep a caller's position, unless a later one is kept.

        Raises:
            UnavailableError: Redis does not answer.
        """
        arguments: list[str | int] = [f"{position:0{_DIGITS}}", int(seconds * 1000)]
        await _asked(self._remember([_PREFIX + caller], arguments))

    async def position(self, caller: str) -> int | None:
        """Give the position that is kept for a caller.

        Raises:
            UnavailableError: Redis does not answer.
        """
        found = await _asked(self._redis.get(_PREFIX + caller))
        return None if found is None else int(found)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)


async def _asked(answer: Awaitable[Any]) -> Any:  # noqa: ANN401 - what Redis returns
    try:
        return await answer
    except REDIS_FAILURES:
        pass  # what they say may repeat the URL
    raise UnavailableError
