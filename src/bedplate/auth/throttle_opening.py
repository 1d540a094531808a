"""The store of attempts that the settings ask for, opened and closed again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bedplate._extras import needed_by
from bedplate.auth.models import ThrottleMixin
from bedplate.auth.throttle import FallbackThrottleStore, ThrottleStore
from bedplate.auth.throttle_postgres import PostgresThrottleStore
from bedplate.database import Database
from bedplate.settings import ServiceSettings


@asynccontextmanager
async def open_throttle_store(
    settings: ServiceSettings, database: Database, model: type[ThrottleMixin]
) -> AsyncIterator[ThrottleStore]:
    """Count attempts in Redis if REDIS_URL names one, else in PostgreSQL.

    While Redis does not answer, PostgreSQL counts: people can log in, and not without limit.

    Args:
        settings: the service's.
        database: where the counters are, or wait.
        model: the service's model of ``ThrottleMixin``.

    Raises:
        ConfigurationError: REDIS_URL is set, and the extra ``throttle`` is not installed.
    """
    in_postgres = PostgresThrottleStore(database, model)
    if settings.redis_url is None:
        yield in_postgres
        return
    with needed_by("REDIS_URL"):
        from bedplate.auth.throttle_limits import LimitsThrottleStore
    in_redis = LimitsThrottleStore(settings.redis_url)
    try:
        yield FallbackThrottleStore(in_redis, in_postgres)
    finally:
        await in_redis.close()
