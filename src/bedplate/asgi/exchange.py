"""One HTTP request and its answer, watched while they pass."""

from asyncio import CancelledError
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING

from bedplate.asgi import access_log
from bedplate.asgi.problems import Problem, problem_for, status_problem
from bedplate.asgi.request_id import HEADER
from bedplate.asgi.types import Header, Message, Receive, Scope, Send
from bedplate.context import RequestContext

if TYPE_CHECKING:
    from bedplate.asgi.operations import OperationsMiddleware

CLIENT_GONE = 499
_LONGEST_LENGTH = 20  # digits; more are too much whatever they are
_OTHER_BODIES = {"http.response.pathsend", "http.response.zerocopysend"}


class BodyTooLargeError(Exception):
    """The request body grew beyond the limit while it was read."""


class Exchange:
    """What is known of one request, and the ``receive`` and ``send`` that find it out."""

    # how each begins; no slots, so that only what changes is set
    status = sent = received = 0
    first_byte = 0.0
    answering = started = complete = gone = refused = logged = False

    def __init__(  # noqa: PLR0917 - positional for speed
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
        self.path: str = scope["path"]  # routers may change the scope
        self.limit = layer.body_limit
        self.measured = layer.metrics.begin(scope) if layer.metrics is not None else None

    async def run(self) -> None:
        """Let the application answer, and answer in its place where it cannot."""
        try:
            if self.limit is not None and self._announces_too_much(self.limit):
                await self._answer(status_problem(413))
                return
            await self.layer.app(self.scope, self.receive, self.send)
            if not self.started and not self.gone:
                if not self.refused:
                    access_log.no_response(self)
                await self._answer(status_problem(413 if self.refused else 500))
        except CancelledError as error:
            self.context.error_type = self.context.error_type or "CancelledError"
            access_log.mark(error)  # the access record tells of it; no server need do so again
            raise
        except Exception as error:
            if self.refused or isinstance(error, BodyTooLargeError):
                await self._after_refusal(error)
            elif not self._client_left(error):
                self.context.error_type = self.context.error_type or type(error).__name__
                access_log.unhandled(self, error)
                if not self.started:
                    await self._answer(problem_for(error))
                raise
        finally:
            self._finish()

    async def receive(self) -> Message:
        """Pass on what the client sends, counting it."""
        message = await self.raw_receive()
        if message["type"] == "http.disconnect":
            self.gone = self.gone or not self.complete
        elif self.limit is not None:
            self.received += len(message.get("body", b""))
            if self.received > self.limit:
                self.refused = True
                raise BodyTooLargeError
        return message

    async def send(self, message: Message) -> None:
        """Pass on what the application answers, with the headers that every answer carries."""
        if self.refused and not self.answering:  # it answers to its failed read of the body
            if not self.started:
                await self._answer(status_problem(413))
            return
        kind = message["type"]
        if kind == "http.response.start":
            self.started = True
            self.status = message["status"]
            self.first_byte = perf_counter()
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        elif kind == "http.response.body":
            self.sent += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        elif kind in _OTHER_BODIES:
            self.complete = not message.get("more_body", False)
        try:
            await self.raw_send(message)
        except OSError:  # how ASGI 2.4 servers say that the client is gone
            self.gone = True
            raise
        if self.complete:
            self._finish()

    def _headers(self, given: Iterable[Header]) -> list[Header]:
        layer, request_id = self.layer, (HEADER, self.context.request_id.encode())
        headers, ours = list(given), layer.own_headers
        set_already = {name for name, _ in headers if name in ours}  # in lower case, says ASGI
        if not set_already:
            return [*headers, request_id, *layer.security_headers]
        return [
            *(header for header in headers if header[0] != HEADER),
            request_id,
            *(header for header in layer.security_headers if header[0] not in set_already),
        ]

    def _announces_too_much(self, limit: int) -> bool:
        for name, value in self.scope["headers"]:
            if name == b"content-length":
                return value.isdigit() and int(value[:_LONGEST_LENGTH]) > limit
        return False

    async def _answer(self, problem: Problem) -> None:
        body = problem.body(self.context.request_id)
        headers = problem.raw_headers(body)
        self.answering = True
        await self.send(
            {"type": "http.response.start", "status": problem.status, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": body})
        self.answering = False

    async def _after_refusal(self, error: Exception) -> None:
        self.context.error_type = type(error).__name__
        if not self.started:
            await self._answer(status_problem(413))
        elif not self.complete:  # half an answer is out: only closing the connection tells
            access_log.mark(error)
            raise error

    def _client_left(self, error: Exception) -> bool:
        """Tell whether an error only says that nobody listens any more."""
        if not self.gone or self.complete:
            return False
        left = isinstance(error, OSError) or type(error).__name__ == "ClientDisconnect"
        if left:
            self.context.error_type = type(error).__name__
        return left

    def _finish(self) -> None:
        if self.logged:
            return
        self.logged = True
        seconds = perf_counter() - self.began
        route = self.layer.resolve_route(self.scope)
        error = self.context.error_type
        if self.measured is not None and self.layer.metrics is not None:
            if error is None and not self.complete:
                error = "ClientDisconnect" if self.gone else "IncompleteResponse"
            self.layer.metrics.end(self.measured, route, self.status, error, seconds)
        if self.gone or (error == "CancelledError" and not self.complete):
            self.status = CLIENT_GONE
        access_log.finished(self, route, seconds)
