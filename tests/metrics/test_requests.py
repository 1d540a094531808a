"""Requests by method, route, status and error, the same on every framework."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import fastapi
import httpx
import litestar
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.types import Receive, Scope, Send
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket
from tests.integrations.conftest import Service
from tests.integrations.frameworks import FRAMEWORKS, Framework
from tests.metrics.conftest import IN_FLIGHT, Found, Scrape

from bedplate.metrics.exposition import exposed_registry
from bedplate.metrics.prometheus import PrometheusBackend

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"}


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture(params=FRAMEWORKS, ids=lambda framework: framework.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture
def app(framework: Framework, service: Service) -> Any:
    return service.install(framework.make(), install=framework.install)


def read(app: Any) -> Scrape:
    backend = app.state.metrics.backend
    assert isinstance(backend, PrometheusBackend)
    return Scrape(exposed_registry(backend).collect())


def requests(app: Any) -> Found:
    return read(app).requests()


async def call(app: Any, method: str, path: str) -> int:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return (await client.request(method, path)).status_code


async def test_each_request_is_counted_by_its_template(app: Any) -> None:
    for number in range(3):
        await call(app, "GET", f"/items/{number}/parts/door")
    await call(app, "GET", "/domain/missing")
    assert requests(app) == {
        ("GET", "/items/{number}/parts/{name}", "200", ""): 3,
        ("GET", "/domain/{kind}", "404", ""): 1,
    }
    assert read(app).value(IN_FLIGHT, http_request_method="GET") == 0


async def test_a_request_is_in_flight_until_its_last_byte(
    framework: Framework, service: Service
) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def chunks() -> Any:
        begun.set()
        yield b"first"
        await release.wait()
        yield b"last"

    app = service.install(streaming(framework, chunks), install=framework.install)
    asked = asyncio.create_task(call(app, "GET", "/waiting"))
    await begun.wait()
    assert read(app).value(IN_FLIGHT, http_request_method="GET") == 1
    assert requests(app) == {}
    release.set()
    assert await asked == 200
    assert read(app).value(IN_FLIGHT, http_request_method="GET") == 0
    assert requests(app) == {("GET", "/waiting", "200", ""): 1}


def streaming(framework: Framework, chunks: Callable[[], Any]) -> Any:
    """An application of any framework with one route that streams."""
    from litestar.response import Stream
    from starlette.responses import StreamingResponse

    if framework.name == "litestar":

        @litestar.get("/waiting")
        async def stream() -> Stream:
            return Stream(chunks())

        return litestar.Litestar([stream], logging_config=None)

    async def waiting(request: Request) -> StreamingResponse:
        return StreamingResponse(chunks())

    if framework.name == "starlette":
        return Starlette(routes=[Route("/waiting", waiting)])
    app = fastapi.FastAPI()
    app.add_api_route("/waiting", waiting)
    return app


def mounted(framework: Framework) -> Any:
    """An application of any framework with mounts, one inside the other where it can."""

    async def plain(request: Request) -> PlainTextResponse:
        return PlainTextResponse("plain")

    below = Starlette(
        routes=[Route("/things/{thing}", plain), Mount("/{deep}", routes=[Route("/z", plain)])]
    )
    if framework.name == "starlette":
        return Starlette(routes=[Mount("/tenants/{tenant}", below)])
    if framework.name == "fastapi":
        app = fastapi.FastAPI()
        inner = fastapi.FastAPI()
        router = fastapi.APIRouter(prefix="/things")
        router.add_api_route("/{thing}", plain)
        inner.include_router(router)
        inner.mount("/{deep}", Starlette(routes=[Route("/z", plain)]))
        app.mount("/tenants/{tenant}", inner)
        return app

    @litestar.asgi("/tenants", is_mount=True, copy_scope=True)
    async def mount(scope: Scope, receive: Receive, send: Send) -> None:
        await below(scope, receive, send)  # type: ignore[arg-type]

    outer = litestar.Router("/outer", route_handlers=[mount])
    return litestar.Litestar([mount, outer], logging_config=None)


@pytest.mark.unhappy
async def test_what_is_mounted_is_named_with_the_template_of_its_mount(
    framework: Framework, service: Service
) -> None:
    app = service.install(mounted(framework), install=framework.install)
    for tenant in ("ada", "bob"):
        await call(app, "GET", f"/tenants/{tenant}/things/5")
        await call(app, "GET", f"/tenants/{tenant}/x/z")
        await call(app, "GET", f"/tenants/{tenant}/nowhere")
        await call(app, "GET", f"/outer/tenants/{tenant}")
    routes = {route for _, route, _, _ in requests(app)}
    if framework.name == "litestar":  # it does not look into what it mounts
        assert routes == {"/tenants/{path}", "/outer/tenants/{path}"}
    else:
        below = {"/tenants/{tenant}/things/{thing}", "/tenants/{tenant}/{deep}/z"}
        assert below < routes
        assert len(routes) <= 4  # nothing of the six paths themselves


@pytest.mark.unhappy
async def test_what_no_route_takes_is_one_label_whatever_the_path(app: Any) -> None:
    for number in range(20):
        await call(app, "GET", f"/wp-admin/{number}.php")
    assert await call(app, "POST", "/stream") == 405
    found = requests(app)
    assert found["GET", "unmatched", "404", ""] == 20
    assert sum(found.values()) == 21
    (refused,) = [labels for labels in found if labels[2] == "405"]
    assert refused[1] in {"unmatched", "/stream"}


@pytest.mark.unhappy
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    method=st.text(st.characters(codec="ascii", categories=["Lu", "Ll"]), min_size=1, max_size=30),
    path=st.text(st.characters(exclude_characters="?#", exclude_categories=["Cs"])),
)
def test_hostile_methods_and_paths_make_no_labels(app: Any, method: str, path: str) -> None:
    scope = {
        "type": "http",
        "method": method,
        "path": f"/{path}",
        "raw_path": b"/",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": ("203.0.113.7", 1),
        "app": app,
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(_message: Any) -> None:
        return None

    asyncio.run(app(scope, receive, send))
    routes = {"unmatched", "/items/{number}/parts/{name}", "/domain/{kind}", "/stream", "/bug"}
    routes |= {f"/health/{probe}" for probe in ("live", "ready", "startup")}
    routes |= {"/echo", "/teapot", "/metrics", "/docs", "/redoc", "/openapi.json", "/schema"}
    for verb, route, _, _ in requests(app):
        assert verb in METHODS | {"_OTHER"}
        assert route in routes


@pytest.mark.unhappy
async def test_an_error_is_counted_by_its_type(app: Any) -> None:
    assert await call(app, "GET", "/bug") == 500
    assert await call(app, "GET", "/domain/down") == 503
    assert requests(app) == {
        ("GET", "/bug", "500", "ValueError"): 1,
        ("GET", "/domain/{kind}", "503", "DatabaseUnavailableError"): 1,
    }


@pytest.mark.unhappy
async def test_a_client_that_hangs_up_is_no_error_of_the_server(
    framework: Framework, service: Service
) -> None:
    """The status that was sent stays, 499 is for logs."""

    async def chunks() -> Any:
        while True:
            yield b"x"
            await asyncio.sleep(0)

    app = service.install(streaming(framework, chunks), install=framework.install)
    sent = 0
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == 3:
            gone.set()
        if sent > 3:
            raise OSError

    scope = {
        "type": "http", "method": "GET", "path": "/waiting", "raw_path": b"/waiting", "root_path": "",
        "query_string": b"", "headers": [], "client": ("203.0.113.7", 1), "app": app,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }  # fmt: skip
    with suppress(OSError, ClientDisconnect):
        await app(scope, receive, send)
    ((method, route, status, error_type),) = requests(app)
    assert (method, route, status) == ("GET", "/waiting", "200")
    assert error_type in {"ClientDisconnect", "OSError", "CancelledError"}
    assert read(app).value(IN_FLIGHT, http_request_method="GET") == 0


@pytest.mark.unhappy
async def test_a_websocket_is_no_request_and_its_close_code_no_label(service: Service) -> None:
    async def echo(websocket: WebSocket) -> None:
        if websocket.path_params["room"] == "full":
            await websocket.close()
            return
        await websocket.accept()
        await websocket.receive()

    app = service.install(
        Starlette(routes=[WebSocketRoute("/rooms/{room}", echo)]), install=FRAMEWORKS[1].install
    )
    open_now: list[float] = []
    for number, room in enumerate(("a", "b", "full")):
        messages: list[dict[str, Any]] = [
            {"type": "websocket.connect"},
            {"type": "websocket.disconnect", "code": 3000 + number},
        ]

        async def receive(messages: list[dict[str, Any]] = messages) -> dict[str, Any]:
            open_now.append(read(app).value("websocket_server_active_connections"))
            return messages.pop(0)

        async def send(_message: Any) -> None:
            return None

        scope = {
            "type": "websocket", "path": f"/rooms/{room}", "raw_path": b"", "root_path": "",
            "query_string": b"", "headers": [], "client": ("203.0.113.7", 1), "subprotocols": [],
        }  # fmt: skip
        await app(scope, receive, send)
    found = read(app).values(
        "websocket_server_connection_duration_seconds_count",
        *("http_route", "http_response_status_code", "error_type"),
    )
    assert found == {("/rooms/{room}", "101", ""): 2, ("/rooms/{room}", "403", ""): 1}
    assert read(app).value("websocket_server_active_connections") == 0
    assert set(open_now) == {1}
    assert requests(app) == {}
