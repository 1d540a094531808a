"""Memory while one million rows are streamed, beside a list of all of them."""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
from pathlib import Path

from _data_bedplate import Items
from _data_server import empty_database
from _data_table import fill
from sqlalchemy.ext.asyncio import create_async_engine

from bedplate.database import Database

MOST_GROWTH = 64.0  # MiB: what reading a few thousand rows takes, whatever their number


async def compare(rows: int, server: str | None) -> dict[str, float]:
    """Give the growth of a fresh process that streams, and of one that lists, in MiB."""
    async with empty_database(server) as url:
        engine = create_async_engine(url)
        await fill(engine, rows)
        await engine.dispose()
        given = url.render_as_string(hide_password=False)
        return {way: await asyncio.to_thread(_grown, way, given) for way in ("stream", "list")}


def _grown(way: str, url: str) -> float:
    command = [sys.executable, __file__, "--inside", way, "--url", url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


async def _inside(way: str, url: str) -> float:
    async with Database(url) as database, database.session() as session:
        items = Items(session)
        await items.list(limit=10)
        before = _peak()
        if way == "stream":
            async for _ in items.stream():
                pass
        else:
            await items.list()
    return _peak() - before


def _peak() -> float:
    """Give the most memory this process ever had, in MiB."""
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--url", help="of a database on the server to use, else the embedded one")
    parser.add_argument("--inside", choices=["stream", "list"], help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--short", action="store_true", help="fewer rows, as in CI")
    options = parser.parse_args()
    if options.inside:
        print(asyncio.run(_inside(options.inside, options.url)))
        return 0
    rows = 50_000 if options.short else options.rows
    grown = asyncio.run(compare(rows, options.url))
    for way, mebibytes in grown.items():
        print(f"{way:<8} {rows:>9,} rows: the process grew by {mebibytes:,.1f} MiB")
    if options.json:
        options.json.write_text(json.dumps({"rows": rows, "mebibytes": grown}, indent=2) + "\n")
    return 0 if grown["stream"] <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
