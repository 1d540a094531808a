"""bedplate's side: each part alone, and the whole stack as install() makes it."""

from _asgi_request import application
from starlette.types import ASGIApp

from bedplate.asgi import MemoryRateCounter, RateLimit, RateLimitMiddleware, RequestIdMiddleware
from bedplate.integrations._starlette_routes import route_resolver
from bedplate.integrations.starlette import install
from bedplate.metrics import Metrics, MetricsMiddleware
from bedplate.metrics.prometheus import PrometheusBackend
from bedplate.rate import Rate
from bedplate.secret_strength import generate_secret
from bedplate.settings import Environment, ServiceSettings, load_settings

ENDLESS = 10**9


def bare() -> ASGIApp:
    return application()


def request_id() -> ASGIApp:
    return RequestIdMiddleware(application())


def metrics() -> ASGIApp:
    app = application()
    return MetricsMiddleware(app, Metrics(PrometheusBackend()), resolve_route=route_resolver(app))


def rate_limit() -> ASGIApp:
    limit = RateLimit("all", Rate(ENDLESS, 60))
    return RateLimitMiddleware(application(), [limit], MemoryRateCounter())


def whole_stack() -> ASGIApp:
    """Id, context, access log with redaction, metrics, headers, body limit, error boundary."""
    settings = load_settings(
        ServiceSettings,
        _env_file=None,
        environment=Environment.PRODUCTION,
        database_url="postgresql://localhost/unused",
        secret_key=generate_secret(),
    )
    app = application()
    install(app, settings)
    return app
