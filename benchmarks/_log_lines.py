"""A log line as an access record has it, written by each contender to /dev/null."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import structlog
from _asgi_peers import json_logging
from structlog.typing import FilteringBoundLogger

from bedplate.logging import get_logger

type Write = Callable[[dict[str, Any]], object]


def records(count: int) -> Sequence[dict[str, Any]]:
    """Give what is logged; path and request id differ in each."""
    return [
        {
            "http.request.method": "GET",
            "http.route": "/api/v1/items/{item_id}",
            "url.path": f"/api/v1/items/{uuid4().hex}",
            "request_id": uuid4().hex,
            "http.response.status_code": 200,
            "http.response.body.size": 123,
            "http.server.request.duration": 0.0123,
            "client.address": "203.0.113.7",
        }
        for _ in range(count)
    ]


def ours() -> Write:
    """With redaction, context and protection from injection."""
    logger = get_logger("benchmark").bind()
    return lambda record: logger.info("request", **record)


def native() -> Write:
    """structlog's own fast set-up, without context, redaction or protection from injection."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(Path("/dev/null").open("wb")),  # noqa: SIM115
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    ).bind()
    return lambda record: logger.info("request", **record)


def python_json_logger() -> Write:
    logger = logging.getLogger("benchmark.python-json-logger")
    json_logging(logger, "/dev/null")
    return lambda record: logger.info("request", extra=record)


def processor_formatter() -> Write:
    """structlog through standard logging, as its documentation shows it."""
    timestamper = structlog.processors.TimeStamper(fmt="iso")
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        timestamper,
    ]
    handler = logging.FileHandler("/dev/null")
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    standard = logging.getLogger("benchmark.ProcessorFormatter")
    standard.handlers, standard.propagate = [handler], False
    standard.setLevel(logging.INFO)
    logger = structlog.wrap_logger(
        standard,
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).bind()
    return lambda record: logger.info("request", **record)
