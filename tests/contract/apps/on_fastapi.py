"""The application, written for FastAPI."""

import os
from typing import Any

import fastapi
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from tests.contract.apps.common import (
    BACKGROUND,
    MEDIA,
    STREAMS,
    Talk,
    cancel_itself,
    gate,
    in_a_thread,
    say_hello,
    settings,
    talk,
)

from bedplate.context import bind
from bedplate.integrations.fastapi import install

router = fastapi.APIRouter()


@router.get("/hello")
async def hello() -> str:
    bind(place="endpoint")
    say_hello()
    return "hello"


@router.get("/thread")
def thread() -> str:
    return in_a_thread()


@router.get("/bug/{word}")
async def bug(word: str) -> None:
    raise ValueError(f"canary password={word}")


@router.get("/stream/{what}")
async def stream(what: str) -> StreamingResponse:
    return StreamingResponse(STREAMS[what](), media_type=MEDIA.get(what, "text/plain"))


@router.get("/cancelled")
async def cancelled() -> None:
    await cancel_itself()


@router.get("/waiting/{name}")
async def waiting(name: str) -> str:
    await gate(name).pass_through()
    return "done"


@router.get("/entered/{name}")
async def entered(name: str) -> str:
    await gate(name).entered.wait()
    return "yes"


@router.get("/open/{name}")
async def open_gate(name: str) -> str:
    gate(name).open.set()
    return "open"


@router.get("/background/{how}")
async def background(how: str, tasks: fastapi.BackgroundTasks) -> str:
    tasks.add_task(BACKGROUND[how])
    return "soon"


@router.post("/echo")
async def echo(request: fastapi.Request) -> int:
    return len(await request.body())


@router.websocket("/ws/{how}")
async def websocket(socket: fastapi.WebSocket, how: str) -> None:
    await talk(Talk(socket.accept, socket.receive_text, socket.send_text, socket.close), how)


def make() -> Any:
    app = fastapi.FastAPI()

    async def passing(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    if os.environ.get("CONTRACT_APP") == "fastapi+middleware":
        app.add_middleware(BaseHTTPMiddleware, dispatch=passing)

    app.include_router(router)
    before = type(app)
    install(app, settings())
    assert type(app) is before
    return app
