"""One small application, written for each framework."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import fastapi
import litestar
import litestar.exceptions
import litestar.response
import starlette.exceptions
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route

from bedplate.context import bind
from bedplate.errors import (
    AuthenticationError,
    DatabaseUnavailableError,
    DuplicateError,
    NotFoundError,
)
from bedplate.integrations import fastapi as on_fastapi
from bedplate.integrations import litestar as on_litestar
from bedplate.integrations import starlette as on_starlette

CANARY = "canary-of-the-exception"
DOMAIN: dict[str, Exception] = {
    "missing": NotFoundError(resource="Item"),
    "taken": DuplicateError(constraint="uq_item_name", columns=("name",)),
    "unknown": AuthenticationError(),
    "down": DatabaseUnavailableError(),
}


@dataclass(frozen=True)
class Framework:
    """A framework by its name, its ``install`` and the application written for it."""

    name: str
    install: Callable[..., Any]
    make: Callable[..., Any]
    teapot: type[Exception]


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"x" * 10


def fastapi_app(*, handlers: dict[Any, Any] | None = None) -> fastapi.FastAPI:
    app = fastapi.FastAPI(exception_handlers=handlers)
    router = fastapi.APIRouter(prefix="/items")

    @router.get("/{number}/parts/{name}")
    async def part(number: int, name: str) -> dict[str, Any]:
        bind(part=name)
        return {"number": number, "name": name}

    @app.get("/domain/{kind}")
    async def domain(kind: str) -> None:
        raise DOMAIN[kind]

    @app.get("/bug")
    async def bug() -> None:
        raise ValueError(CANARY)

    @app.get("/teapot")
    async def teapot() -> None:
        raise fastapi.HTTPException(418, "Short and stout.", headers={"x-spout": "yes"})

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(chunks())

    @app.post("/echo")
    async def echo(request: fastapi.Request) -> int:
        return len(await request.body())

    app.include_router(router)
    return app


def starlette_app(*, handlers: dict[Any, Any] | None = None) -> Starlette:
    async def part(request: Request) -> JSONResponse:
        bind(part=request.path_params["name"])
        return JSONResponse(request.path_params)

    async def domain(request: Request) -> None:
        raise DOMAIN[request.path_params["kind"]]

    async def bug(request: Request) -> None:
        raise ValueError(CANARY)

    async def teapot(request: Request) -> None:
        raise starlette.exceptions.HTTPException(418, "Short and stout.", {"x-spout": "yes"})

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(chunks())

    async def echo(request: Request) -> JSONResponse:
        return JSONResponse(len(await request.body()))

    items = Mount("/items", routes=[Route("/{number:int}/parts/{name}", part)])
    routes = [
        items,
        Route("/domain/{kind}", domain),
        Route("/bug", bug),
        Route("/teapot", teapot),
        Route("/stream", stream),
        Route("/echo", echo, methods=["POST"]),
    ]
    return Starlette(routes=routes, exception_handlers=handlers)


def litestar_app(*, handlers: dict[Any, Any] | None = None) -> litestar.Litestar:
    @litestar.get("/{number:int}/parts/{name:str}")
    async def part(request: litestar.Request[Any, Any, Any]) -> dict[str, Any]:
        bind(part=request.path_params["name"])
        return dict(request.path_params)

    @litestar.get("/domain/{kind:str}")
    async def domain(request: litestar.Request[Any, Any, Any]) -> None:
        raise DOMAIN[request.path_params["kind"]]

    @litestar.get("/bug")
    async def bug() -> None:
        raise ValueError(CANARY)

    @litestar.get("/teapot")
    async def teapot() -> None:
        raise litestar.exceptions.HTTPException(
            status_code=418, detail="Short and stout.", headers={"x-spout": "yes"}
        )

    @litestar.get("/stream")
    async def stream() -> litestar.response.Stream:
        return litestar.response.Stream(chunks())

    @litestar.post("/echo", status_code=200)
    async def echo(request: litestar.Request[Any, Any, Any]) -> int:
        return len(await request.body())

    items = litestar.Router("/items", route_handlers=[part])
    return litestar.Litestar(
        [items, domain, bug, teapot, stream, echo],
        exception_handlers=handlers or {},
        logging_config=None,
    )


FRAMEWORKS = [
    Framework("fastapi", on_fastapi.install, fastapi_app, fastapi.HTTPException),
    Framework("starlette", on_starlette.install, starlette_app, starlette.exceptions.HTTPException),
    Framework("litestar", on_litestar.install, litestar_app, litestar.exceptions.HTTPException),
]
