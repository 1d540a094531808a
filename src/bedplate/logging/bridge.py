"""Standard logging, and with it every server and library, brought to the one sink."""

import logging
import sys
from collections.abc import Callable
from typing import TextIO

type Forward = Callable[[str, str, dict[str, object]], None]

_SERVER_LOGGERS = (
    "uvicorn", "uvicorn.error", "uvicorn.asgi", "granian", "_granian", "hypercorn.error", "gunicorn.error",
)  # fmt: skip
_SERVER_ACCESS_LOGGERS = ("uvicorn.access", "granian.access", "hypercorn.access", "gunicorn.access")
# what uvicorn says of each websocket, with the whole query, and granian of each client that left
_CHATTER = (
    '%s - "WebSocket %s"', "connection open", "connection closed", "connection rejected", "ASGI transport error:",
)  # fmt: skip
_CHATTY_LOGGERS = ("httpx", "httpcore")  # they write whole URLs at INFO
_STANDARD_ATTRIBUTES = set(vars(logging.makeLogRecord({}))) | {
    "asctime", "color_message", "message", "taskName", "_bedplate_logged",
}  # fmt: skip
_LEVEL_NAMES = {50: "critical", 40: "error", 30: "warning", 20: "info"}
_MARK = "_bedplate_logged"


def mark_logged(error: BaseException) -> None:
    """Remember that an exception has its record, so that the server's duplicate is dropped."""
    try:
        setattr(error, _MARK, True)
    except AttributeError:  # it has __slots__: better two records than none
        return


class BridgeHandler(logging.Handler):
    """Forwards what reaches the root logger."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self._forward = forward

    def emit(self, record: logging.LogRecord) -> None:
        """Forward one record."""
        forward_record(record, self._forward)


class ServerFilter(logging.Filter):
    """Takes the records of a server's logger before its own handlers see them.

    A filter stays when the server configures its logging anew after us; a handler would not. On the
    handlers of these loggers it takes the records of loggers below (granian's ``_granian.asgi``),
    which pass by the filters of the loggers above them.
    """

    def __init__(self, names: tuple[str, ...], forward: Forward) -> None:
        super().__init__()
        self.names = names
        self._below = tuple(f"{name}." for name in names)
        self._forward = forward
        self.silent = False
        self.silent_on_clients = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Forward the record, unless the request layer has said the same already."""
        if record.name not in self.names and not record.name.startswith(self._below):
            return True  # of somebody else, who has the same handler
        error = record.exc_info[1] if record.exc_info else None
        taken = getattr(error, _MARK, False) or getattr(record, _MARK, False)
        if not taken and not self._is_access(record):
            forward_record(record, self._forward)
        setattr(record, _MARK, True)  # for the next handler
        return False

    def _is_access(self, record: logging.LogRecord) -> bool:
        return self.silent or (self.silent_on_clients and str(record.msg).startswith(_CHATTER))


def forward_record(record: logging.LogRecord, forward: Forward) -> None:
    """Turn a standard record into an event; one that cannot be formatted is named, not shown."""
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments that do not fit; logging must not raise
        message = f"a record was withheld: {type(error).__name__} while formatting it"
    event: dict[str, object] = {
        key: value for key, value in vars(record).items() if key not in _STANDARD_ATTRIBUTES
    }
    event["event"] = message.rstrip()
    if record.exc_info:
        event["exc_info"] = record.exc_info
    if record.stack_info:
        event["stack_info"] = record.stack_info
    level = next((name for at, name in _LEVEL_NAMES.items() if record.levelno >= at), "debug")
    forward(record.name, level, event)


class Bridge:
    """The handler and the filters, put in place once and found again."""

    def __init__(self, forward: Forward) -> None:
        self._handler = BridgeHandler(forward)
        self._server = ServerFilter(_SERVER_LOGGERS, forward)
        self._access = ServerFilter(_SERVER_ACCESS_LOGGERS, forward)

    def install(self, level: int) -> None:
        """Take over the root logger and the known servers' loggers."""
        root = logging.getLogger()
        root.setLevel(level)
        for handler in root.handlers[:]:
            if type(handler) is logging.StreamHandler and _is_terminal(handler):
                root.removeHandler(handler)  # else each record would come out twice
        root.addHandler(self._handler)
        for taking in (self._access, self._server):
            for logger in map(logging.getLogger, taking.names):
                logger.addFilter(taking)
                for handler in logger.handlers:
                    handler.addFilter(taking)
        for name in _CHATTY_LOGGERS:
            logging.getLogger(name).setLevel(max(level, logging.WARNING))

    def silence_access(self) -> None:
        """Drop the servers' own access records."""
        self._access.silent = True
        self._server.silent_on_clients = True


def _is_terminal(handler: "logging.StreamHandler[TextIO]") -> bool:
    return handler.stream in {sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__}
