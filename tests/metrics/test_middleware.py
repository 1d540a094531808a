"""The bare core: metrics alone around any ASGI application."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.asgi.conftest import Client
from tests.metrics.conftest import IN_FLIGHT, Scrape

from bedplate.asgi import OperationsMiddleware
from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from bedplate.metrics import Metrics, MetricsMiddleware

START: Message = {"type": "http.response.start", "status": 200, "headers": []}


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    scope["template"] = "/things/{thing}"
    await send(START)
    await send({"type": "http.response.body", "body": b"a", "more_body": True})
    await send({"type": "http.response.body", "body": b"b"})


def route(scope: Scope) -> str | None:
    template: str | None = scope.get("template")
    return template


async def test_any_application_is_measured(metrics: Metrics, read: Callable[[], Scrape]) -> None:
    app = MetricsMiddleware(fine, metrics, resolve_route=route)
    await Client(app)("GET", "/things/5")
    await Client(app)("PURGE", "/things/5")
    assert read().requests() == {
        ("GET", "/things/{thing}", "200", ""): 1,
        ("_OTHER", "/things/{thing}", "200", ""): 1,
    }
    assert read().values(IN_FLIGHT, "http_request_method") == {("GET",): 0, ("_OTHER",): 0}


async def test_what_is_no_request_passes(metrics: Metrics, read: Callable[[], Scrape]) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await MetricsMiddleware(app, metrics)({"type": "lifespan"}, _receive, _send)
    assert seen == ["lifespan"]
    assert read().requests() == {}


async def _receive() -> Message:
    return {"type": "http.request"}


async def _send(_message: Message) -> None:
    return None


@pytest.mark.unhappy
async def test_an_application_mounted_in_another_is_counted_once(
    metrics: Metrics, read: Callable[[], Scrape]
) -> None:
    app = MetricsMiddleware(MetricsMiddleware(fine, metrics), metrics)
    await Client(app)()
    assert sum(read().requests().values()) == 1


async def bug(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError


async def late_bug(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    raise ValueError


async def bug_in_background(scope: Scope, receive: Receive, send: Send) -> None:
    await fine(scope, receive, send)
    raise ValueError


async def silence(scope: Scope, receive: Receive, send: Send) -> None:
    return None


async def half_an_answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)


async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
    raise asyncio.CancelledError


def alone(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    return MetricsMiddleware(app, metrics)


def in_operations(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    return OperationsMiddleware(app, metrics=metrics.requests)


@pytest.mark.unhappy
@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("wrap", "app", "status", "error"),
    [
        (alone, bug, "", "ValueError"),
        (in_operations, bug, "500", "ValueError"),
        (alone, silence, "", "NoResponse"),
        (in_operations, silence, "500", "NoResponse"),
        (alone, half_an_answer, "200", "ClientDisconnect"),
        (in_operations, half_an_answer, "200", "IncompleteResponse"),
        *((wrap, late_bug, "200", "ValueError") for wrap in (alone, in_operations)),
        *((wrap, bug_in_background, "200", "") for wrap in (alone, in_operations)),
        *((wrap, cancelled, "", "CancelledError") for wrap in (alone, in_operations)),
    ],
)
async def test_whatever_goes_wrong_is_counted_once_and_nothing_stays_in_flight(
    wrap: Callable[[ASGIApp, Metrics], ASGIApp],
    app: ASGIApp,
    status: str,
    error: str,
    metrics: Metrics,
    read: Callable[[], Scrape],
) -> None:
    with suppress(ValueError, asyncio.CancelledError):
        await Client(wrap(app, metrics))()
    assert read().requests() == {("GET", "unmatched", status, error): 1}
    assert read().value(IN_FLIGHT) == 0


@pytest.mark.unhappy
async def test_a_request_that_is_measured_elsewhere_is_left_alone(
    read: Callable[[], Scrape], metrics: Metrics
) -> None:
    elsewhere = Metrics(metrics.backend, elsewhere=lambda scope: scope["path"] == "/theirs")
    app = MetricsMiddleware(fine, elsewhere)
    await Client(app)("GET", "/theirs")
    await Client(app)("GET", "/ours")
    assert sum(elsewhere_requests(elsewhere).values()) == 1


def elsewhere_requests(metrics: Metrics) -> dict[Any, float]:
    from bedplate.metrics.exposition import exposed_registry

    return Scrape(exposed_registry(metrics.backend).collect()).requests()  # type: ignore[arg-type]


@pytest.mark.unhappy
async def test_a_websocket_that_fails_is_no_longer_open(
    metrics: Metrics, read: Callable[[], Scrape]
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/accepted":
            await send({"type": "websocket.accept"})
        if scope["path"] == "/denied":
            await send({"type": "websocket.http.response.start", "status": 404})
        raise ValueError

    for path in ("/accepted", "/denied", "/at once"):
        scope: Scope = {"type": "websocket", "path": path, "headers": []}
        with pytest.raises(ValueError):
            await MetricsMiddleware(app, metrics)(scope, _receive, _send)
    found = read().values(
        "websocket_server_connection_duration_seconds_count",
        *("http_response_status_code", "error_type"),
    )
    assert found == {("101", "ValueError"): 1, ("404", "ValueError"): 1, ("403", "ValueError"): 1}
    assert read().value("websocket_server_active_connections") == 0
