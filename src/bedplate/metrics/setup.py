"""The metrics and traces that a service's settings ask for, and where they are shown."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bedplate._extras import missing_extra
from bedplate.asgi.operations import RouteResolver
from bedplate.asgi.types import ASGIApp, Scope
from bedplate.metrics.alongside import Companion, alongside
from bedplate.metrics.metrics import Metrics
from bedplate.metrics.requests import RequestMetrics, nobody_else
from bedplate.settings import ServiceSettings

if TYPE_CHECKING:
    from bedplate.metrics.traces import Traces

__all__ = ["Exposed", "metrics_of"]


@dataclass(frozen=True, slots=True)
class Exposed:
    """Metrics and traces, and what an application needs around it for them."""

    metrics: Metrics
    endpoint: ASGIApp | None = None
    """What answers at ``/metrics``."""
    companions: tuple[Companion, ...] = ()
    """What is opened and closed with the application."""

    @property
    def requests(self) -> RequestMetrics | None:
        """What measures each request, for ``OperationsMiddleware``."""
        return self.metrics.requests if self.metrics.enabled else None

    def traced(self, app: ASGIApp, resolve_route: RouteResolver) -> ASGIApp:
        """Make spans of an application's requests, where traces are on."""
        if self.metrics.traces is None:
            return app
        from bedplate.metrics.traces import TracesMiddleware

        return TracesMiddleware(app, self.metrics.traces, resolve_route=resolve_route)

    def accompanied(self, app: ASGIApp) -> ASGIApp:
        """Open and close what belongs to an application by the lifespan that passes through it."""
        return alongside(app, self.companions) if self.companions else app


def metrics_of(
    settings: ServiceSettings, *, elsewhere: Callable[[Scope], bool] = nobody_else
) -> Exposed:
    """Make the metrics and traces that the settings ask for.

    Args:
        settings: the service's.
        elsewhere: tells whether another instrumentation measures a request already; who asks for
            Prometheus by name has both.

    Raises:
        MissingExtraError: the settings name a backend whose extra is not installed.
    """
    wants_traces = settings.traces_backend == "opentelemetry"
    wants_metrics = settings.metrics_backend == "opentelemetry"
    companions: tuple[Companion, ...] = ()
    if wants_traces or wants_metrics:
        from bedplate.metrics.opentelemetry_sdk import Sdk

        companions = (Sdk(meters=wants_metrics, tracers=wants_traces),)
    exposed = _metrics(settings, elsewhere, _traces() if wants_traces else None)
    return replace(exposed, companions=(*companions, *exposed.companions))


def _metrics(
    settings: ServiceSettings, elsewhere: Callable[[Scope], bool], traces: "Traces | None"
) -> Exposed:
    backend = settings.metrics_backend
    if backend == "off" or (backend == "auto" and not _has_prometheus()):
        return Exposed(Metrics(None, traces=traces))
    if backend == "opentelemetry":
        from bedplate.metrics.opentelemetry import OpenTelemetryBackend

        return Exposed(Metrics(OpenTelemetryBackend(), elsewhere=elsewhere, traces=traces))
    return _prometheus(settings, elsewhere if backend == "auto" else nobody_else, traces)


def _prometheus(
    settings: ServiceSettings, elsewhere: Callable[[Scope], bool], traces: "Traces | None"
) -> Exposed:
    if not _has_prometheus():
        raise missing_extra("prometheus", "prometheus-client")
    from bedplate.metrics.endpoint import MetricsApp
    from bedplate.metrics.exposition import exposed_registry
    from bedplate.metrics.port import MetricsPort
    from bedplate.metrics.prometheus import PrometheusBackend
    from bedplate.metrics.shared_files import SharedFiles
    from bedplate.metrics.workers import shared_folder

    folder = shared_folder()
    backend = PrometheusBackend(files=SharedFiles(folder) if folder is not None else None)
    metrics = Metrics(backend, elsewhere=elsewhere, traces=traces)
    registry = exposed_registry(backend)
    if settings.metrics_port is None:
        return Exposed(metrics, MetricsApp(registry, open_to_all=settings.metrics_open))
    port = MetricsPort(
        registry, settings.metrics_host, settings.metrics_port, shared=folder is not None
    )
    return Exposed(metrics, companions=(port,))


def _traces() -> "Traces":
    from bedplate.metrics.traces import Traces

    return Traces()


def _has_prometheus() -> bool:
    return find_spec("prometheus_client") is not None
