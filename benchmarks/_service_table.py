"""The figures of the service benchmark as medians, ratios and a table for the terminal."""

import statistics
from collections.abc import Mapping
from typing import Any

COLUMNS = {
    "requests_a_second": "requests/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_us": "CPU us",
    "database_cpu_us": "PostgreSQL us",
}


def median(figures: Mapping[str, Any], operation: str, name: str, column: str) -> float:
    """Give the median of all rounds."""
    return statistics.median(turn[column] for turn in figures["operations"][operation][name])


def ratio(figures: Mapping[str, Any], operation: str, one: str, other: str, column: str) -> float:
    """Give the median of the ratios of single rounds: what slows the machine slows both."""
    ways = figures["operations"][operation]
    pairs = zip(ways[one], ways[other], strict=True)
    return statistics.median(mine[column] / its[column] for mine, its in pairs)


def start(figures: Mapping[str, Any], name: str, column: str = "seconds") -> float:
    """Give the median of all starts."""
    return statistics.median(each[column] for each in figures["starts"][name])


def show(figures: Mapping[str, Any]) -> None:
    """Print everything."""
    for fact, value in figures["machine"].items():
        print(f"{fact}: {value}")
    for operation, ways in figures["operations"].items():
        print(f"\n{operation:<26}" + "".join(f"{title:>15}" for title in COLUMNS.values()))
        for name in ways:
            cells = (median(figures, operation, name, column) for column in COLUMNS)
            print(f"{name:<26}" + "".join(f"{cell:>15,.1f}" for cell in cells))
    print(f"\n{'process':<26}{'PSS MiB':>15}{'RSS MiB':>15}{'start s':>15}{'start CPU s':>15}")
    for name, memory in figures["memory"].items():
        cells = [memory["pss"], memory["rss"]]
        if figures["starts"]:
            cells += [start(figures, name), start(figures, name, "cpu_seconds")]
        print(f"{name:<26}" + "".join(f"{cell:>15,.2f}" for cell in cells))
