"""The whole template of the route is in the access record."""

import pytest
from fastapi import APIRouter, FastAPI, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from .conftest import Service


async def plain(_request: Request) -> Response:
    return PlainTextResponse("plain")


async def socket(_websocket: WebSocket) -> None:
    return None


@pytest.fixture
def app(service: Service) -> FastAPI:
    app = FastAPI()
    inner, outer = APIRouter(prefix="/items"), APIRouter(prefix="/api/v1")

    @inner.get("/{item_id}")
    async def item(item_id: str) -> str:
        return item_id

    outer.include_router(inner)
    app.include_router(outer)

    below = FastAPI()
    below.include_router(inner, prefix="/deep")

    @below.get("/direct/{x}")
    async def direct(x: str) -> str:
        return x

    below.add_route("/plain", plain)
    app.mount("/tenants/{tenant}", below)
    mounting = APIRouter()
    mounting.add_route("/own/{a}", plain)
    mounting.mount("/{one}", below)
    app.include_router(mounting, prefix="/in")
    starlette = Starlette(
        routes=[
            Route("/plain/{a}", plain),
            Mount("/{b}", routes=[Route("/z", plain), Mount("/{c}", routes=[Route("/y", plain)])]),
            WebSocketRoute("/ws", socket),
        ]
    )
    app.mount("/other", starlette)
    app.mount("/files", StaticFiles(directory="/"))
    return service.install(app)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/api/v1/items/5", "/api/v1/items/{item_id}"),
        ("/in/own/5", "/in/own/{a}"),
        ("/tenants/bob/direct/5", "/tenants/{tenant}/direct/{x}"),
        ("/tenants/bob/deep/items/5", "/tenants/{tenant}/deep/items/{item_id}"),
        ("/tenants/bob/plain", "/tenants/{tenant}/plain"),
        ("/tenants/tenants/direct/tenants", "/tenants/{tenant}/direct/{x}"),
        ("/in/bob/direct/5", "/in/{one}/direct/{x}"),
        ("/in/bob/deep/items/5", "/in/{one}/deep/items/{item_id}"),
        ("/other/plain/5", "/other/plain/{a}"),
        ("/other/x/z", "/other/{b}/z"),
        ("/other/x/w/y", "/other/{b}/{c}/y"),
        ("/docs", "/docs"),
        ("/openapi.json", "/openapi.json"),
        ("/health/live", "/health/live"),
        ("/docs-assets/swagger-ui.css", "/docs-assets/{path}"),
    ],
)
async def test_prefixes_and_mounts_are_part_of_the_template(
    service: Service, app: FastAPI, path: str, template: str
) -> None:
    async with service.client(app) as client:
        assert (await client.get(path)).status_code == 200
    assert service.routes() == [template]


async def test_a_proxys_prefix_is_no_part_of_the_template(service: Service, app: FastAPI) -> None:
    import httpx

    transport = httpx.ASGITransport(app, root_path="/proxied")
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/proxied/tenants/bob/direct/5")
        await client.get("/proxied/api/v1/items/5")
        await client.get("/proxied/health/live")
    assert service.routes() == [
        "/tenants/{tenant}/direct/{x}",
        "/api/v1/items/{item_id}",
        "/health/live",
    ]


@pytest.mark.unhappy
async def test_what_no_route_takes_is_one_label(service: Service, app: FastAPI) -> None:
    async with service.client(app) as client:
        for path in ("/nowhere", "/nowhere/else/5", "/api/v1", "/api/v2/items/5", "/%2e%2e/x"):
            assert (await client.get(path)).status_code == 404
    assert set(service.routes()) == {"unmatched"}


@pytest.mark.unhappy
async def test_a_method_that_is_not_allowed_has_the_routes_template(
    service: Service, app: FastAPI
) -> None:
    async with service.client(app) as client:
        assert (await client.delete("/api/v1/items/5")).status_code == 405
        assert (await client.post("/tenants/bob/direct/5")).status_code == 405
    assert service.routes() == ["/api/v1/items/{item_id}", "/tenants/{tenant}/direct/{x}"]


@pytest.mark.unhappy
async def test_what_a_mount_does_not_find_is_labelled_by_the_mount(
    service: Service, app: FastAPI
) -> None:
    async with service.client(app) as client:
        for path in (
            "/tenants/bob/nothing/5",
            "/tenants/eve/nothing/6",
            "/files/no/such",
            "/other/a/b/c",
        ):
            assert (await client.get(path)).status_code == 404
    assert set(service.routes()) == {
        "/tenants/{tenant}/{path}",
        "/files/{path}",
        "/other/{b}/{c}/{path}",
    }


@pytest.mark.unhappy
async def test_a_redirect_to_the_slash_is_unmatched(service: Service, app: FastAPI) -> None:
    async with service.client(app) as client:
        assert (await client.get("/api/v1/items/5/")).status_code == 307
    assert service.routes() == ["unmatched"]
