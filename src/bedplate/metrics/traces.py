"""Spans of requests and of database operations, by OpenTelemetry's API.

No text of an error, of SQL or of a query string goes into a span: it may hold what nobody is to
see. Names and attributes are those of the semantic conventions 1.44.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import time_ns
from typing import TYPE_CHECKING

from bedplate import __version__
from bedplate._extras import missing_extra
from bedplate.asgi.operations import RouteResolver
from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from bedplate.context import current_context
from bedplate.logging.redaction import redact_text
from bedplate.metrics.opentelemetry import SCHEMA_URL
from bedplate.metrics.requests import CLIENT_GONE, NO_RESPONSE, method_label

try:
    from opentelemetry import context as otel
    from opentelemetry import propagate, trace
    from opentelemetry.trace import Span, SpanKind, StatusCode
except ImportError as error:
    raise missing_extra("opentelemetry", "opentelemetry-api") from error

if TYPE_CHECKING:
    from bedplate.database import Database
    from bedplate.database.observing import Ended

__all__ = ["Traces", "TracesMiddleware"]

_ENDING = {"http.response.body", "http.response.pathsend", "http.response.zerocopysend"}
_SERVER_ERROR = 500


class Traces:
    """Makes spans.

    Args:
        provider: gives the tracer; None for the one that is set for the process.
    """

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        self.tracer = trace.get_tracer("bedplate", __version__, provider, SCHEMA_URL)

    @contextmanager
    def watching(self, database: "Database") -> Iterator[None]:
        """Make a span of each operation of a database that belongs to a trace.

        What is done outside of any, as at the start, makes none.
        """
        from bedplate.database.observing import observe_operations

        url = database.engine.url
        told = {
            "db.system.name": "postgresql",
            "db.namespace": url.database,
            "server.address": url.host,
            "server.port": url.port,
        }
        known = {name: value for name, value in told.items() if value is not None}

        def observe(operation: str, table: str | None) -> "Ended":
            return self._operation(operation, table, known)

        with observe_operations(database.engine, observe):
            yield

    def _operation(self, operation: str, table: str | None, known: dict[str, str | int]) -> "Ended":
        if not trace.get_current_span().get_span_context().is_valid:
            return _nothing
        attributes = {**known, "db.operation.name": operation}
        if table is not None:
            attributes["db.collection.name"] = table
        name = operation if table is None else f"{operation} {table}"
        span = self.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)

        def ended(error: str | None) -> None:
            if error is not None:
                _fail(span, error)
            span.end()

        return ended


class TracesMiddleware:
    """Makes a span of each request, unless another instrumentation has made one already.

    The span is current while the application works, and outgoing calls of ``bedplate.http`` go on
    from it. Log records of the request carry its trace id.

    Args:
        app: the application.
        traces: makes the spans.
        resolve_route: finds the route's template in the scope as the application left it.
    """

    def __init__(self, app: ASGIApp, traces: Traces, *, resolve_route: RouteResolver) -> None:
        self.app = app
        self._tracer = traces.tracer
        self._resolve_route = resolve_route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or _is_traced(scope):
            await self.app(scope, receive, send)
            return
        method = method_label(scope["method"])
        carrier = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        span = self._tracer.start_span(
            "HTTP" if method == "_OTHER" else method,
            context=propagate.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "url.path": redact_text(scope["path"]),
                "url.scheme": scope.get("scheme", "http"),
                "network.protocol.version": scope.get("http_version", "1.1"),
            },
        )
        _tell_context(span)
        watched = _Watched(span, send, lambda: self._name(span, method, scope))
        token = otel.attach(trace.set_span_in_context(span))
        try:
            await self.app(scope, receive, watched.send)
        except BaseException as raised:
            watched.end(type(raised).__name__)
            raise
        finally:
            otel.detach(token)
            watched.end(CLIENT_GONE if watched.status else NO_RESPONSE)

    def _name(self, span: Span, method: str, scope: Scope) -> None:
        route = self._resolve_route(scope)
        if route is not None:
            span.set_attribute("http.route", route)
            span.update_name(f"{'HTTP' if method == '_OTHER' else method} {route}")


class _Watched:
    """The answer of one request, which ends its span."""

    def __init__(self, span: Span, send: Send, name: Callable[[], None]) -> None:
        self._span, self._send, self._name = span, send, name
        self._ended = False
        self.status = 0

    async def send(self, message: Message) -> None:
        """Pass on what the application answers."""
        await self._send(message)
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
        elif kind in _ENDING and not message.get("more_body", False):
            self.end(None)

    def end(self, error: str | None) -> None:
        """End the span; it is ended once."""
        if self._ended:
            return
        self._ended = True
        self._name()
        if self.status:
            self._span.set_attribute("http.response.status_code", self.status)
        if error is None and self.status >= _SERVER_ERROR:
            context = current_context()
            error = (context.error_type if context else None) or str(self.status)
        if error is not None:
            _fail(self._span, error, as_error=error != CLIENT_GONE)
        self._span.end(time_ns())


def _is_traced(scope: Scope) -> bool:
    """Tell whether somebody around us has made a span of this request: FastAPI, or a middleware."""
    if getattr(scope.get("fastapi.telemetry"), "span", None) is not None:
        return True
    span = trace.get_current_span()
    return span.is_recording() and getattr(span, "kind", None) is SpanKind.SERVER


def _tell_context(span: Span) -> None:
    """Let log records tell the trace, and outgoing calls go on from this span."""
    context, here = current_context(), span.get_span_context()
    if context is None or not here.is_valid:
        return
    trace_id, span_id = trace.format_trace_id(here.trace_id), trace.format_span_id(here.span_id)
    context.fields.update(trace_id=trace_id, span_id=span_id)
    context.traceparent = f"00-{trace_id}-{span_id}-{here.trace_flags:02x}"


def _fail(span: Span, error: str, *, as_error: bool = True) -> None:
    span.set_attribute("error.type", error)
    if as_error:
        span.set_status(StatusCode.ERROR)


def _nothing(error: str | None) -> None:
    del error
