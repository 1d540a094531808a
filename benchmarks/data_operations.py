"""Repositories beside hand-written SQLAlchemy, asyncpg alone, Advanced Alchemy and sqlakeyset."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _data_contenders import ADVANCED, BY_HAND, OURS, Contenders
from _data_goals import OPERATIONS, Operation
from _data_server import empty_database, version
from _data_table import fill, tidy
from _machine import facts
from _rounds import Measured, measure
from sqlalchemy.ext.asyncio import create_async_engine

PACKAGES = ("bedplate", "sqlalchemy", "asyncpg", "advanced-alchemy", "sqlakeyset")
NOISE = 2.0  # times a goal may be missed in CI


async def compare(
    operations: Sequence[Operation], rows: int, options: argparse.Namespace
) -> tuple[list[dict[str, Any]], str]:
    """Measure operations on a table with so many rows."""
    found = []
    async with empty_database(options.url) as url:
        engine = create_async_engine(url)
        await fill(engine, rows)
        async with Contenders(url, wall=options.wall) as contenders:
            for operation in operations:
                ways = contenders.ways(operation.name)
                if not any(way.name == OURS for way in ways):
                    continue
                measured = await measure(
                    ways,
                    lambda count, operation=operation: operation.inputs(count, rows),
                    rounds=options.rounds,
                    slice_seconds=options.slice,
                    most_calls=operation.most_calls,
                )
                found.append(judged(operation, measured, rows))
                show(found[-1])
                await tidy(engine)
        server = await version(url)
        await engine.dispose()
    return found, server


def judged(operation: Operation, measured: Measured, rows: int) -> dict[str, Any]:
    """Give the figures of an operation, and whether they reach the goals."""
    by_hand = min((way for way in measured.seconds if way.startswith(BY_HAND)), key=measured.median)
    advanced = [way for way in measured.seconds if way.startswith(ADVANCED)][-1]
    ratio, faster = measured.ratio(OURS, by_hand), measured.ratio(advanced, OURS)
    return {
        "operation": operation.name,
        "title": operation.title,
        "rows": rows,
        "microseconds": {way: round(measured.median(way) * 1e6, 1) for way in measured.seconds},
        "best_by_hand": by_hand,
        "to_by_hand": {
            "ratio": round(ratio, 3),
            "quartiles": [round(each, 3) for each in measured.spread(OURS, by_hand)],
            "at_most": operation.by_hand,
        },
        "faster_than_advanced_alchemy": {
            "ratio": round(faster, 2),
            "quartiles": [round(each, 2) for each in measured.spread(advanced, OURS)],
            "at_least": operation.advanced,
        },
    }


def show(row: dict[str, Any]) -> None:
    """Print the figures of an operation."""
    by_hand, advanced = row["to_by_hand"], row["faster_than_advanced_alchemy"]
    print(
        f"{row['title']:<30} {row['rows']:>9,} rows {row['microseconds'][OURS]:>9,.0f} us"
        f"  {by_hand['ratio']:.2f} x by hand (<= {by_hand['at_most']:.2f})"
        f"  {advanced['ratio']:5.1f} x as fast as AA (>= {advanced['at_least']:.1f})"
        f"{'' if reached(row) else '  MISSED'}",
        flush=True,
    )
    for way, microseconds in row["microseconds"].items():
        print(f"    {way:<40} {microseconds:>11,.1f} us", flush=True)


def reached(row: dict[str, Any], *, noise: float = 1.0) -> bool:
    """Tell whether an operation reaches its goals, or misses them by no more than noise."""
    by_hand, advanced = row["to_by_hand"], row["faster_than_advanced_alchemy"]
    return bool(
        by_hand["ratio"] <= by_hand["at_most"] * noise
        and advanced["ratio"] >= advanced["at_least"] / noise
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="interleaved rounds (default 40)")
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--only", nargs="*", help="names of operations")
    parser.add_argument("--slice", type=float, default=0.03, help="seconds of a turn")
    parser.add_argument("--url", help="of a database on the server to use, else the embedded one")
    parser.add_argument(
        "--wall",
        action="store_true",
        help="measure by the clock on the wall, not by what both processes really did",
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--short", action="store_true", help="few rounds, as in CI")
    options = parser.parse_args()
    if options.short:
        options.rounds, options.rows, options.slice = 5, [100_000], 0.01
    chosen = [each for each in OPERATIONS if not options.only or each.name in options.only]
    found: list[dict[str, Any]] = []
    machine = facts(*PACKAGES)
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    for rows in options.rows:
        measured, server = asyncio.run(compare(chosen, rows, options))
        found += measured
        machine["PostgreSQL"] = server
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine, "operations": found}, indent=2) + "\n"
        )
    noise = NOISE if options.short else 1.0
    return 0 if all(reached(row, noise=noise) for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
