"""The small interface that every backend of metrics fills: histograms, counters, gauges.

Names and labels are OpenTelemetry's (semantic conventions 1.44); each backend spells them its way.
"""

from dataclasses import dataclass
from typing import Protocol

type Labels = tuple[str | int | None, ...]
"""Values in the order of an instrument's label names; None where one does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is measured."""

    name: str
    """As OpenTelemetry writes it: ``http.server.request.duration``."""
    text: str
    unit: str = ""
    """``s`` for seconds, or a thing that is counted in braces: ``{request}``."""
    labels: tuple[str, ...] = ()


class Histogram(Protocol):
    """Values by size, with their sum and their number."""

    def record(self, value: float, labels: Labels) -> None:
        """Add one value."""
        ...


class Counter(Protocol):
    """A number that only grows."""

    def count(self, labels: Labels) -> None:
        """Add one."""
        ...


class Gauge(Protocol):
    """A number that goes up and down; those of several processes are added up."""

    def add(self, change: float, labels: Labels) -> None:
        """Change the number."""
        ...

    def set(self, value: float, labels: Labels) -> None:
        """Replace the number."""
        ...


class Backend(Protocol):
    """Makes instruments; each name once."""

    def histogram(self, description: Description, bounds: tuple[float, ...]) -> Histogram:
        """Make a histogram whose buckets end at ``bounds``, in the instrument's unit."""
        ...

    def counter(self, description: Description) -> Counter:
        """Make a counter."""
        ...

    def gauge(self, description: Description) -> Gauge:
        """Make a gauge."""
        ...


class Silence:
    """The backend, and every instrument, of a service that measures nothing."""

    def histogram(self, description: Description, bounds: tuple[float, ...]) -> "Silence":
        """Give what forgets."""
        del description, bounds
        return self

    def counter(self, description: Description) -> "Silence":
        """Give what forgets."""
        del description
        return self

    gauge = counter

    def record(self, value: float, labels: Labels) -> None:
        """Forget it."""

    def count(self, labels: Labels) -> None:
        """Forget it."""

    add = set = record
