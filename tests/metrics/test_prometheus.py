"""The numbers that Prometheus reads are those that were recorded."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import Metric
from tests.metrics.conftest import Scrape, scrape

from bedplate.metrics.exposition import exposed_registry
from bedplate.metrics.instruments import Description, Silence
from bedplate.metrics.prometheus import PrometheusBackend

BOUNDS = (0.1, 1.0, 10.0)
WAIT = Description(name="a.wait", text="How long.", unit="s", labels=("kind", "error.type"))
COUNT = Description(name="a.count", text="How often.", labels=("kind",))
LEVEL = Description(name="a.level", text="How many.", labels=("kind",))


def _samples(metrics: list[Metric]) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for metric in metrics
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


@given(st.lists(st.floats(min_value=0, max_value=1e9) | st.sampled_from(BOUNDS)))
def test_a_histogram_holds_what_the_client_librarys_own_holds(values: list[float]) -> None:
    registry = CollectorRegistry()
    theirs = Histogram("a_wait_seconds", "How long.", registry=registry, buckets=BOUNDS)
    backend = PrometheusBackend()
    ours = backend.histogram(Description(name="a.wait", text="How long.", unit="s"), BOUNDS)
    for value in values:
        theirs.observe(value)
        ours.record(value, ())
    expected = _samples(list(registry.collect()))
    assert _samples(list(backend.collect())) == pytest.approx(expected if values else {})


def test_names_and_labels_are_spelled_as_prometheus_does(
    backend: PrometheusBackend, read: Callable[[], Scrape]
) -> None:
    backend.histogram(WAIT, BOUNDS).record(0.5, ("x", None))
    counter, gauge = backend.counter(COUNT), backend.gauge(LEVEL)
    counter.count(("x",))
    counter.count(("x",))
    gauge.set(5, ("x",))
    gauge.add(-2, ("x",))
    found = read()
    assert found.value("a_wait_seconds_sum", kind="x", error_type="") == 0.5
    assert found.value("a_count_total", kind="x") == 2
    assert found.value("a_level", kind="x") == 3


@pytest.mark.unhappy
@given(st.text())
def test_no_label_breaks_the_format(value: str) -> None:
    backend = PrometheusBackend()
    backend.counter(COUNT).count((value,))
    text = value.encode("utf-8", "replace").decode()  # the format is UTF-8
    found = scrape(exposed_registry(backend)).values("a_count_total", "kind")
    assert found == {(text,): 1}


@pytest.mark.unhappy
def test_of_threads_at_once_every_record_counts(
    backend: PrometheusBackend, read: Callable[[], Scrape]
) -> None:
    histogram, gauge = backend.histogram(WAIT, BOUNDS), backend.gauge(LEVEL)

    def work(number: int) -> None:
        for _ in range(2_000):
            histogram.record(1, (f"kind {number % 3}", None))
            gauge.add(1, ("x",))
            gauge.add(-1, ("x",))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    found = read()
    assert sum(found.values("a_wait_seconds_count", "kind").values()) == 16_000
    assert sum(found.values("a_wait_seconds_sum", "kind").values()) == 16_000
    assert found.value("a_level") == 0


@pytest.mark.unhappy
def test_more_series_than_allowed_are_one() -> None:
    backend = PrometheusBackend(most_series=10)
    histogram = backend.histogram(WAIT, BOUNDS)
    for number in range(500):
        histogram.record(0.5, (f"kind {number}", None))
    found = scrape(exposed_registry(backend)).values("a_wait_seconds_count", "kind", "error_type")
    assert len(found) == 11
    assert found["_OVERFLOW", "_OVERFLOW"] == 490


FORKED = """
import os, sys
from bedplate.metrics.instruments import Description
from bedplate.metrics.prometheus import PrometheusBackend

backend = PrometheusBackend()
counter = backend.counter(Description(name="a.count", text="How often.", labels=("kind",)))
counter.count(("before",))
if (child := os.fork()) == 0:
    counter.count(("after",))
    (metric,) = backend.collect()
    print([(sample.labels, sample.value) for sample in metric.samples])
else:
    os.waitpid(child, 0)
"""


@pytest.mark.unhappy
def test_a_forked_process_does_not_count_again_what_its_parent_did() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[({'kind': 'after'}, 1.0)]\n"


@pytest.mark.unhappy
def test_who_measures_nothing_is_told_nothing() -> None:
    silence = Silence()
    silence.histogram(WAIT, BOUNDS).record(1, ("x", None))
    silence.counter(COUNT).count(("x",))
    gauge = silence.gauge(LEVEL)
    gauge.set(1, ("x",))
    gauge.add(1, ("x",))
