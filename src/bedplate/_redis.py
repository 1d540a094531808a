"""How Redis is reached: bounded in time and in connections."""

from pydantic import SecretStr

from bedplate._extras import missing_extra

try:
    from redis.asyncio import BlockingConnectionPool
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError, RedisError  # noqa: A004 - Redis's own
except ModuleNotFoundError as error:
    raise missing_extra("throttle", "redis") from error

REDIS_FAILURES: tuple[type[Exception], ...] = (RedisError, TimeoutError, OSError)
"""What Redis and the way to it raise; the text of these may repeat the URL."""

_CONNECTIONS = 32


def redis_pool(url: SecretStr | str, *, timeout: float) -> BlockingConnectionPool:
    """Make a pool, which connects when it is first used.

    Args:
        url: ``redis://...``, ``rediss://...`` or ``unix://...``.
        timeout: how many seconds Redis has for one answer, and one waits for a free connection.
    """
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        url.get_secret_value() if isinstance(url, SecretStr) else url,
        max_connections=_CONNECTIONS,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        # one more try for a connection that Redis closed meanwhile, none for an answer that did not come
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
    )
    return pool
