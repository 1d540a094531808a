"""FastAPI's own telemetry is seen, and no request is counted twice."""

from typing import Any

import fastapi
import httpx
import pytest
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests.integrations.conftest import Service
from tests.metrics.conftest import Found, Scrape

from bedplate.metrics.exposition import exposed_registry
from bedplate.metrics.prometheus import PrometheusBackend

DURATION = "http.server.request.duration"
OURS = {("GET", "/things/{thing}", "200", ""): 1}

pytest.importorskip("fastapi.telemetry", reason="FastAPI has its own telemetry since 0.142")


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def provider(reader: InMemoryMetricReader) -> Any:
    provider = MeterProvider([reader], shutdown_on_exit=False)
    yield provider
    provider.shutdown()


async def measured(telemetry: dict[str, Any] | None, **settings: Any) -> Found:
    """Send one request, and give what we counted."""
    app = fastapi.FastAPI(telemetry=telemetry)  # type: ignore[arg-type]

    @app.get("/things/{thing}")
    async def thing(thing: int) -> int:
        return thing

    Service().install(app, **settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/things/5")).status_code == 200
    backend = app.state.metrics.backend
    if not isinstance(backend, PrometheusBackend):
        return {}
    return Scrape(exposed_registry(backend).collect()).requests()


def counted(reader: InMemoryMetricReader) -> int:
    """Give how many requests were given to OpenTelemetry, by whomever."""
    data = reader.get_metrics_data()
    points: list[Any] = [
        point
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == DURATION
        for point in metric.data.data_points
    ]
    return sum(point.count for point in points)


async def test_without_a_meter_provider_the_requests_are_ours() -> None:
    assert await measured(None) == OURS


@pytest.mark.unhappy
async def test_what_fastapi_measures_is_not_measured_again(
    provider: MeterProvider, reader: InMemoryMetricReader
) -> None:
    assert await measured({"meter_provider": provider}) == {}
    assert counted(reader) == 1


@pytest.mark.unhappy
async def test_who_asks_for_prometheus_by_name_has_both(
    provider: MeterProvider, reader: InMemoryMetricReader
) -> None:
    assert await measured({"meter_provider": provider}, metrics_backend="prometheus") == OURS
    assert counted(reader) == 1


@pytest.mark.unhappy
async def test_in_one_provider_there_is_one_histogram(
    provider: MeterProvider, reader: InMemoryMetricReader, mocker: Any
) -> None:
    mocker.patch("opentelemetry.metrics._internal._METER_PROVIDER", provider)
    await measured(None, metrics_backend="opentelemetry")
    assert counted(reader) == 1
    await measured({"metrics": False}, metrics_backend="opentelemetry")
    assert counted(reader) == 2


@pytest.mark.unhappy
@pytest.mark.parametrize("without", ["metrics", "meter", "this request"])
async def test_what_fastapi_does_not_measure_is_ours(
    without: str, provider: MeterProvider, reader: InMemoryMetricReader
) -> None:
    from opentelemetry.sdk.trace import TracerProvider

    kinds: dict[str, dict[str, Any]] = {
        "metrics": {"meter_provider": provider, "metrics": False},
        "meter": {"meter_provider": NoOpMeterProvider()},
        "this request": {"meter_provider": provider, "exclude": lambda _scope: True},
    }
    spans = {"tracer_provider": TracerProvider(shutdown_on_exit=False)}
    assert await measured({**kinds[without], **spans}) == OURS
    assert counted(reader) == 0
