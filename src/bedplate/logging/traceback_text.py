"""Exceptions as text: the chain and the frames, never the locals."""

import sys
import traceback

from bedplate.logging.redaction import redact_traceback

MAX_FRAMES = 60


def exception_of(exc_info: object) -> BaseException | None:
    """Find the exception in what callers give as ``exc_info``."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return next((part for part in exc_info if isinstance(part, BaseException)), None)
    return sys.exc_info()[1] if exc_info else None


def format_exception(error: BaseException) -> str:
    """Give the traceback of an exception and its causes, redacted, without locals."""
    summary = traceback.TracebackException.from_exception(
        error, limit=-MAX_FRAMES, capture_locals=False
    )
    return redact_traceback("".join(summary.format()).rstrip("\n"))
