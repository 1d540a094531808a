"""Structured logs through one sink: redacted, one record a line, carrying the request's context."""

from bedplate.logging.redaction import redact, redact_text
from bedplate.logging.setup import (
    configure_logging,
    get_logger,
    server_logs,
    silence_server_access_logs,
)

__all__ = [
    "configure_logging",
    "get_logger",
    "redact",
    "redact_text",
    "server_logs",
    "silence_server_access_logs",
]
