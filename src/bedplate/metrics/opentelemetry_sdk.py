"""OpenTelemetry's SDK, set up from its own environment variables where nobody else has done so."""

import threading
from time import monotonic
from typing import Any

from bedplate._extras import missing_extra

try:
    from opentelemetry import metrics, trace
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
except ImportError as error:
    raise missing_extra("opentelemetry", "opentelemetry-sdk") from error

__all__ = ["Sdk"]

_PATIENCE = 2.0  # seconds that the end of a process waits for its last numbers and spans
_UNSET = {"ProxyTracerProvider", "_ProxyMeterProvider"}  # there is no other way to ask


class Sdk:
    """The providers of this process: those that are set, or new ones that export by OTLP over HTTP.

    Where to, as what, and how often is said by OpenTelemetry's own variables:
    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER and the others.

    Args:
        meters: whether metrics are wanted.
        tracers: whether traces are wanted.
    """

    def __init__(self, *, meters: bool = False, tracers: bool = False) -> None:
        self._ours: list[Any] = []
        if meters and _is_unset(metrics.get_meter_provider()):
            reader = PeriodicExportingMetricReader(OTLPMetricExporter())
            # the end of the application is waited for, not that of the interpreter besides
            meter_provider = MeterProvider([reader], shutdown_on_exit=False)
            metrics.set_meter_provider(meter_provider)
            self._ours.append(meter_provider)
        if tracers and _is_unset(trace.get_tracer_provider()):
            tracer_provider = TracerProvider(shutdown_on_exit=False)
            tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            trace.set_tracer_provider(tracer_provider)
            self._ours.append(tracer_provider)

    def open(self) -> None:
        """Do nothing: what is exported is exported all the time."""

    def close(self) -> None:
        """Export what is left: a worker process does not do so by itself when it ends."""
        flushing = [
            # the time limit that it takes is not kept: it tries for as long as an export may last
            threading.Thread(target=provider.force_flush, daemon=True)
            for provider in self._ours
        ]
        for thread in flushing:
            thread.start()
        until = monotonic() + _PATIENCE
        for thread in flushing:
            thread.join(max(0.0, until - monotonic()))


def _is_unset(provider: object) -> bool:
    return type(provider).__name__ in _UNSET
