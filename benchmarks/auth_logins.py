"""Failed logins: what each kind costs, whether they stop the service, and what a full queue says."""

import argparse
import asyncio
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

import bcrypt
import httpx
from _login_apps import COST, PASSWORD, AppUnitOfWork, Base, User, make_service

from bedplate.auth.passwords import BcryptHasher
from bedplate.database import Database
from bedplate.database.embedded import EmbeddedPostgres
from bedplate.errors import InvalidCredentialsError
from bedplate.logging import configure_logging

SPREAD_GOAL = 1.10
LIVE_GOAL = 0.025
LOOPS = 8
QUEUE = 2
BURST = 12

LOGINS = {
    "wrong password": ("ada@example.com", "wrong-password"),
    "unknown": ("nobody@example.com", PASSWORD),
    "disabled": ("disabled@example.com", PASSWORD),
    "unverified": ("unverified@example.com", PASSWORD),
    "wrong password, 73 bytes": ("ada@example.com", "x" * 73),
    "wrong password, 1,025 bytes": ("ada@example.com", "x" * 1025),
    "unknown, 73 bytes": ("nobody@example.com", "x" * 73),
    "unknown, 1,025 bytes": ("nobody@example.com", "x" * 1025),
}
SERVERS = {
    "bedplate": "bedplate_app",
    "hashed in the coroutine": "inline_app",
    "hashed in the shared thread pool": "shared_pool_app",
}


async def failed_logins(url: str, rounds: int) -> dict[str, dict[str, float]]:
    """Give the medians of each kind, in seconds: of the clock, and of the processor."""
    hasher = BcryptHasher(COST)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in LOGINS}
    async with Database(url) as database:
        await fill(database, await hasher.hash(PASSWORD))
        service = make_service(database, hasher)
        for _ in range(rounds + 1):  # interleaved; the first round warms up
            for name, (email, password) in LOGINS.items():
                begin = perf_counter(), process_time()
                try:
                    await service.log_in(email, password)
                except InvalidCredentialsError:
                    pass
                else:
                    raise AssertionError(name)
                times[name].append((perf_counter() - begin[0], process_time() - begin[1]))
    hasher.close()
    return {
        name: {
            "clock": statistics.median(clock for clock, _ in taken[1:]),
            "processor": statistics.median(processor for _, processor in taken[1:]),
        }
        for name, taken in times.items()
    }


async def fill(database: Database, password_hash: str) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with AppUnitOfWork(database) as uow:
        for name in ("ada", "disabled", "unverified"):
            await uow.users.add(
                User(
                    email=f"{name}@example.com",
                    password_hash=password_hash,
                    is_active=name != "disabled",
                    is_verified=name != "unverified",
                )
            )
        await uow.commit()


@contextmanager
def serving(app: str, url: str, *, queue_size: int) -> Iterator[int]:
    """Run one uvicorn process with one worker, and give its port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = int(listening.getsockname()[1])
    environment = os.environ | {"DATABASE_URL": url, "QUEUE_SIZE": str(queue_size)}
    command = (sys.executable, "-m", "uvicorn", "--factory", f"_login_apps:{app}")
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            [*command, "--port", str(port), "--no-access-log"],
            cwd=Path(__file__).parent,
            env=environment,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            while not answers(port):
                if process.poll() is not None:
                    log.seek(0)
                    sys.exit(log.read().decode())
                sleep(0.05)
            yield port
        finally:
            process.terminate()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    except httpx.TransportError:
        return False


def log_in_for_ever(port: int, ready: Any) -> None:  # noqa: ANN401 - an event of a context
    """Eight clients that fail to log in, each again and again, in a process of their own."""

    async def loop(client: httpx.AsyncClient) -> None:
        while True:
            form = {"username": "ada@example.com", "password": "wrong-password"}
            await client.post("/token", data=form, timeout=120)
            ready.set()

    async def all_loops() -> None:
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base) as client:
            await asyncio.gather(*(loop(client) for _ in range(LOOPS)))

    asyncio.run(all_loops())


def live_times(port: int, seconds: float) -> list[float]:
    """Ask /health/live every 10 ms, and give how long each answer took, in seconds."""
    spawn = get_context("spawn")
    ready = spawn.Event()
    load = spawn.Process(target=log_in_for_ever, args=(port, ready), daemon=True)
    load.start()
    ready.wait(60)
    taken = []
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    end = perf_counter() + seconds
    while perf_counter() < end:
        begin = perf_counter()
        connection.request("GET", "/health/live")
        connection.getresponse().read()
        taken.append(perf_counter() - begin)
        sleep(max(0.0, 0.01 - taken[-1]))
    connection.close()
    load.terminate()
    load.join()
    return taken


def p99(taken: list[float]) -> float:
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * 0.99))]


async def full_queue(port: int) -> dict[str, int]:
    """Send more logins at once than may wait, and count the answers."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        form = {"username": "ada@example.com", "password": "wrong-password"}
        got = await asyncio.gather(
            *(client.post("/token", data=form, timeout=120) for _ in range(BURST))
        )
    return Counter(
        (
            f"{answer.status_code}, Retry-After {answer.headers['retry-after']}"
            if "retry-after" in answer.headers
            else str(answer.status_code)
        )
        for answer in got
    )


def measure(rounds: int, seconds: float) -> dict[str, Any]:
    with EmbeddedPostgres("benchmarks-auth") as postgres:
        postgres.create_database("logins")
        url = postgres.url("logins")
        medians = asyncio.run(failed_logins(url, rounds))
        live: dict[str, dict[str, float]] = {}
        for name, app in SERVERS.items():
            with serving(app, url, queue_size=32) as port:
                taken = live_times(port, seconds)
            live[name] = {
                "asked": len(taken),
                "median": statistics.median(taken),
                "p99": p99(taken),
                "worst": max(taken),
            }
        with serving("bedplate_app", url, queue_size=QUEUE) as port:
            burst = asyncio.run(full_queue(port))
    clocks = [median["clock"] for median in medians.values()]
    return {
        "medians": medians,
        "spread": max(clocks) / min(clocks),
        "live": live,
        "full queue": burst,
        "machine": machine(),
    }


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, bcrypt {bcrypt.__version__} at cost {COST}, "
        f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}, load {load:.1f}"
    )


def show(figures: dict[str, Any]) -> None:
    print(figures["machine"])
    print(f"\n{'failed login':<30} {'median':>9} {'of the processor':>18}")
    for name, median in figures["medians"].items():
        print(f"{name:<30} {median['clock'] * 1e3:>6.1f} ms {median['processor'] * 1e3:>15.1f} ms")
    print(f"slowest to fastest: {figures['spread']:.3f} (goal: at most {SPREAD_GOAL})")
    print(
        f"\n{f'/health/live, {LOOPS} looping logins':<34} {'median':>10} {'p99':>11} {'worst':>11}"
    )
    for name, taken in figures["live"].items():
        row = "".join(f"{taken[key] * 1e3:>9.1f} ms" for key in ("median", "p99", "worst"))
        print(f"{name:<34}{row}")
    print(f"goal of p99: under {LIVE_GOAL * 1e3:.0f} ms")
    print(f"\n{BURST} logins at once, one hashed, {QUEUE} may wait: {dict(figures['full queue'])}")


def is_far_off(figures: dict[str, Any]) -> bool:
    """Tell whether something is wrong, and not only measured on a busy machine."""
    ours, inline = figures["live"]["bedplate"], figures["live"]["hashed in the coroutine"]
    return (
        figures["spread"] > 2 * SPREAD_GOAL
        or ours["p99"] > min(20 * LIVE_GOAL, inline["p99"])
        or set(figures["full queue"]) != {"401", "503, Retry-After 1"}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31, help="interleaved rounds (default 31)")
    parser.add_argument("--seconds", type=float, default=20, help="of each load (default 20)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--short", action="store_true", help="few rounds, as in CI")
    options = parser.parse_args()
    if options.short:
        options.rounds, options.seconds = 3, 3.0
    configure_logging("ERROR", json=True)
    figures = measure(options.rounds, options.seconds)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    if is_far_off(figures):
        sys.exit("far off the goals")


if __name__ == "__main__":
    main()
