"""Metrics of requests, of the database and of signing in, for Prometheus or OpenTelemetry."""

from bedplate.metrics.metrics import Metrics
from bedplate.metrics.middleware import MetricsMiddleware

__all__ = ["Metrics", "MetricsMiddleware"]
