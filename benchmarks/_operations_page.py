"""Writes the page of the documentation from the figures of ``asgi_overhead.py``.

    python benchmarks/_operations_page.py FIGURES PAGE

FIGURES is what ``python benchmarks/asgi_overhead.py --json FIGURES`` wrote.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_INTRODUCTION = """\
# Benchmarks of the operations layer

This page is made by `nox -s operations_page`, on the machine named at the end.

Every contender wraps the same Starlette application with one route and answers the same requests, handed over as a server does,
without a socket in between; log lines hold what an access record holds and go to `/dev/null`. All take turns in many short rounds, in one process. A
ratio is the median of the ratios of single rounds to the base of the same round: bare Starlette, or structlog's own fast set-up with orjson, which neither redacts nor
escapes anything. What is measured is the processor's time of this process, whoever else uses the machine meanwhile.
"""
_EXPLANATION = """\
- **whole stack** is what `install()` gives in production: request id and context, access record with redaction, metrics, security headers, limit on
  bodies, error boundary. Beside it stands what most tutorials end up with: three `BaseHTTPMiddleware` for id, headers and log, and the instrumentator.
- **request id**, **metrics** and **rate limit in memory** are each one middleware alone.
- **log line with redaction** is a structlog logger configured by `configure_logging`.
"""


def page(figures: Mapping[str, Any]) -> str:
    """Give the page."""
    rows = figures["rows"]
    return "\n".join(
        [_INTRODUCTION, _table(rows), _EXPLANATION, _peers(rows), _machine(figures["machine"])]
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "| what | takes | base | ratio | middle half of the rounds | at most |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        low, high = row["quartiles"]
        lines.append(
            f"| {row['name']} | {row['microseconds']:.1f} us | {row['base']},"
            f" {row['base_microseconds']:.1f} us | {row['ratio']:.2f} x | {low:.2f} to {high:.2f} |"
            f" {row['at_most']:.1f} x |"
        )
    return "\n".join(lines) + "\n"


def _peers(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["## Beside others\n", "| what | bedplate | others |", "| --- | --- | --- |"]
    for row in rows:
        others = ", ".join(f"{name} {ratio:.2f} x" for name, ratio in row["peers"].items())
        lines.append(f"| {row['name']} | {row['ratio']:.2f} x | {others} |")
    return "\n".join(lines) + "\n"


def _machine(machine: Mapping[str, str]) -> str:
    listed = [f"| {name} | {value} |" for name, value in machine.items()]
    return "\n".join(["## The machine\n", "| fact | value |", "| --- | --- |", *listed, ""])


def main() -> None:
    figures = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(page(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
