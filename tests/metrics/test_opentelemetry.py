"""The same numbers, given to OpenTelemetry's SDK."""

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests.asgi.conftest import Client

from bedplate.asgi.types import Receive, Scope, Send
from bedplate.auth.events import AuthEvent
from bedplate.database import Database
from bedplate.jobs.listening import Backlog, Outcome
from bedplate.metrics import Metrics, MetricsMiddleware
from bedplate.metrics.instruments import Description
from bedplate.metrics.opentelemetry import SCHEMA_URL, OpenTelemetryBackend


class Reading:
    """What the SDK would export."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader], shutdown_on_exit=False)

    def points(self, name: str) -> dict[tuple[Any, ...], Any]:
        """Give the points of a metric by their attributes."""
        data = self.reader.get_metrics_data()
        return {
            tuple(sorted((point.attributes or {}).items())): point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            if scope.scope.name == "bedplate" and scope.schema_url == SCHEMA_URL
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }


@pytest.fixture
def reading() -> Any:
    reading = Reading()
    yield reading
    reading.provider.shutdown()


@pytest.fixture
def metrics(reading: Reading) -> Metrics:
    return Metrics(OpenTelemetryBackend(reading.provider))


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/bug":
        raise ValueError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_a_request_is_a_point_with_the_attributes_of_the_conventions(
    reading: Reading, metrics: Metrics
) -> None:
    await Client(MetricsMiddleware(app, metrics))()
    (attributes,) = found = reading.points("http.server.request.duration")
    assert dict(attributes) == {
        "http.request.method": "GET",
        "http.route": "unmatched",
        "http.response.status_code": 200,
    }
    assert found[attributes].count == 1
    assert found[attributes].explicit_bounds[:2] == (0.005, 0.01)
    ((_, active),) = reading.points("http.server.active_requests").items()
    assert active.value == 0


async def test_the_database_and_logins_are_measured_too(
    reading: Reading, metrics: Metrics, committed_database: Database
) -> None:
    async with Database(committed_database.engine.url, pool_size=3) as database:
        with metrics.watching(database, "replica"):
            await database.ping()
            used = reading.points("db.client.connection.count")
            most = reading.points("db.client.connection.max")
    metrics.auth(AuthEvent.LOGIN_REFUSED)
    of = ("db.client.connection.pool.name", "replica")
    assert used[of, ("db.client.connection.state", "idle")].value == 1
    assert most[of,].value == 3
    ((attributes, point),) = reading.points("db.client.operation.duration").items()
    assert dict(attributes) == {"db.operation.name": "SELECT", "db.system.name": "postgresql"}
    assert point.count == 1
    assert reading.points("bedplate.auth.logins")[("outcome", "refused"),].value == 1


@pytest.mark.unhappy
async def test_what_does_not_apply_is_no_attribute(reading: Reading, metrics: Metrics) -> None:
    with pytest.raises(ValueError):
        await Client(MetricsMiddleware(app, metrics))("GET", "/bug")
    ((attributes, _),) = reading.points("http.server.request.duration").items()
    assert dict(attributes).keys() == {"http.request.method", "http.route", "error.type"}


@pytest.mark.unhappy
def test_a_gauge_that_is_set_again_is_not_added_up(reading: Reading) -> None:
    level = OpenTelemetryBackend(reading.provider).gauge(
        Description(name="a.level", text="How many.", labels=("kind",))
    )
    for value in (5, 5, 2, 7):
        level.set(value, ("x",))
    assert reading.points("a.level")[("kind", "x"),].value == 7


@pytest.mark.unhappy
async def test_without_an_sdk_nothing_is_kept_and_nothing_fails() -> None:
    await Client(MetricsMiddleware(app, Metrics(OpenTelemetryBackend())))()


@pytest.mark.unhappy
async def test_after_the_database_is_closed_its_pool_is_empty(
    reading: Reading, metrics: Metrics, committed_database: Database
) -> None:
    async with Database(committed_database.engine.url, pool_size=3) as database:
        with metrics.watching(database):
            await database.ping()
    values = {point.value for point in reading.points("db.client.connection.count").values()}
    assert values == {0}


@pytest.mark.unhappy
async def test_jobs_that_fail_are_points_by_their_outcome(
    reading: Reading, metrics: Metrics
) -> None:
    metrics.jobs.began("send")
    metrics.jobs.ended("send", Outcome.RETRIED, 2.0)
    metrics.jobs.measured({"send": Backlog(waiting=3, oldest=7.5)})
    [(attributes, point)] = reading.points("bedplate.jobs.duration").items()
    assert attributes == (("job", "send"), ("outcome", "retried"))
    assert (point.count, point.sum) == (1, 2.0)
    [oldest] = reading.points("bedplate.jobs.oldest").values()
    assert oldest.value == 7.5
