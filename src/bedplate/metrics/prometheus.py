"""Metrics for Prometheus, kept by our own code and shown by its client library.

The library's ``histogram.labels(...).observe(...)`` takes a lock for each bucket and turns each
label into text; here a request costs a look-up and two additions, and text is made when somebody
asks.
"""

import os
import sys
import threading
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator
from typing import override
from weakref import WeakSet

from bedplate._extras import missing_extra
from bedplate.metrics.instruments import Description, Labels

try:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        Metric,
    )
    from prometheus_client.utils import floatToGoString
except ImportError as error:
    raise missing_extra("prometheus", "prometheus-client") from error

from bedplate.metrics.shared_files import SharedFiles

__all__ = ["PrometheusBackend"]

MOST_SERIES = 2_000
"""Sets of labels that one instrument keeps apart, as in OpenTelemetry's SDK; beyond, all are one."""

# An addition to an item of a list calls nothing, and threads take turns only between calls: under
# the GIL it needs no lock, which would cost as much as all the rest.
_NEEDS_LOCK = not getattr(sys, "_is_gil_enabled", lambda: True)()

_OVERFLOW = "_OVERFLOW"
_UNITS = {"s": "seconds", "By": "bytes"}


class PrometheusBackend:
    """All instruments of an application.

    Args:
        files: where several processes keep their numbers together; None for memory.
        most_series: sets of labels that one instrument keeps apart.
    """

    def __init__(self, *, files: SharedFiles | None = None, most_series: int = MOST_SERIES) -> None:
        self.files = files
        self._most_series = most_series
        self._instruments: list[_Instrument] = []
        _backends.add(self)

    def histogram(self, description: Description, bounds: tuple[float, ...]) -> "_Histogram":
        """Make a histogram."""
        return self._keep(_Histogram(description, self.files, self._most_series, bounds))

    def counter(self, description: Description) -> "_Counter":
        """Make a counter."""
        return self._keep(_Counter(description, self.files, self._most_series))

    def gauge(self, description: Description) -> "_Gauge":
        """Make a gauge."""
        return self._keep(_Gauge(description, self.files, self._most_series))

    @property
    def names(self) -> frozenset[str]:
        """What the instruments are called."""
        return frozenset(instrument.name for instrument in self._instruments)

    def collect(self) -> Iterator[Metric]:
        """Give the numbers of this process; those of several are read from their files."""
        for instrument in self._instruments:
            yield instrument.collect()

    def start_anew(self) -> None:
        """Forget what a process counted from which this one was forked."""
        for instrument in self._instruments:
            instrument.start_anew()
        if self.files is not None:
            self.files.start_anew()

    def _keep[I: "_Instrument"](self, instrument: I) -> I:
        self._instruments.append(instrument)
        return instrument


_backends: WeakSet[PrometheusBackend] = WeakSet()


def _start_all_anew() -> None:
    for backend in _backends:
        backend.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all_anew)


class _Series:
    """One set of labels: its cells, and their keys where they are written to a file too."""

    __slots__ = ("cells", "keys")

    def __init__(self, cells: list[float], keys: list[str]) -> None:
        self.cells = cells
        self.keys = keys


class _Instrument(ABC):
    kind = ""

    def __init__(
        self, description: Description, files: SharedFiles | None, most_series: int
    ) -> None:
        unit = _UNITS.get(description.unit, "")
        self.name = description.name.replace(".", "_") + (f"_{unit}" if unit else "")
        self.labels = [label.replace(".", "_") for label in description.labels]
        self._text, self._unit = description.text, unit
        self._files, self._most_series = files, most_series
        self._overflow: Labels = (_OVERFLOW,) * len(self.labels)
        self.start_anew()

    def start_anew(self) -> None:
        """Begin with no series, and with a lock that nobody holds."""
        self._lock = threading.Lock()
        self._alone = self._files is None and not _NEEDS_LOCK
        self._series: dict[Labels, _Series] = {}

    @abstractmethod
    def collect(self) -> Metric:
        """Give what was measured, as the client library writes it."""

    @abstractmethod
    def _cells(self, labels: list[str]) -> list[tuple[str, dict[str, str]]]:
        """Name the cells of a series: suffix of the name, and all labels."""

    def _open(self, labels: Labels) -> _Series:
        """Begin a series; one too many becomes a part of the overflow."""
        with self._lock:
            if len(self._series) >= self._most_series:
                labels = self._overflow
            if (known := self._series.get(labels)) is not None:
                return known
            named = self._cells(_texts(labels))
            keys: list[str] = []
            if self._files is not None:
                keys = [self._files.key(self.name, suffix, of, self._text) for suffix, of in named]
                for key in keys:
                    self._files.write(self.kind, key, 0.0)
            series = self._series[labels] = _Series([0.0] * len(named), keys)
            return series

    def _all(self) -> list[tuple[list[str], list[float]]]:
        with self._lock:
            return [(_texts(labels), series.cells[:]) for labels, series in self._series.items()]


class _Histogram(_Instrument):
    kind = "histogram"

    def __init__(
        self,
        description: Description,
        files: SharedFiles | None,
        most_series: int,
        bounds: tuple[float, ...],
    ) -> None:
        self._bounds = bounds
        self._ends = [*map(floatToGoString, bounds), "+Inf"]
        super().__init__(description, files, most_series)

    def record(self, value: float, labels: Labels) -> None:
        """Add one value: to its bucket, and to the sum in the last cell."""
        series = self._series.get(labels) or self._open(labels)
        cells = series.cells
        bucket = bisect_left(self._bounds, value)
        if self._alone:
            cells[bucket] += 1
            cells[-1] += value
            return
        with self._lock:
            cells[bucket] += 1
            cells[-1] += value
            if self._files is not None:
                self._files.write("histogram", series.keys[bucket], cells[bucket])
                self._files.write("histogram", series.keys[-1], cells[-1])

    @override
    def _cells(self, labels: list[str]) -> list[tuple[str, dict[str, str]]]:
        of = dict(zip(self.labels, labels, strict=True))
        return [*(("_bucket", {**of, "le": end}) for end in self._ends), ("_sum", of)]

    @override
    def collect(self) -> Metric:
        family = HistogramMetricFamily(self.name, self._text, labels=self.labels, unit=self._unit)
        for labels, cells in self._all():
            number = 0.0
            buckets: list[tuple[str, float]] = []
            for end, count in zip(self._ends, cells, strict=False):
                number += count
                buckets.append((end, number))
            family.add_metric(labels, buckets, sum_value=cells[-1])
        return family


class _Counter(_Instrument):
    kind = "counter"

    def count(self, labels: Labels) -> None:
        """Add one."""
        series = self._series.get(labels) or self._open(labels)
        if self._alone:
            series.cells[0] += 1
            return
        with self._lock:
            series.cells[0] += 1
            if self._files is not None:
                self._files.write("counter", series.keys[0], series.cells[0])

    @override
    def _cells(self, labels: list[str]) -> list[tuple[str, dict[str, str]]]:
        return [("_total", dict(zip(self.labels, labels, strict=True)))]

    @override
    def collect(self) -> Metric:
        family = CounterMetricFamily(self.name, self._text, labels=self.labels)
        for labels, (value,) in self._all():
            family.add_metric(labels, value)
        return family


class _Gauge(_Instrument):
    kind = "gauge_livesum"

    def add(self, change: float, labels: Labels) -> None:
        """Change the number."""
        series = self._series.get(labels) or self._open(labels)
        if self._alone:
            series.cells[0] += change
            return
        with self._lock:
            series.cells[0] += change
            if self._files is not None:
                self._files.write("gauge_livesum", series.keys[0], series.cells[0])

    def set(self, value: float, labels: Labels) -> None:
        """Replace the number."""
        series = self._series.get(labels) or self._open(labels)
        with self._lock:
            series.cells[0] = value
            if self._files is not None:
                self._files.write("gauge_livesum", series.keys[0], value)

    @override
    def _cells(self, labels: list[str]) -> list[tuple[str, dict[str, str]]]:
        return [("", dict(zip(self.labels, labels, strict=True)))]

    @override
    def collect(self) -> Metric:
        family = GaugeMetricFamily(self.name, self._text, labels=self.labels)
        for labels, (value,) in self._all():
            family.add_metric(labels, value)
        return family


def _texts(labels: Labels) -> list[str]:
    return ["" if label is None else str(label) for label in labels]
