"""Requests per second with one and two workers, and what PgBouncer and the cache cost.

Besides the clock's, the processor time of a request is told, of the service and of PostgreSQL: it says
what a machine of another size, or one that does nothing else, can do.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from _machine import facts  # noqa: E402
from _scale_app import Base, Thing, ThingRead, Work  # noqa: E402
from tests.clusters import Cluster, PgBouncer  # noqa: E402
from tests.redis_server import running_redis  # noqa: E402

from bedplate.cache import Cache  # noqa: E402
from bedplate.database import Database  # noqa: E402
from bedplate.secret_strength import generate_secret  # noqa: E402

CLIENTS = 16
ROUNDS = 5
PROJECT = '[tool.bedplate]\napp = "_scale_app:create_app"\n'


@contextmanager
def serving(url: str, workers: int) -> Iterator[tuple[int, int]]:
    """Run `bedplate serve` in production, and give its process and its port."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile("w+") as log:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(PROJECT)
        shutil.copy(HERE / "_scale_app.py", folder)
        environment = os.environ | {
            "ENVIRONMENT": "production",
            "DATABASE_URL": url,
            "SECRET_KEY": generate_secret(),
        }
        main = "from bedplate.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", main, "serve", "--port=0", "--drain=0", f"--workers={workers}"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process.pid, _port(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _port(process: "subprocess.Popen[bytes]", log: Any) -> int:  # noqa: ANN401 - a file
    while process.poll() is None:
        log.seek(0)
        for line in log:
            if '"serving"' in line:
                return int(json.loads(line)["address"].rpartition(":")[2])
    log.seek(0)
    sys.exit(log.read())


def busy(pid: int) -> float:
    """Give the seconds of processor that a process and all below it have taken so far."""
    total, waiting = 0.0, [pid]
    while waiting:
        process = waiting.pop()
        try:
            for task in Path(f"/proc/{process}/task").iterdir():
                # nanoseconds on a processor come first
                total += int((task / "schedstat").read_text().split()[0]) / 1e9
                waiting += map(int, (task / "children").read_text().split())
        except OSError:  # it has ended meanwhile
            continue
    return total


async def ask(port: int, request: bytes, seconds: float) -> int:
    """Ask again and again on one connection, and give how many answers there were."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    end, count = perf_counter() + seconds, 0
    while perf_counter() < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 20"), head
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        count += 1
    writer.close()
    return count


def requests_per_second(
    port: int, service: int, postgres: int, request: bytes, seconds: float
) -> dict[str, float]:
    """Let all clients ask at once, from this process."""

    async def all_clients() -> int:
        return sum(await asyncio.gather(*(ask(port, request, seconds) for _ in range(CLIENTS))))

    before, began = (busy(service), busy(postgres)), perf_counter()
    answered = asyncio.run(all_clients())
    took = perf_counter() - began
    return {
        "requests per second": answered / took,
        "service, ms of processor": (busy(service) - before[0]) / answered * 1000,
        "PostgreSQL, ms of processor": (busy(postgres) - before[1]) / answered * 1000,
    }


def workers_compared(
    services: dict[str, tuple[int, int]], cluster: Cluster, routes: dict[str, str], seconds: float
) -> dict[str, dict[str, float]]:
    """Give the best of each in interleaved rounds: what else the machine does only ever slows it."""
    found: dict[str, dict[str, float]] = {}
    for number in range(ROUNDS + 1):
        for route, line in routes.items():
            request = f"{line} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode()
            for name, (service, port) in services.items():
                taken = requests_per_second(port, service, cluster.process.pid, request, seconds)
                best = found.get(f"{route}, {name}")
                if number == 1 or best is None:  # the first round warms up
                    found[f"{route}, {name}"] = taken
                else:
                    found[f"{route}, {name}"] = {
                        what: (max if "second" in what else min)(value, best[what])
                        for what, value in taken.items()
                    }
    return found


async def times(work: dict[str, Callable[[], Awaitable[object]]], rounds: int) -> dict[str, float]:
    """Give the median of each in microseconds, of interleaved rounds; the first warms up."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 20):
        for name, do in work.items():
            began = perf_counter()
            await do()
            taken[name].append(perf_counter() - began)
    return {name: statistics.median(each[20:]) * 1e6 for name, each in taken.items()}


async def cost_of_pgbouncer(direct: str, pooled: str, rounds: int) -> dict[str, float]:
    async with (
        Database(direct) as straight,
        Database(direct, transaction_pooler=True) as unprepared,
        Database(pooled, transaction_pooler=True) as behind,
    ):
        thing = await _thing(straight)
        ways = {"direct": straight, "direct, unprepared": unprepared, "PgBouncer": behind}
        work: dict[str, Callable[[], Awaitable[object]]] = {}
        for name, database in ways.items():
            work[f"read one, {name}"] = partial(_read, database, thing)
            work[f"add one, {name}"] = partial(_thing, database)
        return await times(work, rounds)


async def cost_of_the_cache(url: str, redis: str, rounds: int) -> dict[str, float]:
    in_process, in_redis = Cache(), Cache(redis)
    lifetime = timedelta(hours=1)
    async with Database(url) as database:
        thing = await _thing(database)

        async def make() -> ThingRead:
            return ThingRead.model_validate(await _read(database, thing))

        def cached(cache: Cache, *tags: str) -> Callable[[], Awaitable[object]]:
            key = f"thing {tags}"
            return lambda: cache.get_or_make(key, make, ThingRead, lifetime=lifetime, tags=tags)

        try:
            return await times(
                {
                    "no cache: one row by its key": make,
                    "found in the process": cached(in_process),
                    "found in the process, one tag": cached(in_process, "things"),
                    "found in Redis": cached(in_redis),
                    "found in Redis, one tag": cached(in_redis, "things"),
                },
                rounds,
            )
        finally:
            await in_process.close()
            await in_redis.close()


async def _thing(database: Database) -> Any:  # noqa: ANN401 - a key
    async with Work(database) as uow:
        thing = await uow.things.add(Thing(name="a thing of ordinary length"))
        await uow.commit()
    return thing.id


async def _read(database: Database, key: Any) -> Thing:  # noqa: ANN401 - a key
    async with Work(database).read_only() as uow:
        return await uow.things.get(key)


async def fill(url: str) -> Any:  # noqa: ANN401 - a key
    async with Database(url) as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        return await _thing(database)


def measure(seconds: float, rounds: int) -> dict[str, dict[str, Any]]:
    folder = Path(tempfile.mkdtemp(prefix="scale-", dir="/tmp"))
    folder.chmod(0o755)
    cluster = Cluster(folder / "primary")
    pooler = PgBouncer(folder / "pgbouncer", cluster.port, pool_size=20)
    try:
        cluster.create()
        pooler.start()
        key = asyncio.run(fill(cluster.url))
        routes = {
            "no database": "GET /nothing",
            "one row": f"GET /things/{key}",
            "add one row": "POST /things?name=x",
        }
        with serving(cluster.url, 1) as one, serving(cluster.url, 2) as two:
            found = workers_compared({"1 worker": one, "2 workers": two}, cluster, routes, seconds)
        pgbouncer = asyncio.run(cost_of_pgbouncer(cluster.url, pooler.url, rounds))
        with running_redis() as redis:
            cache = asyncio.run(cost_of_the_cache(cluster.url, redis.url, rounds))
        return {"workers": found, "PgBouncer": pgbouncer, "cache": cache}
    finally:
        pooler.stop()
        cluster.stop()
        shutil.rmtree(folder)


def table(found: dict[str, dict[str, Any]]) -> str:
    lines = ["| route | requests/s | service, ms of processor | PostgreSQL, ms of processor |", "| --- | --- | --- | --- |"]  # fmt: skip
    for name, figures in found["workers"].items():
        rate, service, postgres = figures.values()
        lines.append(f"| {name} | {rate:,.0f} | {service:.2f} | {postgres:.2f} |")
    for subject in ("PgBouncer", "cache"):
        lines += ["", f"| {subject} | microseconds |", "| --- | --- |"]
        lines += [f"| {name} | {taken:,.0f} |" for name, taken in found[subject].items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="seconds instead of a minute")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    found = measure(*((0.5, 200) if options.short else (2.0, 2000)))
    found["machine"] = facts("fastapi", "uvicorn", "sqlalchemy", "asyncpg")
    print(*(f"{name}: {value}" for name, value in found["machine"].items()), sep="\n")
    print(table(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
