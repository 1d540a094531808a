"""Metrics as a Prometheus server reads them."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from bedplate.logging import configure_logging
from bedplate.metrics import Metrics
from bedplate.metrics.exposition import exposed_registry
from bedplate.metrics.prometheus import PrometheusBackend

type Found = dict[tuple[str, ...], float]

REQUESTS = "http_server_request_duration_seconds_count"
REQUEST_LABELS = ("http_request_method", "http_route", "http_response_status_code", "error_type")
IN_FLIGHT = "http_server_active_requests"


class Scrape:
    """One answer of ``/metrics``, parsed by prometheus_client's own parser."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.families = list(families)

    @classmethod
    def of(cls, text: str) -> "Scrape":
        """Parse Prometheus' text format."""
        return cls(parse(text))

    def values(self, name: str, *labels: str) -> Found:
        """Give the samples of a name by the values of these labels."""
        return {
            tuple(sample.labels[label] for label in labels): sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == name
        }

    def value(self, sample_name: str, **labels: str) -> float:
        """Give the one sample with these labels."""
        (value,) = [
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == sample_name and labels.items() <= sample.labels.items()
        ]
        return value

    def requests(self) -> Found:
        """Give how many requests there were, by method, route, status and error."""
        return self.values(REQUESTS, *REQUEST_LABELS)


def scrape(registry: CollectorRegistry) -> Scrape:
    """Write a registry down in both formats, and read them again."""
    text = Scrape.of(generate_latest(registry).decode())
    open_text = Scrape(parse_openmetrics(generate_openmetrics(registry).decode()))
    assert _numbers(text) == _numbers(open_text)
    return text


def _numbers(found: Scrape) -> dict[Any, float]:
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in found.families
        for sample in family.samples
        if not sample.name.startswith(("process_", "python_"))
    }


@pytest.fixture
def quiet() -> Iterator[None]:
    """Let what is logged meanwhile be seen by nobody."""
    configure_logging("CRITICAL", json=True, stream=io.StringIO())
    yield
    configure_logging("INFO", json=True)


@pytest.fixture
def backend() -> PrometheusBackend:
    return PrometheusBackend()


@pytest.fixture
def metrics(backend: PrometheusBackend) -> Metrics:
    return Metrics(backend)


@pytest.fixture
def read(backend: PrometheusBackend) -> Callable[[], Scrape]:
    """Scrape what the fixture ``metrics`` holds."""
    registry = exposed_registry(backend)
    return lambda: scrape(registry)
