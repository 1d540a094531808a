"""Answers to requests with an idempotency key kept in Redis, for all instances of a service."""

from collections.abc import Awaitable
from typing import Any

from pydantic import SecretStr
from redis.asyncio import Redis

from bedplate._redis import REDIS_FAILURES, redis_pool
from bedplate.errors import UnavailableError

_PREFIX = "idempotency:"
_BEGIN = """
local present = redis.call('get', KEYS[1])
if present then return present end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return false
"""
_REPLACE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
return 1
"""
_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
return 0
"""


class RedisIdempotencyStore:
    """Keeps with one command for each change, which Redis performs as a whole.

    Args:
        url: ``redis://...``, ``rediss://...`` or ``unix://...``.
        timeout: how many seconds Redis has for one answer.
    """

    def __init__(self, url: SecretStr | str, *, timeout: float = 2.0) -> None:
        self._redis: Any = Redis(connection_pool=redis_pool(url, timeout=timeout))
        self._begin = self._redis.register_script(_BEGIN)
        self._replace = self._redis.register_script(_REPLACE)
        self._release = self._redis.register_script(_RELEASE)

    async def begin(self, key: str, claim: bytes, seconds: float) -> bytes | None:
        """Put a claim where nothing is, or give what is there.

        Raises:
            UnavailableError: Redis does not answer.
        """
        found = await _asked(self._begin([_PREFIX + key], [claim, int(seconds * 1000)]))
        return bytes(found) if found else None

    async def replace(self, key: str, claim: bytes, value: bytes, seconds: float) -> bool:
        """Put a value in the place of a claim, and tell whether the claim was still there.

        Raises:
            UnavailableError: Redis does not answer.
        """
        arguments: list[bytes | int] = [claim, value, int(seconds * 1000)]
        return bool(await _asked(self._replace([_PREFIX + key], arguments)))

    async def release(self, key: str, claim: bytes) -> None:
        """Take a claim away, if it is still there.

        Raises:
            UnavailableError: Redis does not answer.
        """
        await _asked(self._release([_PREFIX + key], [claim]))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)


async def _asked(answer: Awaitable[Any]) -> Any:  # noqa: ANN401 - what a script returns
    try:
        return await answer
    except REDIS_FAILURES:
        pass  # what they say may repeat the URL
    raise UnavailableError
