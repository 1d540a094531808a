"""A freshly generated service beside hand-written ones: requests, processor, memory, start."""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from _machine import facts
from _service_contenders import BEST, LEAST, OURS, TUTORIAL, Contenders, generate_service, migrate
from _service_database import PASSWORD, BenchDatabase, email_of
from _service_goals import is_far_off, missed
from _service_process import Server, cpu
from _service_table import show

from bedplate.database.embedded import EmbeddedPostgres

NAMES = [OURS, BEST, TUTORIAL, LEAST]
CONNECTIONS = 16
LOG_IN_CONNECTIONS = 4  # each keeps a core busy for a fifth of a second
PACKAGES = (
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "sqlalchemy",
    "asyncpg",
    "pydantic",
)
OPERATIONS = {
    "health": ("GET", "/health/live", 200),
    "log in": ("POST", "/api/v1/auth/token", 200),
    "own account": ("GET", "/api/v1/users/me", 200),
    "list 50 of 10,000": ("GET", "/api/v1/products?limit=50", 200),
    "create": ("POST", "/api/v1/products", 201),
}
_PRODUCT = json.dumps({"name": "Created", "price": "12.50", "quantity": 3})


def request_of(name: str, operation: str, token: str) -> str:
    """Write a request down as it goes over the wire."""
    method, path, _ = OPERATIONS[operation]
    if name == OURS and operation.startswith("list"):
        path += "&total=true"  # what the others give anyway
    headers = {"host": "127.0.0.1", "user-agent": "benchmark/1.0", "accept": "application/json"}
    body = ""
    if operation == "log in":
        body = urlencode({"username": email_of(name), "password": PASSWORD})
        headers["content-type"] = "application/x-www-form-urlencoded"
    elif operation != "health":
        headers["authorization"] = f"Bearer {token}"
    if operation == "create":
        body = _PRODUCT
        headers["content-type"] = "application/json"
    if body:
        headers["content-length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
    return "\r\n".join([*lines, "", body])


def token_for(name: str, port: int) -> str:
    form = urlencode({"username": email_of(name), "password": PASSWORD}).encode()
    with urlopen(Request(f"http://127.0.0.1:{port}/api/v1/auth/token", form)) as answer:
        return str(json.load(answer)["access_token"])


async def load(order: Mapping[str, Any]) -> dict[str, Any]:
    """Let another process send requests."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).parent / "_service_load.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(json.dumps(order).encode())
    if process.returncode:
        sys.exit(f"the load did not get through: {order}")
    found: dict[str, Any] = json.loads(out)
    return found


async def turn(
    name: str, operation: str, server: Server, database: BenchDatabase, seconds: float
) -> dict[str, float]:
    """Let one service carry out one operation for a while, and give what a request took."""
    token = "" if operation in {"health", "log in"} else token_for(name, server.port)
    connections = LOG_IN_CONNECTIONS if operation == "log in" else CONNECTIONS
    order = {"port": server.port, "connections": connections, "seconds": seconds}
    request = request_of(name, operation, token)
    await load({**order, "request": request, "seconds": min(0.5, seconds)})  # each is warm
    pids = await database.pids()
    before, database_before = server.cpu(), {pid: cpu([pid]) for pid in pids}
    found = await load({**order, "request": request})
    taken = server.cpu() - before
    # one that has ended meanwhile tells nothing
    database_taken = sum(max(0.0, cpu([pid]) - begun) for pid, begun in database_before.items())
    expected = str(OPERATIONS[operation][2])
    if set(found["statuses"]) != {expected}:
        sys.exit(f"{name} answered {operation} by {found['statuses']}")
    times = sorted(found["times"])
    return {
        "requests_a_second": len(times) / found["seconds"],
        "p50_ms": statistics.median(times) * 1e3,
        "p99_ms": times[int(len(times) * 0.99)] * 1e3,
        "cpu_us": taken / len(times) * 1e6,
        "database_cpu_us": database_taken / len(times) * 1e6,
    }


async def measure_requests(
    contenders: Contenders, *, rounds: int, seconds: float, names: list[str], operations: list[str]
) -> dict[str, Any]:
    """Let all services take turns at each operation, and give the figures of each round."""
    database = await BenchDatabase.open(contenders.url)
    await database.fill(NAMES)
    figures: dict[str, dict[str, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as stack:
        servers = {name: stack.enter_context(contenders.server(name)) for name in names}
        for _ in range(rounds):
            for operation in operations:
                for name in random.sample(names, len(names)):
                    taken = await turn(name, operation, servers[name], database, seconds)
                    figures[operation][name].append(taken)
                    await database.tidy()
        memory = {name: server.memory() for name, server in servers.items()}
    await database.close()
    return {"operations": figures, "memory": memory}


def measure_starts(contenders: Contenders, rounds: int) -> dict[str, Any]:
    """Start each again and again, in turns, and give the seconds until it answered."""
    starts: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    for number in range(rounds + 1):
        for name in random.sample(NAMES, len(NAMES)):
            with contenders.server(name) as server:
                taken = {"seconds": server.start_seconds, "cpu_seconds": server.start_cpu}
            if number:  # the first compiles modules and fills the cache of files
                starts[name].append(taken)
    return starts


def measure(options: argparse.Namespace) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="bedplate-") as made,
        EmbeddedPostgres("benchmarks-service", durable=False) as server,
    ):
        service = options.service or generate_service(Path(made).resolve())
        name = f"bench_{Path(made).name.replace('-', '_').lower()}"
        server.create_database(name)
        contenders = Contenders(service, server.url(name))
        migrate(service, contenders.url)
        figures = asyncio.run(
            measure_requests(
                contenders,
                rounds=options.rounds,
                seconds=options.seconds,
                names=options.only or NAMES,
                operations=options.operation or list(OPERATIONS),
            )
        )
        figures["starts"] = {} if options.only else measure_starts(contenders, options.starts)
    figures["connections"], figures["machine"] = CONNECTIONS, facts(*PACKAGES)
    figures["log_in_connections"] = LOG_IN_CONNECTIONS
    figures["rounds"], figures["seconds"] = options.rounds, options.seconds
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default 7)")
    parser.add_argument("--seconds", type=float, default=3, help="of each turn (default 3)")
    parser.add_argument("--starts", type=int, default=7, help="starts of each (default 7)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--service", type=Path, help="one that is generated already, with products")
    parser.add_argument("--only", action="append", choices=NAMES, help="one service; repeatable")
    parser.add_argument("--operation", action="append", choices=OPERATIONS, help="repeatable")
    parser.add_argument("--short", action="store_true", help="few short rounds, as in CI")
    options = parser.parse_args()
    if options.short:
        options.rounds, options.seconds, options.starts = 3, 1.0, 2
    figures = measure(options)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if options.only:
        return
    for sentence in missed(figures):
        print(f"missed: {sentence}")
    if is_far_off(figures):
        sys.exit("far off the goals")


if __name__ == "__main__":
    main()
