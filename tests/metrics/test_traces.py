"""Spans of requests and of the database, on every framework."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import fastapi
import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import text
from tests.asgi.conftest import Client
from tests.integrations.conftest import Service
from tests.integrations.frameworks import CANARY, FRAMEWORKS, Framework

from bedplate.asgi.types import Receive, Scope, Send
from bedplate.context import RequestContext, current_context, request_context
from bedplate.database import Database
from bedplate.errors import InvalidDataError
from bedplate.metrics import Metrics
from bedplate.metrics.traces import Traces, TracesMiddleware

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE_ID = int(PARENT[3:35], 16)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Callable[[], list[ReadableSpan]]:
    return lambda: list(exporter.get_finished_spans())


@pytest.fixture
def traced(provider: TracerProvider, mocker: Any) -> Callable[..., Any]:
    """Make an application of a framework whose requests are traced."""
    mocker.patch("bedplate.metrics.setup._traces", return_value=Traces(provider))
    mocker.patch("opentelemetry.trace._TRACER_PROVIDER", provider)

    def make(framework: Framework, app: Any = None, **settings: Any) -> Any:
        app = app or framework.make()
        if hasattr(app, "_telemetry"):  # a newer FastAPI has spans of its own where it may
            app._telemetry["tracing"] = False
        options = {"traces_backend": "opentelemetry", **settings}
        return Service().install(app, install=framework.install, **options)

    return make


async def call(app: Any, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.name)
async def test_a_request_is_a_span_of_the_callers_trace(
    framework: Framework, traced: Callable[..., Any], spans: Callable[[], list[ReadableSpan]]
) -> None:
    answer = await call(traced(framework), "/items/7/parts/door?q=canary", traceparent=PARENT)
    (span,) = spans()
    assert (span.name, span.kind) == ("GET /items/{number}/parts/{name}", SpanKind.SERVER)
    assert span.context.trace_id == TRACE_ID
    assert span.parent is not None
    assert span.parent.span_id == int(PARENT[36:52], 16)
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/items/{number}/parts/{name}",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "url.path": "/items/7/parts/door",
        "url.scheme": "http",
    }
    assert span.status.status_code is StatusCode.UNSET
    assert answer.headers["x-request-id"] == f"{TRACE_ID:032x}"


async def test_operations_of_the_database_are_its_children(
    provider: TracerProvider,
    spans: Callable[[], list[ReadableSpan]],
    committed_database: Database,
) -> None:
    metrics = Metrics(None, traces=Traces(provider))
    told: list[str | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with committed_database.engine.begin() as connection:
            await connection.execute(text("SELECT 'canary'"))
        context = current_context()
        told.append(context.traceparent if context else None)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    assert metrics.traces is not None
    traced = TracesMiddleware(app, metrics.traces, resolve_route=lambda _scope: None)
    with metrics.watching(committed_database), request_context(RequestContext("request-1")):
        await Client(traced)()
    select, commit, request = spans()
    assert [span.name for span in (select, commit, request)] == ["SELECT", "COMMIT", "GET"]
    assert {span.parent and span.parent.span_id for span in (select, commit)} == {
        request.context.span_id
    }
    assert (select.kind, select.context.trace_id) == (SpanKind.CLIENT, request.context.trace_id)
    attributes = dict(select.attributes or {})
    assert attributes["db.system.name"] == "postgresql"
    assert attributes["db.operation.name"] == "SELECT"
    assert attributes["db.namespace"] == committed_database.engine.url.database
    # outgoing calls go on from here
    (parent,) = told
    assert parent is not None
    assert parent.startswith(f"00-{request.context.trace_id:032x}-{request.context.span_id:016x}-")
    assert int(parent[-2:], 16) & 1


@pytest.mark.unhappy
async def test_no_span_holds_text_of_errors_statements_or_parameters(
    provider: TracerProvider, exporter: InMemorySpanExporter, committed_database: Database
) -> None:
    traces = Traces(provider)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with committed_database.engine.connect() as connection:
            with pytest.raises(InvalidDataError):
                await connection.execute(text(f"SELECT CAST('{CANARY}' AS integer)"))
        raise ValueError(CANARY)

    traced = TracesMiddleware(app, traces, resolve_route=lambda _scope: None)
    with traces.watching(committed_database), pytest.raises(ValueError):
        await Client(traced)(
            "GET",
            "/lovelace@example.org",
            query_string=CANARY.encode(),
            headers=[(b"authorization", CANARY.encode()), (b"user-agent", CANARY.encode())],
        )
    failed, request = exporter.get_finished_spans()
    whole = f"{failed.to_json()}{request.to_json()}"
    assert CANARY not in whole
    assert "lovelace" not in whole
    assert (failed.attributes or {})["error.type"] == "22P02"
    assert (request.attributes or {})["error.type"] == "ValueError"
    assert {failed.status.status_code, request.status.status_code} == {StatusCode.ERROR}


@pytest.mark.unhappy
@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.name)
async def test_an_error_is_one_by_its_status_and_a_404_is_none(
    framework: Framework, traced: Callable[..., Any], spans: Callable[[], list[ReadableSpan]]
) -> None:
    app = traced(framework)
    for path in ("/bug", "/domain/down", "/domain/missing", "/nowhere"):
        await call(app, path)
    found = [
        (span.name, dict(span.attributes or {}).get("error.type"), span.status.status_code)
        for span in spans()
    ]
    assert found == [
        ("GET /bug", "ValueError", StatusCode.ERROR),
        ("GET /domain/{kind}", "DatabaseUnavailableError", StatusCode.ERROR),
        ("GET /domain/{kind}", None, StatusCode.UNSET),
        ("GET", None, StatusCode.UNSET),
    ]


@pytest.mark.unhappy
async def test_fastapis_own_span_is_not_doubled(
    provider: TracerProvider, spans: Callable[[], list[ReadableSpan]], mocker: Any
) -> None:
    pytest.importorskip("fastapi.telemetry", reason="since 0.142")
    mocker.patch("bedplate.metrics.setup._traces", return_value=Traces(provider))
    mocker.patch("opentelemetry.trace._TRACER_PROVIDER", provider)
    app = fastapi.FastAPI(telemetry={"tracer_provider": provider, "operation_spans": False})

    @app.get("/things")
    async def things() -> int:
        return 1

    Service().install(app, traces_backend="opentelemetry")
    await call(app, "/things")
    assert [span.instrumentation_scope.name for span in spans() if span.instrumentation_scope] == [
        "fastapi"
    ]


@pytest.mark.unhappy
async def test_another_middlewares_span_is_not_doubled(
    provider: TracerProvider, spans: Callable[[], list[ReadableSpan]], traced: Callable[..., Any]
) -> None:
    app = traced(FRAMEWORKS[1])
    with provider.get_tracer("theirs").start_as_current_span("theirs", kind=SpanKind.SERVER):
        await call(app, "/stream")
    with provider.get_tracer("theirs").start_as_current_span("calling", kind=SpanKind.CLIENT):
        await call(app, "/stream")
    assert [span.name for span in spans()] == ["theirs", "GET /stream", "calling"]


@pytest.mark.unhappy
async def test_a_stream_that_nobody_reads_to_its_end_is_no_error(
    provider: TracerProvider, spans: Callable[[], list[ReadableSpan]]
) -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return None

    async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    for app in (half, silent):
        await Client(TracesMiddleware(app, Traces(provider), resolve_route=lambda _scope: None))()
    with pytest.raises(asyncio.CancelledError):
        await Client(
            TracesMiddleware(cancelled, Traces(provider), resolve_route=lambda _scope: None)
        )()
    assert [
        ((span.attributes or {})["error.type"], span.status.status_code) for span in spans()
    ] == [
        ("ClientDisconnect", StatusCode.UNSET),
        ("NoResponse", StatusCode.ERROR),
        ("CancelledError", StatusCode.ERROR),
    ]
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.unhappy
async def test_what_is_not_sampled_is_passed_on_as_not_sampled() -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    told: list[str | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        context = current_context()
        told.append(context.traceparent if context else None)

    traced = TracesMiddleware(app, Traces(provider), resolve_route=lambda _scope: None)
    with request_context(RequestContext("request-1")):
        await Client(traced)("GET", "/", headers=[(b"traceparent", PARENT.encode())])
    (parent,) = told
    assert parent is not None
    assert parent.startswith(PARENT[:35])
    assert parent.endswith("-00")


@pytest.mark.unhappy
async def test_outside_of_a_trace_and_on_a_websocket_there_is_no_span(
    provider: TracerProvider,
    spans: Callable[[], list[ReadableSpan]],
    committed_database: Database,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await committed_database.ping()

    traces = Traces(provider)
    with traces.watching(committed_database):
        await committed_database.ping()
        traced = TracesMiddleware(app, traces, resolve_route=lambda _scope: None)
        await Client(traced)("GET", "/", type="websocket")
    assert spans() == []


@pytest.mark.unhappy
@pytest.mark.parametrize("parent", ["", "00-x", PARENT.upper(), f"{PARENT}-x", "ff" + PARENT[2:]])
async def test_a_parent_that_is_not_valid_begins_a_trace_of_its_own(
    parent: str, provider: TracerProvider, spans: Callable[[], list[ReadableSpan]]
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    traced = TracesMiddleware(app, Traces(provider), resolve_route=lambda _scope: None)
    await Client(traced)("PURGE", "/", headers=[(b"traceparent", parent.encode())])
    (span,) = spans()
    assert span.parent is None
    assert span.context.trace_id != TRACE_ID
    assert span.name == "HTTP"
