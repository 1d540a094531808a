"""/metrics answers who asks from this machine, and nobody else unless it was opened."""

import gzip
from typing import Any

import httpx
import pytest
from tests.asgi.conftest import Client
from tests.integrations.conftest import Service
from tests.integrations.frameworks import FRAMEWORKS, Framework
from tests.metrics.conftest import Scrape

from bedplate.asgi.types import Scope
from bedplate.metrics.endpoint import MetricsApp, is_local
from bedplate.metrics.exposition import exposed_registry
from bedplate.metrics.instruments import Description
from bedplate.metrics.prometheus import PrometheusBackend

LOCAL = (b"host", b"localhost:8000")
OPENMETRICS = (b"accept", b"application/openmetrics-text; version=1.0.0")


@pytest.fixture(params=FRAMEWORKS, ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


def endpoint(*, open_to_all: bool = False) -> MetricsApp:
    backend = PrometheusBackend()
    backend.counter(Description(name="a.count", text="How often.")).count(())
    return MetricsApp(exposed_registry(backend), open_to_all=open_to_all)


def from_client(address: str | None, *headers: tuple[bytes, bytes]) -> Scope:
    client = None if address is None else (address, 1)
    return {"type": "http", "method": "GET", "path": "/", "headers": headers, "client": client}


async def scraped(app: Any, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get("/metrics", headers=headers)


async def test_each_framework_serves_them_in_the_format_that_is_asked_for(
    framework: Framework,
) -> None:
    app = Service().install(framework.make(), install=framework.install)
    text = await scraped(app)
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert text.headers["cache-control"] == "no-store"
    assert Scrape.of(text.text).value("http_server_active_requests") == 1
    other = await scraped(app, accept="application/openmetrics-text; version=1.0.0")
    assert other.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert other.text.endswith("# EOF\n")
    assert app.state.metrics.enabled


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", [b"localhost", b"LOCALHOST:80", b"127.0.0.1:9", b"[::1]:8000"])
def test_who_asks_from_this_machine_is_local(address: str, host: bytes) -> None:
    assert is_local(from_client(address, (b"host", host)))


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "scope",
    [
        from_client("203.0.113.7", LOCAL),
        from_client("10.0.0.1", LOCAL),
        from_client("0.0.0.0", LOCAL),
        from_client("::ffff:10.0.0.1", LOCAL),
        from_client("", LOCAL),
        from_client("localhost", LOCAL),
        from_client("testclient", LOCAL),
        from_client(None, LOCAL),  # a socket file: who is behind it is not known
        from_client("127.0.0.1"),
        from_client("127.0.0.1", LOCAL, LOCAL),
        from_client("127.0.0.1", (b"host", b"api.example.com")),
        from_client("127.0.0.1", (b"host", b"localhost.evil.example")),
        from_client("127.0.0.1", (b"host", b"")),
        from_client("127.0.0.1", LOCAL, (b"x-forwarded-for", b"127.0.0.1")),
        from_client("127.0.0.1", LOCAL, (b"x-forwarded-proto", b"https")),
        from_client("127.0.0.1", LOCAL, (b"forwarded", b"for=127.0.0.1")),
        from_client("127.0.0.1", LOCAL, (b"x-real-ip", b"::1")),
        from_client("127.0.0.1", LOCAL, (b"via", b"1.1 proxy")),
    ],
)
async def test_for_whoever_is_not_local_there_is_nothing(scope: Scope) -> None:
    assert not is_local(scope)
    client = Client(endpoint())
    await client("GET", "/", headers=scope["headers"], client=scope["client"])
    assert client.problem()["status"] == 404
    assert b"a_count" not in client.body


@pytest.mark.unhappy
async def test_a_framework_tells_nothing_to_other_machines(framework: Framework) -> None:
    app = Service().install(framework.make(), install=framework.install)
    transport = httpx.ASGITransport(app, client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    opened = Service().install(framework.make(), install=framework.install, metrics_open=True)
    transport = httpx.ASGITransport(opened, client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        assert (await client.get("/metrics")).status_code == 200


@pytest.mark.unhappy
async def test_metrics_that_are_off_or_elsewhere_have_no_route(framework: Framework) -> None:
    for options in ({"metrics_backend": "off"}, {"metrics_port": 9464}):
        app = Service().install(framework.make(), install=framework.install, **options)
        assert (await scraped(app)).status_code == 404


@pytest.mark.unhappy
async def test_a_route_of_the_services_own_is_kept() -> None:
    import fastapi

    app = fastapi.FastAPI()

    @app.get("/metrics")
    async def own() -> str:
        return "own"

    Service().install(app)
    assert (await scraped(app)).json() == "own"


@pytest.mark.unhappy
@pytest.mark.parametrize("method", ["POST", "DELETE", "PURGE"])
async def test_nothing_but_reading_is_possible(method: str) -> None:
    client = Client(endpoint(open_to_all=True))
    await client(method, "/")
    assert client.problem()["status"] == 405
    assert client.header(b"allow") == b"GET, HEAD"


@pytest.mark.unhappy
@pytest.mark.parametrize("accept", [b"text/html", b"*/*", b"\xff\x00", b"application/json", b""])
async def test_whatever_is_accepted_the_answer_is_text(accept: bytes) -> None:
    client = Client(endpoint(open_to_all=True))
    await client("GET", "/", headers=[(b"accept", accept)])
    assert client.header(b"content-type").startswith(b"text/plain; version=0.0.4")
    assert Scrape.of(client.body.decode()).value("a_count_total") == 1


@pytest.mark.unhappy
async def test_head_and_gzip_say_the_same_in_fewer_bytes() -> None:
    client = Client(endpoint(open_to_all=True))
    plain = (await client("GET", "/", headers=[OPENMETRICS])).body
    await client("HEAD", "/", headers=[OPENMETRICS])
    assert client.body == b""
    assert abs(int(client.header(b"content-length")) - len(plain)) < 50  # it has times in it
    await client("GET", "/", headers=[OPENMETRICS, (b"accept-encoding", b"gzip, br")])
    assert client.header(b"content-encoding") == b"gzip"
    assert int(client.header(b"content-length")) == len(client.body)
    assert gzip.decompress(client.body).endswith(b"# EOF\n")
