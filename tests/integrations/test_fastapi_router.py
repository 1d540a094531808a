"""`Router` answers what `APIRouter` answers, and is passed over where its prefix is missing."""

from collections.abc import Callable

import pytest
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from bedplate.integrations.fastapi import Router

from .conftest import Service


async def plain(request: Request) -> Response:
    return PlainTextResponse(request.url.path)


def application(kind: Callable[..., APIRouter]) -> FastAPI:
    app = FastAPI()
    api = kind(prefix="/api/v1")
    items, owned = kind(prefix="/items"), kind(prefix="/owners/{owner}")
    loose, bare = kind(prefix="/loose"), kind()

    @items.get("")
    @items.get("/{item}")
    async def item(item: str = "all") -> str:
        return item

    @owned.get("/items")
    async def of_owner(owner: str) -> str:
        return owner

    @bare.get("/bare")
    async def at_the_root() -> str:
        return "bare"

    loose.add_route("/elsewhere", plain)  # Starlette's: it knows of no prefix
    loose.mount("/below", FastAPI())
    api.include_router(items)
    api.include_router(items, prefix="/again")
    api.include_router(owned)
    api.include_router(loose)
    api.include_router(bare)
    app.include_router(api)
    app.include_router(items)
    return app


REQUESTS = [
    ("GET", "/api/v1/items"),
    ("GET", "/api/v1/items/one"),
    ("GET", "/api/v1/again/items/two"),
    ("GET", "/items/three"),
    ("GET", "/api/v1/owners/ada/items"),
    ("GET", "/api/v1/elsewhere"),
    ("GET", "/api/v1/bare"),
]
REFUSED = [
    ("GET", "/api/v1/items/"),
    ("POST", "/api/v1/items"),
    ("DELETE", "/items/one"),
    ("GET", "/api/v1/itemsandmore"),
    ("GET", "/api/v1"),
    ("GET", "/api/v1/below"),
    ("GET", "/api/v1/owners/items"),
    ("GET", "/api/v2/items"),
    ("GET", "/api/v1/items/a/b"),
]


async def answers(service: Service, kind: Callable[..., APIRouter], method: str, path: str) -> str:
    async with service.client(application(kind)) as client:
        answer = await client.request(method, path)
    return f"{answer.status_code} {answer.headers.get('location')} {answer.text}"


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_it_finds_what_fastapi_finds(service: Service, method: str, path: str) -> None:
    found = await answers(service, Router, method, path)
    assert found.startswith("200 ")
    assert found == await answers(service, APIRouter, method, path)


@pytest.mark.unhappy
@pytest.mark.parametrize(("method", "path"), REFUSED)
async def test_it_refuses_what_fastapi_refuses(service: Service, method: str, path: str) -> None:
    refused = await answers(service, Router, method, path)
    assert refused[0] in "34"
    assert refused == await answers(service, APIRouter, method, path)


@pytest.mark.unhappy
async def test_its_routes_are_not_tried_where_the_prefix_is_missing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    matches = APIRouter.matches

    def watched(self: APIRouter, scope: Scope) -> tuple[Match, Scope]:
        tried.append(self.prefix)
        return matches(self, scope)

    monkeypatch.setattr(APIRouter, "matches", watched)
    async with service.client(application(Router)) as client:
        await client.get("/api/v1/bare")
    assert "/items" not in tried
    assert {"/owners/{owner}", "/loose", ""} <= set(tried)


@pytest.mark.unhappy
async def test_a_route_added_later_is_found(service: Service) -> None:
    app, late = FastAPI(), Router(prefix="/late")
    late.add_api_route("/one", lambda: "one")
    app.include_router(late)
    async with service.client(app) as client:
        assert (await client.get("/other")).status_code == 404
        late.add_route("/other", plain)
        assert (await client.get("/other")).text == "/other"
