"""Writes the page of the documentation from the figures of the data benchmarks, and its plots.

    python benchmarks/_data_page.py FIGURES DOCS

FIGURES is the folder that holds operations.json, stream.json and pool.json.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_COLOURS = {
    "bedplate": "#3f51b5",
    "SQLAlchemy by hand": "#26a69a",
    "asyncpg alone": "#90a4ae",
    "Advanced Alchemy": "#ef6c00",
    "sqlakeyset": "#8e24aa",
}
_INTRODUCTION = """\
# Benchmarks of the data layer

This page and its plots are made by `nox -s bench_page`, on the machine named at the end.

All ways of an operation take turns in many short rounds, each in a transaction that is rolled back.
A ratio is the median of the ratios of single rounds. What is measured is the processor time of the
calling process and of its PostgreSQL process together: what an operation costs, whoever else uses the
machine meanwhile. By hand there are several ways for most operations, and the fastest of them counts;
its statements are built once for the whole process wherever that is possible.
"""


def page(operations: Mapping[str, Any], stream: Mapping[str, Any], pool: Mapping[str, Any]) -> str:
    """Give the page."""
    parts = [_INTRODUCTION]
    for rows in dict.fromkeys(row["rows"] for row in operations["operations"]):
        chosen = [row for row in operations["operations"] if row["rows"] == rows]
        parts += [
            f"## {rows:,} rows\n",
            f"![Time of each operation beside bedplate's]({_plot(rows)})\n",
            _table(chosen),
        ]
    return "\n".join([*parts, _memory(stream), _pool(pool), _machine(operations["machine"])])


def plot(chosen: Sequence[Mapping[str, Any]]) -> str:
    """Draw how long each side takes for each operation, as times of what bedplate takes."""
    lines: list[str] = []
    top = 34
    for row in chosen:
        lines.append(_text(8, top + 11, row["title"], weight="bold"))
        top += 18
        ours = _fastest(row, "bedplate")
        for name, colour in _COLOURS.items():
            times = _fastest(row, name)
            if times is None or ours is None:
                continue
            ratio = times / ours
            width = min(ratio, 12) / 12 * 520
            lines.append(_text(8, top + 10, name))
            lines.append(
                f'<rect x="150" y="{top}" width="{width:.1f}" height="12" fill="{colour}"/>'
            )
            lines.append(_text(156 + width, top + 10, f"{ratio:.2f} x, {_duration(times)}"))
            top += 15
        top += 8
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {top}" '
        'font-family="sans-serif" font-size="11" role="img">'
        f'<rect width="800" height="{top}" fill="#ffffff"/>'
    )
    title = _text(
        8, 18, "Time of an operation, as times of bedplate's (shorter is better)", size=13
    )
    return "\n".join([head, title, *lines, "</svg>", ""])


def _text(x: float, y: float, words: str, *, weight: str = "normal", size: int = 11) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" font-size="{size}" fill="#263238">'
        f"{words.replace('&', '&amp;')}</text>"
    )


def _fastest(row: Mapping[str, Any], name: str) -> float | None:
    """Give the microseconds of the fastest way of one side."""
    ways = [each for way, each in row["microseconds"].items() if way.startswith(name)]
    return min(ways) if ways else None


def _duration(microseconds: float) -> str:
    return f"{microseconds / 1000:.1f} ms" if microseconds >= 1000 else f"{microseconds:.0f} us"


def _plot(rows: int) -> str:
    return f"benchmarks-data-{rows}.svg"


def _table(chosen: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "| operation | bedplate | by hand | asyncpg | Advanced Alchemy (AA) | to by hand | to AA |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in chosen:
        hand, advanced = row["to_by_hand"], row["faster_than_advanced_alchemy"]
        times = [_fastest(row, name) for name in list(_COLOURS)[:4]]
        shown = " | ".join("" if each is None else _duration(each) for each in times)
        lines.append(
            f"| {row['title']} | {shown} | {hand['ratio']:.2f} x (at most {hand['at_most']:.2f}) |"
            f" {advanced['ratio']:.1f} x (at least {advanced['at_least']:.1f}) |"
        )
    return "\n".join(lines) + "\n"


def _memory(stream: Mapping[str, Any]) -> str:
    grown = stream["mebibytes"]
    return (
        "## Memory\n\n"
        f"A process that reads {stream['rows']:,} rows by `stream()` grows by"
        f" {grown['stream']:.1f} MiB; one that reads them by `list()`, by {grown['list']:,.0f} MiB.\n"
    )


def _pool(pool: Mapping[str, Any]) -> str:
    lines = [
        "## Pool\n",
        f"{pool['callers']} callers take a connection for one statement of 2 ms, again and again.\n",
        "| pool | calls a second | median | 99th percentile | slowest | connections opened |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, found in pool["pools"].items():
        lines.append(
            f"| {name} | {found['calls_a_second']} | {found['median_ms']} ms | {found['p99_ms']} ms"
            f" | {found['slowest_ms']} ms | {found['connections_opened']} |"
        )
    return "\n".join(lines) + "\n"


def _machine(machine: Mapping[str, str]) -> str:
    listed = [f"| {name} | {value} |" for name, value in machine.items()]
    return "\n".join(["## The machine\n", "| fact | value |", "| --- | --- |", *listed, ""])


def main() -> None:
    figures, docs = Path(sys.argv[1]), Path(sys.argv[2])
    operations, stream, pool = (
        json.loads((figures / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("operations", "stream", "pool")
    )
    for rows in {row["rows"] for row in operations["operations"]}:
        chosen = [row for row in operations["operations"] if row["rows"] == rows]
        (docs / _plot(rows)).write_text(plot(chosen), encoding="utf-8")
    text = page(operations, stream, pool)
    (docs / "benchmarks-data.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
