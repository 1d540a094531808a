"""The pool under load: how long callers wait, and how many connections it opens."""

import argparse
import asyncio
import json
import random
import statistics
import sys
from pathlib import Path
from time import perf_counter

from _data_server import empty_database
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bedplate.database import Database

CALLERS = 20
ROUNDS = 10
WORK = text("SELECT pg_sleep(0.002)")


class Pool:
    """One pool under load, and what was seen of it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.opened: list[int] = []
        self.waited: list[float] = []
        self.took = 0.0
        event.listen(engine.sync_engine, "connect", lambda *_: self.opened.append(1))

    async def load(self, calls: int) -> None:
        """Let callers use connections one after the other."""
        begin = perf_counter()
        await asyncio.gather(*(self._call(calls) for _ in range(CALLERS)))
        self.took += perf_counter() - begin

    async def _call(self, calls: int) -> None:
        for _ in range(calls):
            begin = perf_counter()
            async with self.engine.connect() as connection:
                await connection.execute(WORK)
            self.waited.append(perf_counter() - begin)

    def figures(self) -> dict[str, float]:
        """Give what callers waited for."""
        cuts = statistics.quantiles(self.waited, n=100)
        return {
            "median_ms": round(statistics.median(self.waited) * 1e3, 1),
            "p99_ms": round(cuts[98] * 1e3, 1),
            "slowest_ms": round(max(self.waited) * 1e3, 1),
            "connections_opened": len(self.opened),
            "calls_a_second": round(len(self.waited) / self.took),
        }


async def compare(calls: int, server: str | None) -> dict[str, dict[str, float]]:
    """Load bedplate's pool, SQLAlchemy's of the same size, and SQLAlchemy's with its defaults."""
    async with empty_database(server) as url:
        engines: dict[str, AsyncEngine] = {
            "bedplate, 10": Database(url, pool_size=10, pool_timeout=60).engine,
            "SQLAlchemy, 10": create_async_engine(
                url, pool_size=10, max_overflow=0, pool_timeout=60
            ),
            "SQLAlchemy, 5 and 10 more": create_async_engine(url, pool_timeout=60),
        }
        pools = {name: Pool(engine) for name, engine in engines.items()}
        for _ in range(ROUNDS):
            for pool in random.sample(list(pools.values()), len(pools)):
                await pool.load(calls // ROUNDS)
        for engine in engines.values():
            await engine.dispose()
        return {name: pool.figures() for name, pool in pools.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300, help="of each caller (default 300)")
    parser.add_argument("--url", help="of a database on the server to use, else the embedded one")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--short", action="store_true", help="few calls, as in CI")
    options = parser.parse_args()
    found = asyncio.run(compare(40 if options.short else options.calls, options.url))
    for name, figures in found.items():
        print(f"{name:<26} " + ", ".join(f"{key} {value:,}" for key, value in figures.items()))
    if options.json:
        options.json.write_text(json.dumps({"callers": CALLERS, "pools": found}, indent=2) + "\n")
    return 0 if found["bedplate, 10"]["connections_opened"] <= 10 else 1


if __name__ == "__main__":
    sys.exit(main())
