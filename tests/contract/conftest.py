"""The servers of these tests, one after the other."""

from collections.abc import Iterator

import pytest
from tests.contract.servers import Server

SERVERS = ("uvicorn", "granian", "hypercorn")
APPS = ("fastapi", "starlette", "litestar", "bare")
PAIRS = [(server, app) for server in SERVERS for app in APPS]
PAIRS.append(("uvicorn", "fastapi+middleware"))  # a BaseHTTPMiddleware around everything


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def served(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A process that all tests of a module use, one process after the other."""
    server = Server(*request.param)
    yield server
    server.kill()
