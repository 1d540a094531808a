"""Logging set up in one call that may be repeated."""

import functools
import logging
from collections.abc import Mapping
from typing import TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from bedplate.logging.bridge import Bridge
from bedplate.logging.redaction import Json
from bedplate.logging.sink import NamedSink, Sink, add_context

_sink = Sink()
_named_sink = functools.partial(NamedSink, sink=_sink)
# one list for ever: loggers that were made before a second call, or before a test captures
# records, share it
_render = _sink.render
_processors: list[Processor] = [_sink.drop_below_level, add_context, _render]


def emit(name: str, level: str, event: dict[str, object]) -> None:
    """Send a record through the same processors as structlog's own loggers, with less ado.

    Args:
        name: who is speaking.
        level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
        event: the fields, ``event`` among them; it is used up.
    """
    logger = _named_sink(name)
    result: object = event
    try:
        for processor in _processors:
            result = processor(logger, level, result)  # type: ignore[arg-type]
    except structlog.DropEvent:
        return
    logger.write(result if isinstance(result, bytes) else str(result))


def emit_trusted(record: dict[str, Json], rest: Mapping[str, object]) -> None:
    """Send a record of which only a part needs redaction.

    Args:
        record: begins with ``timestamp`` (which is filled in), ``level``, ``event`` and ``logger``;
            the other fields are such as no client or service has made. It is used up.
        rest: every other field, those of the request's context too.
    """
    if _processors[-1] is _render:
        _sink.write_trusted(record, rest)
    else:  # a test captures records
        name, level = str(record.pop("logger")), str(record.pop("level"))
        del record["timestamp"]
        emit(name, level, {**rest, **record})


_bridge = Bridge(emit)


def configure_logging(
    level: str | int = "INFO", *, json: bool, stream: TextIO | None = None
) -> None:
    """Send structlog's, standard logging's and the server's records to one redacting sink.

    Calling it again replaces the level, the format and the stream, for existing loggers too.

    Args:
        level: the lowest level that is written.
        json: one JSON object a line; else readable lines.
        stream: where to; None for standard output, looked up at each record.
    """
    number = logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level
    _sink.configure(number, as_json=json, stream=stream)
    structlog.configure(
        processors=_processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=_named_sink,
        cache_logger_on_first_use=True,
    )
    _bridge.install(number)


def silence_server_access_logs() -> None:
    """Drop the access records of uvicorn and other servers: the request layer writes its own."""
    _bridge.silence_access()


def server_logs(level: str = "INFO", *, json: bool = True) -> logging.Handler:
    """Configure logging where a server's own configuration can only name a handler.

    For processes of a server that do not import the application: granian's main process, the
    supervisor of uvicorn's workers. In their ``--log-config``::

        {"version": 1, "disable_existing_loggers": false,
         "handlers": {"bedplate": {"()": "bedplate.logging.server_logs"}},
         "loggers": {"_granian": {"level": "INFO"}}}

    Args:
        level: as for ``configure_logging``.
        json: as for ``configure_logging``.

    Returns:
        A handler that does nothing, as no further one is needed.
    """
    configure_logging(level, json=json)
    return logging.NullHandler()


def get_logger(name: str | None = None) -> FilteringBoundLogger:
    """Give a structlog logger.

    Args:
        name: who is speaking, as ``__name__``; None to leave it out.
    """
    if name is None:
        return cast("FilteringBoundLogger", structlog.get_logger())
    return cast("FilteringBoundLogger", structlog.get_logger(name))
