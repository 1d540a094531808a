"""Redis as the package ``limits`` counts in it."""

from typing import Any

from pydantic import SecretStr

from bedplate._extras import missing_extra
from bedplate._redis import REDIS_FAILURES, redis_pool

try:
    from limits.aio.storage import RedisStorage
    from limits.errors import StorageError
except ModuleNotFoundError as error:
    raise missing_extra("throttle", "limits") from error

# limits wraps them in most methods, not in all
STORAGE_FAILURES: tuple[type[Exception], ...] = (StorageError, *REDIS_FAILURES)


def redis_storage(url: SecretStr | str, *, timeout: float) -> RedisStorage:
    """Make a storage; it connects when it is first used.

    Args:
        url: ``redis://...``, ``rediss://...`` or ``unix://...``.
        timeout: how many seconds Redis has for one answer.
    """
    pool: Any = redis_pool(url, timeout=timeout)
    # the URL here is only of the right kind: where to connect, the pool knows
    return RedisStorage(
        "redis://localhost:6379",
        wrap_exceptions=True,
        implementation="redispy",
        connection_pool=pool,
    )


async def close_storage(storage: RedisStorage) -> None:
    """Close its connections."""
    bridge: Any = storage.bridge
    await bridge.get_connection().aclose(close_connection_pool=True)
