"""Metrics of a Starlette application: made by the settings, shown, and found at ``app.state``."""

from starlette.applications import Starlette
from starlette.routing import Route

from bedplate.integrations._fastapi_telemetry import measures_by_itself
from bedplate.metrics.setup import Exposed, metrics_of
from bedplate.settings import ServiceSettings

PATH = "/metrics"


def add_metrics(app: Starlette, settings: ServiceSettings) -> Exposed:
    """Make the metrics, leave them at ``app.state.metrics``, and let ``/metrics`` answer.

    A route of the service's own at that path is kept.

    Raises:
        MissingExtraError: the settings name a backend whose extra is not installed.
    """
    exposed = metrics_of(settings, elsewhere=measures_by_itself(app))
    app.state.metrics = exposed.metrics
    taken = any(getattr(route, "path", None) == PATH for route in app.router.routes)
    if exposed.endpoint is not None and not taken:
        app.router.routes.append(Route(PATH, exposed.endpoint, include_in_schema=False))
    return exposed
