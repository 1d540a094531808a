"""The records that requests leave, under OpenTelemetry's names (semantic conventions for HTTP)."""

from time import perf_counter
from typing import TYPE_CHECKING

from bedplate.logging.bridge import mark_logged as mark
from bedplate.logging.redaction import Json
from bedplate.logging.setup import emit, emit_trusted

if TYPE_CHECKING:
    from bedplate.asgi.exchange import Exchange
    from bedplate.asgi.websocket import Conversation

_ACCESS, _ERRORS = "bedplate.access", "bedplate.errors"

UNMATCHED = "unmatched"
"""The route of every request that no route took: one label, whatever the path."""

__all__ = ["UNMATCHED", "closed", "finished", "mark", "no_response", "unhandled"]


def finished(exchange: "Exchange", route: str | None, seconds: float) -> None:
    """Write the access record of a request."""
    record = _record("info", "request", _ACCESS, exchange, route, seconds)
    record["http.response.status_code"] = exchange.status
    record["http.response.body.size"] = exchange.sent
    if exchange.first_byte:
        waited = exchange.first_byte - exchange.began
        record["http.server.time_to_first_byte"] = int(waited * 1e6) / 1e6
    emit_trusted(record, _rest(exchange))


def closed(conversation: "Conversation", route: str | None, seconds: float) -> None:
    """Write the access record of a websocket."""
    record = _record("info", "websocket", _ACCESS, conversation, route, seconds)
    record["http.response.status_code"] = conversation.status
    record["websocket.close_code"] = conversation.close_code
    emit_trusted(record, _rest(conversation))


def unhandled(subject: "Exchange | Conversation", error: Exception) -> None:
    """Write the error record of an exception that nothing handled."""
    known = _error_record("unhandled exception", subject)
    for name in ("timestamp", "level", "logger"):  # of these ``emit`` takes care
        del known[name]
    emit(_ERRORS, "error", {**_rest(subject), **known, "exc_info": error})
    mark(error)


def no_response(exchange: "Exchange") -> None:
    """Write the error record of an application that returned without an answer."""
    exchange.context.error_type = "NoResponse"
    record = _error_record("the application sent no response", exchange)
    emit_trusted(record, _rest(exchange))


def _error_record(event: str, subject: "Exchange | Conversation") -> dict[str, Json]:
    route = subject.layer.resolve_route(subject.scope)
    return _record("error", event, _ERRORS, subject, route, perf_counter() - subject.began)


def _record(  # noqa: PLR0917 - positional for speed
    level: str,
    event: str,
    logger: str,
    subject: "Exchange | Conversation",
    route: str | None,
    seconds: float,
) -> dict[str, Json]:
    context = subject.context
    record: dict[str, Json] = {
        "timestamp": None,
        "level": level,
        "event": event,
        "logger": logger,
        "http.route": route or UNMATCHED,
        "request_id": context.request_id,
        "http.server.request.duration": int(seconds * 1e6) / 1e6,
    }
    if context.error_type is not None:
        record["error.type"] = context.error_type
    return record


def _rest(subject: "Exchange | Conversation") -> dict[str, object]:
    context, client = subject.context, subject.scope.get("client")
    rest: dict[str, object] = {
        "http.request.method": subject.scope.get("method", "GET"),
        "url.path": subject.path,
        "client.address": client[0] if client else None,  # any text, where a proxy is trusted
    }
    if context.principal is not None:
        rest["principal"] = context.principal
    return {**rest, **context.fields} if context.fields else rest
