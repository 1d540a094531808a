"""What a scrape is answered: our numbers, and whatever else the service gives to prometheus_client."""

import gzip
import os
from collections.abc import Iterator
from typing import Any, cast

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from bedplate.logging import get_logger
from bedplate.metrics.prometheus import PrometheusBackend
from bedplate.metrics.workers import VARIABLE

__all__ = ["exposed_registry", "render"]

_OF_THE_PROCESS = ("process_", "python_")
_log = get_logger(__name__)


def render(registry: CollectorRegistry, accept: str, *, compressed: bool) -> tuple[bytes, str]:
    """Write all numbers down.

    Args:
        registry: what is written.
        accept: the Accept header, which chooses between Prometheus' text and OpenMetrics.
        compressed: whether gzip may be used.

    Returns:
        The text, and its content type.
    """
    encode, content_type = choose_encoder(accept)
    text = encode(registry)
    return (gzip.compress(text, 5) if compressed else text), content_type


def exposed_registry(backend: PrometheusBackend) -> CollectorRegistry:
    """Give the registry that is exposed: the backend, and the process's own registry beside it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(cast("Any", _Everything(backend)))  # it asks for no more than collect()
    return registry


class _Everything:
    """What is shown, each name once.

    In one process: our numbers, and those that the service's own code and prometheus_client keep
    in its default registry. With several: what all of them wrote to the files they share.
    """

    def __init__(self, backend: PrometheusBackend) -> None:
        self._backend = backend
        self._warned = False

    def collect(self) -> Iterator[Metric]:
        files = self._backend.files
        if files is not None:
            self._warn_of_what_is_left_out()
            yield from files.collect()
            return
        yield from self._backend.collect()
        ours = self._backend.names
        for metric in REGISTRY.collect():
            if metric.name not in ours:  # OpenTelemetry's exporter may show the same
                yield metric

    def _warn_of_what_is_left_out(self) -> None:
        """Say once that numbers of one worker alone are not shown: they would change with each look."""
        if self._warned or os.environ.get(VARIABLE):
            return
        self._warned = True
        names = [metric.name for metric in REGISTRY.collect()]
        left_out = [name for name in names if not name.startswith(_OF_THE_PROCESS)]
        if left_out:
            _log.warning(f"metrics of single workers are left out; set {VARIABLE}", names=left_out)
