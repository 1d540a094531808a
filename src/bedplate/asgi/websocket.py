"""One websocket, watched while its messages pass."""

from asyncio import CancelledError
from time import perf_counter
from typing import TYPE_CHECKING

from bedplate.asgi import access_log
from bedplate.asgi.types import Message, Receive, Scope, Send
from bedplate.context import RequestContext

if TYPE_CHECKING:
    from bedplate.asgi.operations import OperationsMiddleware

SWITCHING_PROTOCOLS = 101
FORBIDDEN = 403  # what a server answers when the application closes before accepting


class Conversation:
    """What is known of one websocket."""

    __slots__ = (
        "began", "close_code", "context", "layer", "path", "raw_receive", "raw_send", "scope",
        "status",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - made as an Exchange is
        self,
        layer: "OperationsMiddleware",
        context: RequestContext,
        scope: Scope,
        receive: Receive,
        send: Send,
        began: float,
    ) -> None:
        self.layer, self.context, self.scope = layer, context, scope
        self.raw_receive, self.raw_send, self.began = receive, send, began
        self.path: str = scope["path"]
        if layer.metrics is not None:
            layer.metrics.begin_websocket()
        self.status = FORBIDDEN
        self.close_code: int | None = None

    async def run(self) -> None:
        """Let the application talk; every message passes untouched."""
        try:
            await self.layer.app(self.scope, self.receive, self.send)
        except CancelledError:
            self.context.error_type = "CancelledError"
            raise
        except Exception as error:
            self.context.error_type = type(error).__name__
            access_log.unhandled(self, error)
            raise
        finally:
            self._finish()

    async def receive(self) -> Message:
        """Pass on what the client sends."""
        message = await self.raw_receive()
        if message["type"] == "websocket.disconnect":
            self.close_code = message.get("code", 1005)
        return message

    async def send(self, message: Message) -> None:
        """Pass on what the application sends."""
        kind = message["type"]
        if kind == "websocket.accept":
            self.status = SWITCHING_PROTOCOLS
        elif kind == "websocket.close":
            self.close_code = message.get("code", 1000)
        elif kind == "websocket.http.response.start":
            self.status = message["status"]
        await self.raw_send(message)

    def _finish(self) -> None:
        seconds = perf_counter() - self.began
        route = self.layer.resolve_route(self.scope)
        if self.layer.metrics is not None:
            self.layer.metrics.end_websocket(route, self.status, self.context.error_type, seconds)
        access_log.closed(self, route, seconds)
