"""What the operations layer, its parts and a log line cost beside bare Starlette, structlog and peers."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time  # not the clock: other processes share the machine
from typing import Any

import _asgi_ours as ours
import _asgi_peers as peers
import _log_lines as lines
from _asgi_request import receive, scopes, send
from _clock import Clock
from _machine import facts
from _rounds import Call, Measured, Way, measure
from starlette.types import ASGIApp

from bedplate.logging import configure_logging

PACKAGES = (
    "bedplate", "starlette", "structlog", "orjson", "asgi-correlation-id", "prometheus-client",
    "prometheus-fastapi-instrumentator", "python-json-logger", "slowapi",
)  # fmt: skip
BARE, NATIVE = "bare Starlette", "structlog with orjson"
NOISE = 2  # times a goal may be missed in CI: a shared machine is no stopwatch


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured, how much it may cost, and who else does it."""

    name: str
    goal: float
    peers: Sequence[str]


REQUESTS = (
    Row("whole stack", 3.0, ["three BaseHTTPMiddleware and the instrumentator"]),
    Row("request id", 1.2, ["asgi-correlation-id"]),
    Row("metrics", 1.3, ["prometheus-fastapi-instrumentator"]),
    Row("rate limit in memory", 1.4, ["slowapi", "slowapi (SlowAPIASGIMiddleware)"]),
)
LINES = (Row("log line with redaction", 1.5, ["python-json-logger", "ProcessorFormatter"]),)

APPLICATIONS: dict[str, Callable[[], ASGIApp]] = {
    BARE: ours.bare,
    "whole stack": ours.whole_stack,
    "request id": ours.request_id,
    "metrics": ours.metrics,
    "rate limit in memory": ours.rate_limit,
    "three BaseHTTPMiddleware and the instrumentator": peers.three_base_http_middleware,
    "asgi-correlation-id": peers.asgi_correlation_id,
    "prometheus-fastapi-instrumentator": peers.instrumentator,
    "slowapi": peers.slowapi,
    "slowapi (SlowAPIASGIMiddleware)": peers.slowapi_asgi,
}
WRITERS: dict[str, Callable[[], lines.Write]] = {
    NATIVE: lines.native,
    "log line with redaction": lines.ours,
    "python-json-logger": lines.python_json_logger,
    "ProcessorFormatter": lines.processor_formatter,
}


def way_of_app(name: str, app: ASGIApp) -> Way:
    """Let an application answer requests one after the other, as a server would call it."""

    async def call(scope: dict[str, Any]) -> None:
        await app(scope, receive, send)

    async def own_copy(scope: dict[str, Any]) -> dict[str, Any]:
        return scope.copy()  # applications leave their traces in it

    return Way(name, _opened(call), own_copy)


def way_of_writer(name: str, write: lines.Write) -> Way:
    async def call(record: dict[str, Any]) -> None:
        write(record)

    return Way(name, _opened(call))


def _opened(call: Call) -> Any:  # noqa: ANN401 - a context manager's factory
    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[Call, Clock]]:
        yield call, process_time

    return opened


async def compare(rounds: int, slice_seconds: float) -> list[dict[str, Any]]:
    """Let all take turns, and give a row of figures for each thing that is measured."""
    null = Path("/dev/null").open("w")  # noqa: ASYNC230, SIM115 - for as long as the process
    peers.json_logging(logging.getLogger("tutorial.access"), "/dev/null")
    apps = [way_of_app(name, make()) for name, make in APPLICATIONS.items()]
    writers = [way_of_writer(name, make()) for name, make in WRITERS.items()]
    configure_logging("INFO", json=True, stream=null)
    options: dict[str, Any] = {
        "rounds": rounds, "slice_seconds": slice_seconds, "most_calls": 2000,
    }  # fmt: skip
    requests = await measure(apps, scopes, **options)
    logged = await measure(writers, lines.records, **options)
    return [
        *(judged(row, requests, BARE) for row in REQUESTS),
        *(judged(row, logged, NATIVE) for row in LINES),
    ]


def judged(row: Row, measured: Measured, base: str) -> dict[str, Any]:
    return {
        "name": row.name,
        "base": base,
        "base_microseconds": round(measured.median(base) * 1e6, 1),
        "microseconds": round(measured.median(row.name) * 1e6, 1),
        "ratio": round(measured.ratio(row.name, base), 2),
        "quartiles": [round(each, 2) for each in measured.spread(row.name, base)],
        "at_most": row.goal,
        "peers": {peer: round(measured.ratio(peer, base), 2) for peer in row.peers},
    }


def show(row: dict[str, Any], *, noise: float) -> None:
    others = ", ".join(f"{name} {ratio:.2f}" for name, ratio in row["peers"].items())
    print(
        f"{row['name']:<24} {row['microseconds']:>7} us : {row['base_microseconds']:>6} us"
        f" of {row['base']} = {row['ratio']:.2f} (<= {row['at_most']:.1f})"
        f"{'' if reached(row, noise) else '  MISSED'};  {others}"
    )


def reached(row: dict[str, Any], noise: float) -> bool:
    return bool(row["ratio"] <= row["at_most"] * noise)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="interleaved rounds (default 100)")
    parser.add_argument("--slice", type=float, default=0.01, help="seconds of a turn")
    parser.add_argument("--short", action="store_true", help="few rounds, as in CI")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    if options.short:
        options.rounds = 10
    machine = facts(*PACKAGES)
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    found = asyncio.run(compare(options.rounds, options.slice))
    for row in found:
        show(row, noise=1)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "rows": found}, indent=2) + "\n")
    return 0 if all(reached(row, NOISE if options.short else 1) for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
