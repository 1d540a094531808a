"""Metrics by OpenTelemetry's API, exported by whatever its SDK is configured with."""

import threading

from bedplate import __version__
from bedplate._extras import missing_extra
from bedplate.metrics.instruments import Description, Labels

try:
    from opentelemetry import metrics
except ImportError as error:
    raise missing_extra("opentelemetry", "opentelemetry-api") from error

__all__ = ["SCHEMA_URL", "OpenTelemetryBackend"]

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
"""The semantic conventions that names and labels are taken from."""


class OpenTelemetryBackend:
    """Instruments of a meter.

    Args:
        provider: gives the meter; None for the one that is set for the process.
    """

    def __init__(self, provider: metrics.MeterProvider | None = None) -> None:
        self._meter = metrics.get_meter("bedplate", __version__, provider, SCHEMA_URL)

    def histogram(self, description: Description, bounds: tuple[float, ...]) -> "_Histogram":
        """Make a histogram."""
        instrument = self._meter.create_histogram(
            description.name,
            unit=description.unit,
            description=description.text,
            explicit_bucket_boundaries_advisory=list(bounds),
        )
        return _Histogram(instrument, description.labels)

    def counter(self, description: Description) -> "_Counter":
        """Make a counter."""
        instrument = self._meter.create_counter(
            description.name, unit=description.unit, description=description.text
        )
        return _Counter(instrument, description.labels)

    def gauge(self, description: Description) -> "_Gauge":
        """Make a gauge: a number that several processes' exporters may add up."""
        instrument = self._meter.create_up_down_counter(
            description.name, unit=description.unit, description=description.text
        )
        return _Gauge(instrument, description.labels)


class _Histogram:
    def __init__(self, instrument: metrics.Histogram, names: tuple[str, ...]) -> None:
        self._instrument, self._names = instrument, names

    def record(self, value: float, labels: Labels) -> None:
        """Add one value."""
        self._instrument.record(value, _attributes(self._names, labels))


class _Counter:
    def __init__(self, instrument: metrics.Counter, names: tuple[str, ...]) -> None:
        self._instrument, self._names = instrument, names

    def count(self, labels: Labels) -> None:
        """Add one."""
        self._instrument.add(1, _attributes(self._names, labels))


class _Gauge:
    def __init__(self, instrument: metrics.UpDownCounter, names: tuple[str, ...]) -> None:
        self._instrument, self._names = instrument, names
        self._set: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def add(self, change: float, labels: Labels) -> None:
        """Change the number."""
        self._instrument.add(change, _attributes(self._names, labels))

    def set(self, value: float, labels: Labels) -> None:
        """Replace the number."""
        with self._lock:
            change = value - self._set.get(labels, 0)
            self._set[labels] = value
        if change:
            self.add(change, labels)


def _attributes(names: tuple[str, ...], labels: Labels) -> dict[str, str | int]:
    return {name: value for name, value in zip(names, labels, strict=True) if value is not None}
