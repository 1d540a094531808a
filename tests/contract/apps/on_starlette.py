"""The application, written for Starlette."""

from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
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
from bedplate.integrations.starlette import install


async def hello(_request: Request) -> Response:
    bind(place="endpoint")
    say_hello()
    return JSONResponse("hello")


async def thread(_request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(in_a_thread))


async def bug(request: Request) -> Response:
    raise ValueError(f"canary password={request.path_params['word']}")


async def stream(request: Request) -> Response:
    what = request.path_params["what"]
    return StreamingResponse(STREAMS[what](), media_type=MEDIA.get(what, "text/plain"))


async def cancelled(_request: Request) -> None:
    await cancel_itself()


async def waiting(request: Request) -> Response:
    await gate(request.path_params["name"]).pass_through()
    return JSONResponse("done")


async def entered(request: Request) -> Response:
    await gate(request.path_params["name"]).entered.wait()
    return JSONResponse("yes")


async def open_gate(request: Request) -> Response:
    gate(request.path_params["name"]).open.set()
    return JSONResponse("open")


async def background(request: Request) -> Response:
    task = BackgroundTask(BACKGROUND[request.path_params["how"]])
    return JSONResponse("soon", background=task)


async def echo(request: Request) -> Response:
    return JSONResponse(len(await request.body()))


async def websocket(socket: WebSocket) -> None:
    calls = Talk(socket.accept, socket.receive_text, socket.send_text, socket.close)
    await talk(calls, socket.path_params["how"])


def make() -> Any:
    app = Starlette(
        routes=[
            Route("/hello", hello),
            Route("/thread", thread),
            Route("/bug/{word}", bug),
            Route("/stream/{what}", stream),
            Route("/cancelled", cancelled),
            Route("/waiting/{name}", waiting),
            Route("/entered/{name}", entered),
            Route("/open/{name}", open_gate),
            Route("/background/{how}", background),
            Route("/echo", echo, methods=["POST"]),
            WebSocketRoute("/ws/{how}", websocket),
        ]
    )
    before = type(app)
    install(app, settings())
    assert type(app) is before
    return app
