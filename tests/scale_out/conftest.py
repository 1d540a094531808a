"""The stack, its load, and the table of what each outage cost."""

import os
import platform
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.scale_out.load import Load, Phase, running
from tests.scale_out.stack import Stack

BEGIN, END = "<!-- figures -->\n", "<!-- end -->\n"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--framework", default="fastapi", help="of the service that is generated")


@pytest.fixture(scope="session")
async def stack(pytestconfig: pytest.Config) -> AsyncIterator[Stack]:
    async with Stack(pytestconfig.getoption("framework")) as made:
        yield made


@pytest.fixture(scope="session")
async def load(stack: Stack) -> AsyncIterator[Load]:
    made = Load(stack.proxy.url)
    async with running(made):
        await made.answered(200)
        yield made


@pytest.fixture(scope="session", autouse=True)
def table() -> Iterator[list[Phase]]:
    """Collects what was measured; prints it, and writes it to the page that SCALE_PAGE names."""
    phases: list[Phase] = []
    yield phases
    if not phases:
        return
    shared = "which clients, servers and replicas shared"
    text = "\n".join(
        [
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors ({platform.machine()}), {shared}:",
            "",
            "| what | requests | out for | errors | which | last error |",
            "| --- | --- | --- | --- | --- | --- |",
            *(phase.row() for phase in phases),
            "",
        ]
    )
    print(f"\n{text}")
    if page := os.environ.get("SCALE_PAGE"):
        path = Path(page)
        before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
