"""The one place where every record is finished and written."""

import io
import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, BinaryIO, TextIO

from structlog import DropEvent

from bedplate.context import current_context
from bedplate.logging.console import render_console
from bedplate.logging.redaction import Json, redact_into, redact_traceback, redact_value
from bedplate.logging.traceback_text import exception_of, format_exception

type EventDict = MutableMapping[str, Any]

_LEVELS = logging.getLevelNamesMapping() | {
    name.lower(): number for name, number in logging.getLevelNamesMapping().items()
}


def _json_dumps() -> Callable[[dict[str, Json]], bytes]:
    try:
        import orjson
    except ImportError:
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        return lambda record: encode(record).encode()
    return orjson.dumps


class Sink:
    """What to write, how, and where; one object that is reconfigured in place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dumps = _json_dumps()
        self.configure(logging.INFO, as_json=False, stream=None)

    def configure(self, level: int, *, as_json: bool, stream: TextIO | None) -> None:
        """Set the lowest level, the format and the stream (None: standard output as it then is)."""
        self.level = level
        self._as_json = as_json
        self._stream = stream
        self._known_stream: TextIO | None = None
        self._buffer: BinaryIO | None = None

    def drop_below_level(self, _logger: object, method: str, event: EventDict) -> EventDict:
        """Drop what is less important than the level."""
        if _LEVELS.get(method, logging.CRITICAL) < self.level:
            raise DropEvent
        return event

    def render(self, logger: object, method: str, event: EventDict) -> str | bytes:
        """Give the text of a record; whatever cannot be made safe is withheld."""
        name = getattr(logger, "name", None)
        try:
            record = _finish(name, method, event)
        except Exception as error:  # noqa: BLE001 - fail closed, and never raise
            record = _withheld(name, method, error)
        return self._encode(record)

    def write_trusted(self, record: dict[str, Json], rest: Mapping[str, object]) -> None:
        """Write a record of which only ``rest`` needs redaction: access records, which are many."""
        level = str(record["level"])
        if _LEVELS[level] < self.level:
            return
        record["timestamp"] = _timestamp()
        try:
            redact_into(record, rest)
        except Exception as error:  # noqa: BLE001 - as above
            record = _withheld(str(record["logger"]), level, error)
        self.write(self._encode(record))

    def _encode(self, record: dict[str, Json]) -> str | bytes:
        if self._as_json:
            return self._dumps(record)
        stream = self._stream or sys.stdout
        return render_console(record, colours=stream.isatty())

    def write(self, line: str | bytes) -> None:
        """Write one record at once; a stream that is gone never becomes the caller's error."""
        stream = self._stream or sys.stdout
        if stream is not self._known_stream:
            self._known_stream, self._buffer = stream, _bytes_below(stream)
        try:
            if isinstance(line, bytes):
                if (buffer := self._buffer) is not None:
                    stream.flush()  # what others wrote comes first
                    buffer.write(line + b"\n")  # of one piece, whichever threads write
                    buffer.flush()
                    return
                line = line.decode()
            with self._lock:
                stream.write(line + "\n")
                stream.flush()
        except UnicodeEncodeError:
            self.write(str(line).encode("ascii", "backslashreplace").decode("ascii"))
        except (OSError, ValueError):
            return


def _bytes_below(stream: TextIO) -> BinaryIO | None:
    """Give what takes UTF-8 below a stream of text, where JSON need not become text first."""
    if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() in {"utf-8", "utf8"}:
        buffer: BinaryIO = stream.buffer
        return buffer
    return None


class NamedSink:
    """What structlog wraps: the sink, and who is speaking."""

    __slots__ = ("name", "write")

    def __init__(self, name: str | None = None, *, sink: Sink) -> None:
        self.name = name
        self.write = sink.write

    def __getattr__(self, _method: str) -> Callable[[str | bytes], None]:
        return self.write


def add_context(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add what the request carries, except where the record says otherwise itself."""
    if (context := current_context()) is not None:
        for key, value in context.fields.items():
            event.setdefault(key, value)
        event.setdefault("request_id", context.request_id)
        if context.principal is not None:
            event.setdefault("principal", context.principal)
    return event


_SECOND = 1_000_000  # microseconds
_known_second: tuple[int, str] = (0, "")


def _timestamp() -> str:
    """Give the present moment in UTC, to the microsecond, as RFC 3339 has it."""
    global _known_second  # noqa: PLW0603 - formatting a date costs more than all the rest
    now = time.time_ns() // 1000
    before, text = _known_second
    micros = now - before  # since the second before, so that it has seven digits
    if not _SECOND <= micros < 2 * _SECOND:
        second = now // _SECOND
        before = (second - 1) * _SECOND
        text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        _known_second = (before, text)
        micros = now - before
    return f"{text}{str(micros)[1:]}Z"


def _withheld(name: str | None, method: str, error: Exception) -> dict[str, Json]:
    what = f"a record was withheld: {type(error).__name__} while redacting it"
    return _finish(name, method, {"event": what})


def _finish(name: str | None, method: str, event: EventDict) -> dict[str, Json]:
    error = exception_of(event.pop("exc_info", None))
    stack = event.pop("stack_info", None)
    record: dict[str, Json] = {
        "timestamp": _timestamp(),
        "level": "error" if method == "exception" else method,
    }
    record["event"] = redact_value(event.pop("event", ""))
    if name is not None:
        record["logger"] = name
    redact_into(record, event)  # renames what would pass for one of the record's own facts
    if stack:
        text = stack if isinstance(stack, str) else "".join(traceback.format_stack())
        record["stack"] = redact_traceback(text)
    if error is not None:
        record["exception"] = format_exception(error)
    return record
