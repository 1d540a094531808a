"""The application, written for Litestar."""

from typing import Any

import litestar
from litestar.background_tasks import BackgroundTask
from litestar.response import Stream
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
from bedplate.integrations.litestar import install


@litestar.get("/hello")
async def hello() -> str:
    bind(place="endpoint")
    say_hello()
    return "hello"


@litestar.get("/thread", sync_to_thread=True)
def thread() -> str:
    return in_a_thread()


@litestar.get("/bug/{word:str}")
async def bug(request: litestar.Request[Any, Any, Any]) -> None:
    raise ValueError(f"canary password={request.path_params['word']}")


@litestar.get("/stream/{what:str}")
async def stream(request: litestar.Request[Any, Any, Any]) -> Stream:
    what = request.path_params["what"]
    return Stream(STREAMS[what](), media_type=MEDIA.get(what, "text/plain"))


@litestar.get("/cancelled")
async def cancelled() -> None:
    await cancel_itself()


@litestar.get("/waiting/{name:str}")
async def waiting(request: litestar.Request[Any, Any, Any]) -> str:
    await gate(request.path_params["name"]).pass_through()
    return "done"


@litestar.get("/entered/{name:str}")
async def entered(request: litestar.Request[Any, Any, Any]) -> str:
    await gate(request.path_params["name"]).entered.wait()
    return "yes"


@litestar.get("/open/{name:str}")
async def open_gate(request: litestar.Request[Any, Any, Any]) -> str:
    gate(request.path_params["name"]).open.set()
    return "open"


@litestar.get("/background/{how:str}")
async def background(request: litestar.Request[Any, Any, Any]) -> litestar.Response[str]:
    task = BackgroundTask(BACKGROUND[request.path_params["how"]])
    return litestar.Response("soon", background=task)


@litestar.post("/echo", status_code=200)
async def echo(request: litestar.Request[Any, Any, Any]) -> int:
    return len(await request.body())


@litestar.websocket("/ws/{how:str}")
async def websocket(socket: litestar.WebSocket[Any, Any, Any]) -> None:
    calls = Talk(socket.accept, socket.receive_text, socket.send_text, socket.close)
    await talk(calls, socket.path_params["how"])


def make() -> Any:
    app = litestar.Litestar(
        [hello, thread, bug, stream, cancelled, waiting, entered, open_gate, background, echo, websocket],
        logging_config=None,
    )  # fmt: skip
    before = type(app)
    install(app, settings())
    assert type(app) is before
    return app
