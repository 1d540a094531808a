"""One websocket, watched while its messages pass."""

from asyncio import CancelledError
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING

from bedplate.asgi import access_log
from bedplate.asgi.answer import answer_problem
from bedplate.asgi.problems import Problem, problem_for
from bedplate.asgi.types import Message, Receive, Scope, Send
from bedplate.context import RequestContext
from bedplate.errors import BedplateError

if TYPE_CHECKING:
    from bedplate.asgi.operations import OperationsMiddleware

SWITCHING_PROTOCOLS = 101
FORBIDDEN = 403  # what a server answers when the application closes before accepting
_OUR_FAULT, _TOO_MANY, _UNAVAILABLE = 500, 429, 503
# RFC 6455 section 7.4.1, and what IANA has registered since
_POLICY_VIOLATION, _INTERNAL_ERROR, _TRY_AGAIN_LATER = 1008, 1011, 1013
_LEFT = "WebSocketDisconnect"  # what frameworks raise in who listens to a client that is gone


class RefusedError(Exception):
    """A websocket that a framework's own exception refuses or ends."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def close_code_of(status: int) -> int:
    """Give the code that closes a websocket for what would be a status of an answer."""
    if status in {_TOO_MANY, _UNAVAILABLE}:
        return _TRY_AGAIN_LATER
    return _POLICY_VIOLATION if status < _OUR_FAULT else _INTERNAL_ERROR


class Conversation:
    """What is known of one websocket."""

    __slots__ = (
        "asked", "began", "close_code", "context", "gone", "layer", "path", "raw_receive",
        "raw_send", "scope", "status",
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
        self.asked = self.gone = False

    async def run(self) -> None:
        """Let the application talk; every message passes untouched.

        A domain error refuses a websocket with its problem, or closes one that is accepted: 1008 for
        what a client did, 1013 for what may be tried again, with the error's code as the reason.
        """
        try:
            await self.layer.app(self.scope, self.receive, self.send)
        except CancelledError as error:
            self.context.error_type = "CancelledError"
            access_log.mark(error)
            raise
        except Exception as error:
            if self.gone and (isinstance(error, OSError) or type(error).__name__ == _LEFT):
                return
            self.context.error_type = type(error).__name__
            problem = _problem_of(error)
            if problem is None:
                access_log.unhandled(self, error)
                raise
            await self._end(problem)
        finally:
            self._finish()

    async def receive(self) -> Message:
        """Pass on what the client sends."""
        message = await self.raw_receive()
        if message["type"] == "websocket.connect":
            self.asked = True
        elif message["type"] == "websocket.disconnect":
            self.gone = True
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

    async def _end(self, problem: Problem) -> None:
        """Refuse what is not accepted yet, and close what is; the client may be gone meanwhile."""
        with suppress(OSError):
            if self.status == SWITCHING_PROTOCOLS and self.close_code is None:
                code = close_code_of(problem.status)
                await self.send({"type": "websocket.close", "code": code, "reason": problem.code})
            elif self.status == FORBIDDEN and self.close_code is None:
                await answer_problem(problem, self.scope, self._connect, self.send)

    async def _connect(self) -> Message:
        """Give the message that asks for a websocket, which the application may have had already."""
        return {"type": "websocket.connect"} if self.asked else await self.receive()

    def _finish(self) -> None:
        seconds = perf_counter() - self.began
        route = self.layer.resolve_route(self.scope)
        if self.layer.metrics is not None:
            self.layer.metrics.end_websocket(route, self.status, self.context.error_type, seconds)
        access_log.closed(self, route, seconds)


def _problem_of(error: Exception) -> Problem | None:
    """Give what a client is told of an error; None if it is a bug."""
    if isinstance(error, RefusedError):
        return error.problem
    if not isinstance(error, BedplateError):
        return None
    problem = problem_for(error)
    return None if problem.status == _OUR_FAULT else problem
