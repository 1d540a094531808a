"""bedplate.metrics.jobs, on both backends"""

import pytest
from tests.metrics.conftest import Scrape

from bedplate.jobs.listening import Backlog, Outcome
from bedplate.metrics.exposition import exposed_registry, render
from bedplate.metrics.metrics import Metrics
from bedplate.metrics.prometheus import PrometheusBackend


def scraped(metrics: Metrics) -> str:
    backend = metrics.backend
    assert isinstance(backend, PrometheusBackend)
    return render(exposed_registry(backend), "text/plain", compressed=False)[0].decode()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(PrometheusBackend())


def test_attempts_are_counted_by_outcome(metrics: Metrics) -> None:
    for outcome in (Outcome.DONE, Outcome.DONE, Outcome.RETRIED):
        metrics.jobs.began("send")
        metrics.jobs.ended("send", outcome, 0.2)
    metrics.jobs.began("send")
    text = scraped(metrics)
    assert 'bedplate_jobs_duration_seconds_count{job="send",outcome="done"} 2.0' in text
    assert 'bedplate_jobs_duration_seconds_count{job="send",outcome="retried"} 1.0' in text
    assert 'bedplate_jobs_running{job="send"} 1.0' in text
    assert Scrape.of(text).value("bedplate_jobs_duration_seconds_sum", outcome="retried") == 0.2


@pytest.mark.unhappy
def test_what_waits_is_shown_and_forgotten_when_it_is_gone(metrics: Metrics) -> None:
    metrics.jobs.measured({"send": Backlog(waiting=3, dead=2, oldest=61.5)})
    text = scraped(metrics)
    assert 'bedplate_jobs_waiting{job="send"} 3.0' in text
    assert 'bedplate_jobs_dead{job="send"} 2.0' in text
    assert 'bedplate_jobs_oldest_seconds{job="send"} 61.5' in text
    metrics.jobs.measured({"send": Backlog()})
    assert 'bedplate_jobs_waiting{job="send"} 0.0' in scraped(metrics)


@pytest.mark.unhappy
def test_nothing_is_measured_where_nobody_reads_it() -> None:
    metrics = Metrics(None)
    metrics.jobs.began("send")
    metrics.jobs.ended("send", Outcome.DEAD, 1.0)
    metrics.jobs.measured({"send": Backlog(1)})
    assert not metrics.enabled
