"""Requests that are carried out once, however often they are sent: Idempotency-Key.

As of the IETF draft draft-ietf-httpapi-idempotency-key-header-07. What is kept is bound to the
caller: the key of another caller is another key.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bedplate._networks import network_of
from bedplate.asgi.answer import answer_problem
from bedplate.asgi.idempotency_record import Answer, Seal
from bedplate.asgi.idempotency_store import IdempotencyStore
from bedplate.asgi.problems import Problem, problem_for, status_problem
from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from bedplate.context import bind, current_context
from bedplate.errors import UnavailableError
from bedplate.logging import get_logger

type CallerOf = Callable[[Scope], str | None]
"""Tells who sends a request, by an identifier that nobody else can use; None for who is unknown."""

METHODS = frozenset({"POST", "PATCH"})
"""The methods that are not idempotent by themselves; at others a key is ignored."""

_HEADER = b"idempotency-key"
_STRING = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"')  # RFC 9651 section 3.3.3
_BARE = re.compile(rb"[A-Za-z0-9._~+/=:-]{1,255}")  # as most clients write it
_CLAIM = 30.0
_UNAVAILABLE = 503
_OUTCOME_UNKNOWN = "CommitOutcomeUnknownError"
_MALFORMED = Problem(
    400, "invalid_idempotency_key", "Idempotency-Key is one string of 1 to 255 characters."
)
_IN_USE = Problem(
    409, "idempotency_key_in_use", "The request with this Idempotency-Key is being carried out.",
    {"retry-after": "1"},
)  # fmt: skip
_REUSED = Problem(
    422, "idempotency_key_reused", "This Idempotency-Key was used for another request."
)
_NOT_KEPT = Problem(
    409, "idempotent_answer_not_kept",
    "The request with this Idempotency-Key was carried out; its answer was not kept.",
)  # fmt: skip
_log = get_logger("bedplate.idempotency")


class IdempotencyMiddleware:
    """Carries a POST or PATCH with an ``Idempotency-Key`` out once, and repeats its answer.

    - The same request again gets the same answer, with ``Idempotency-Replayed: true``.
    - The same while the first is being carried out is a 409; another request under the key a 422.
    - What was refused (4xx, and 503) is not kept: nothing was done, and sent again it is judged
      anew. A 500 is kept: what had been done by then, nobody knows.
    - Where an answer is larger than ``most_bytes`` or says ``Cache-Control: no-store``, only the
      fact is kept: the request is not carried out again, and a repetition is a 409.
    - A request whose process dies or is cancelled frees its key after half a minute.

    Bodies of such requests are read whole before the application sees them; others pass untouched.
    """

    def __init__(
        self,
        app: ASGIApp,
        store: IdempotencyStore,
        secret: bytes,
        *,
        caller: CallerOf | None = None,
        keep: float = 86_400,
        most_bytes: int = 1_048_576,
    ) -> None:
        """Wrap an application.

        Args:
            app: the application.
            store: where answers are kept; it is closed when the application has ended.
            secret: what keys and requests are hashed with before they are kept.
            caller: tells who sends a request; None, and where it gives None: whoever has the
                same Authorization header, else the same cookies, else the same network.
            keep: seconds for which an answer is kept.
            most_bytes: the largest body of an answer that is kept.
        """
        self.app = app
        self._store = store
        self._seal = Seal(secret)
        self._caller = caller
        self._keep = keep
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            try:
                await self.app(scope, receive, send)
            finally:
                await self.close()
            return
        given = _given_keys(scope)
        if not given:
            await self.app(scope, receive, send)
            return
        key = _parse(given)
        if key is None:
            await answer_problem(_MALFORMED, scope, receive, send)
            return
        body = await _whole_body(receive)
        if body is None:  # the client left before it had sent all of it
            return
        stored_under = self._seal.key(self._caller_of(scope), key)
        claim = self._seal.claim(scope, body)
        try:
            present = await self._store.begin(stored_under, claim, _CLAIM)
        except UnavailableError as error:
            _log.error("idempotency_store_unavailable")
            await answer_problem(problem_for(error), scope, receive, send)
            return
        if present is None:
            once = _Once(self, scope, send, stored_under, claim)
            await once.carry_out(_replaying(body, receive))
        else:
            await self._repeat(present, claim, scope, receive, send)

    async def close(self) -> None:
        """Let go of what the store holds open."""
        await self._store.close()

    async def _repeat(
        self, present: bytes, claim: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if not self._seal.same_request(present, claim):
            await answer_problem(_REUSED, scope, receive, send)
        elif self._seal.is_claim(present):
            await answer_problem(_IN_USE, scope, receive, send)
        elif (answer := self._seal.open(present)) is None:
            await answer_problem(_NOT_KEPT, scope, receive, send)
        else:
            bind(idempotency="replayed")  # into the access record
            for message in answer.messages():
                await send(message)

    def _caller_of(self, scope: Scope) -> str:
        known = self._caller(scope) if self._caller is not None else None
        return f"caller {known}" if known is not None else _credentials_of(scope)


class _Once:
    """One request that is carried out, and the ``send`` that keeps what it is answered."""

    def __init__(
        self, layer: IdempotencyMiddleware, scope: Scope, send: Send, key: str, claim: bytes
    ) -> None:
        self._layer, self._scope, self._raw_send = layer, scope, send
        self._key, self._claim = key, claim
        self._answer = Answer(most_bytes=layer._most_bytes)
        self._settled = False

    async def carry_out(self, receive: Receive) -> None:
        """Let the application answer."""
        with self._renewing():
            try:
                await self._layer.app(self._scope, receive, self.send)
            except Exception:
                await self._settle_unanswered()
                raise
            await self._settle_unanswered()

    async def send(self, message: Message) -> None:
        """Pass an answer on; its end only when all of it is kept, lest a repetition comes before."""
        self._answer.add(message)
        if self._answer.complete:
            await self._settle()
        await self._raw_send(message)

    async def _settle_unanswered(self) -> None:
        """Keep what the layer outside will answer where the application gave no answer."""
        if not self._answer.complete:
            if not self._answer.started:
                context = current_context()
                body = (problem := status_problem(500)).body(
                    context.request_id if context else None
                )
                self._answer = Answer(500, problem.raw_headers(body), [body], complete=True)
            await self._settle()

    async def _settle(self) -> None:
        if self._settled:
            return
        self._settled = True
        store, seal = self._layer._store, self._layer._seal
        try:
            if _nothing_was_done(self._answer.status):
                await store.release(self._key, self._claim)
                return
            value = seal.answer(self._claim, self._answer)
            if await store.replace(self._key, self._claim, value, self._layer._keep):
                return
        except UnavailableError:
            pass
        _log.error("idempotent_answer_lost")  # the claim ends by itself

    @contextmanager
    def _renewing(self) -> Iterator[None]:
        """Keep the claim alive while the application works."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(_CLAIM / 3)
                with suppress(UnavailableError):
                    await self._layer._store.replace(self._key, self._claim, self._claim, _CLAIM)

        task = asyncio.get_running_loop().create_task(renew())
        try:
            yield
        finally:
            task.cancel()


def _nothing_was_done(status: int) -> bool:
    if status == _UNAVAILABLE:
        context = current_context()
        return context is None or context.error_type != _OUTCOME_UNKNOWN
    return 400 <= status < 500  # noqa: PLR2004


def _given_keys(scope: Scope) -> list[bytes]:
    if scope["type"] != "http" or scope["method"] not in METHODS:
        return []
    return [value for name, value in scope["headers"] if name == _HEADER]


def _parse(given: list[bytes]) -> bytes | None:
    if len(given) != 1:
        return None
    value = given[0].strip(b" \t")
    if (quoted := _STRING.fullmatch(value)) is not None:
        return re.sub(rb"\\(.)", rb"\1", quoted[1])
    return value if _BARE.fullmatch(value) else None


def _credentials_of(scope: Scope) -> str:
    for wanted in (b"authorization", b"cookie"):
        values = [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
        if values:
            return f"{wanted.decode()} {values}"
    client = scope.get("client")
    return f"network {network_of(client[0])}" if client else "nobody"


async def _whole_body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replaying(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
