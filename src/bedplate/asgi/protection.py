"""What the settings say about who the client is, how much it may ask, and what is asked twice."""

from collections.abc import Sequence

from bedplate._extras import needed_by
from bedplate.asgi.forwarded import TrustedProxies
from bedplate.asgi.idempotency import CallerOf, IdempotencyMiddleware
from bedplate.asgi.idempotency_store import (
    FallbackIdempotencyStore,
    IdempotencyStore,
    MemoryIdempotencyStore,
)
from bedplate.asgi.rate_counters import FallbackRateCounter, MemoryRateCounter, RateCounter
from bedplate.asgi.rate_limit import RateLimit, RateLimitMiddleware
from bedplate.asgi.types import ASGIApp
from bedplate.settings import ServiceSettings


def rate_limits_of(settings: ServiceSettings, own: Sequence[RateLimit] = ()) -> list[RateLimit]:
    """Give the limits that hold: none at all where RATE_LIMIT_ENABLED is off.

    Args:
        settings: the service's.
        own: those of the service besides the one for all requests, which is RATE_LIMIT.
    """
    if not settings.rate_limit_enabled:
        return []
    general = [RateLimit("default", settings.rate_limit)] if settings.rate_limit else []
    return [*general, *own]


def rate_counter_of(settings: ServiceSettings) -> RateCounter:
    """Count in Redis if there is one, and in this process without it or while it is down.

    Raises:
        ConfigurationError: REDIS_URL is set, and the extra ``throttle`` is not installed.
    """
    if settings.redis_url is None:
        return MemoryRateCounter()
    with needed_by("REDIS_URL"):
        from bedplate.asgi.rate_counters_redis import RedisRateCounter

    return FallbackRateCounter(RedisRateCounter(settings.redis_url), MemoryRateCounter())


def idempotency_store_of(settings: ServiceSettings) -> IdempotencyStore:
    """Keep answers in Redis if there is one, and in this process without it.

    While Redis is down, a request with a key is refused with 503, or with IDEMPOTENCY_FALLBACK on
    ``process`` kept in this process.

    Raises:
        ConfigurationError: REDIS_URL is set, and the extra ``throttle`` is not installed.
    """
    if settings.redis_url is None:
        return MemoryIdempotencyStore()
    with needed_by("REDIS_URL"):
        from bedplate.asgi.idempotency_redis import RedisIdempotencyStore
    in_redis = RedisIdempotencyStore(settings.redis_url)
    if settings.idempotency_fallback == "refuse":
        return in_redis
    return FallbackIdempotencyStore(in_redis, MemoryIdempotencyStore())


def protected(
    app: ASGIApp,
    settings: ServiceSettings,
    *,
    rate_limits: Sequence[RateLimit] = (),
    caller: CallerOf | None = None,
) -> ASGIApp:
    """Wrap an application in what the settings ask for.

    Args:
        app: the application.
        settings: the service's.
        rate_limits: those of the service besides the one for all requests.
        caller: tells who sends a request, for idempotency keys.
    """
    if settings.idempotency_enabled:
        app = IdempotencyMiddleware(
            app,
            idempotency_store_of(settings),
            settings.secret_key.get_secret_value().encode(),
            caller=caller,
            keep=settings.idempotency_seconds,
        )
    limits = rate_limits_of(settings, rate_limits)
    return RateLimitMiddleware(app, limits, rate_counter_of(settings)) if limits else app


async def close_protected(app: ASGIApp) -> None:
    """Let go of what these layers hold open, where no lifespan passes through them."""
    while isinstance(app, (RateLimitMiddleware, IdempotencyMiddleware)):
        await app.close()
        app = app.app


EXPOSED_HEADERS = (
    "X-Request-ID", "Retry-After", "WWW-Authenticate", "Location", "RateLimit", "RateLimit-Policy",
    "Idempotency-Replayed",
)  # fmt: skip
"""What pages of other origins may read besides the body (CORS)."""


def trusted_proxies_of(settings: ServiceSettings) -> TrustedProxies | None:
    """Give the proxies that are believed, or None if there are none."""
    return TrustedProxies(settings.trusted_proxies) if settings.trusted_proxies else None
