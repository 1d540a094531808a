"""What is kept of a request with an idempotency key: hashes of it, and what it was answered."""

import base64
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bedplate.asgi.problems import CONTENT_TYPE
from bedplate.asgi.types import Header, Message, Scope

_LABEL = b"bedplate/idempotency"
_DIGEST = 32
_CLAIM, _ANSWER = b"c", b"a"
# of one exchange, or of one session
_NOT_REPEATED = {
    b"connection", b"date", b"keep-alive", b"set-cookie", b"trailer", b"transfer-encoding", b"upgrade",
}  # fmt: skip


@dataclass(slots=True)
class Answer:
    """An answer, gathered from its messages or read from where it was kept.

    Args:
        status: the HTTP status; 0 until it is known.
        headers: as ASGI has them.
        parts: of the body.
        most_bytes: how large a body is gathered.
    """

    status: int = 0
    headers: Sequence[Header] = ()
    parts: list[bytes] = field(default_factory=list)
    most_bytes: int = 0
    complete: bool = False
    whole: bool = True
    _size: int = 0

    @property
    def started(self) -> bool:
        """Whether there is a status."""
        return self.status > 0

    def add(self, message: Message) -> None:
        """Take one message of the application in."""
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            self.headers = [(bytes(n), bytes(v)) for n, v in message.get("headers", ())]
        elif kind == "http.response.body":
            part = message.get("body", b"")
            self._size += len(part)
            if self._size > self.most_bytes:
                self.whole = False
                self.parts.clear()
            elif part:
                self.parts.append(bytes(part))
            self.complete = not message.get("more_body", False)
        elif kind in {"http.response.pathsend", "http.response.zerocopysend"}:
            self.whole = False  # the server reads the body itself
            self.complete = not message.get("more_body", False)

    @property
    def may_be_kept(self) -> bool:
        """Whether all of it is here and it does not forbid to be stored; our errors may be."""
        forbids = any(n == b"cache-control" and b"no-store" in v.lower() for n, v in self.headers)
        ours = (b"content-type", CONTENT_TYPE.encode()) in self.headers
        return self.whole and self.complete and (ours or not forbids)

    def messages(self) -> Iterator[Message]:
        """Give it as ASGI messages, marked as a repetition."""
        headers = [*self.headers, (b"idempotency-replayed", b"true")]
        yield {"type": "http.response.start", "status": self.status, "headers": headers}
        yield {"type": "http.response.body", "body": b"".join(self.parts)}


class Seal:
    """Makes and reads what a store keeps: no key, caller or request stands in it, only HMACs.

    Args:
        secret: the key of the HMACs, so that nobody guesses what was hashed.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = hmac.digest(secret, _LABEL, "sha256")

    def key(self, caller: str, key: bytes) -> str:
        """Give what an answer is kept under."""
        return self._hash([caller.encode("utf-8", "surrogatepass"), key]).hex()

    def claim(self, scope: Scope, body: bytes) -> bytes:
        """Give the claim of one request, unlike any other's."""
        types = [value for name, value in scope["headers"] if name == b"content-type"]
        path = scope["path"].encode("utf-8", "surrogatepass")
        request = [scope["method"].encode(), path, scope.get("query_string", b""), *types[:1], body]
        return _CLAIM + self._hash(request) + secrets.token_bytes(16)

    def answer(self, claim: bytes, answer: Answer) -> bytes:
        """Give what is kept of an answer."""
        kept = _packed(answer) if answer.may_be_kept else b""
        return _ANSWER + claim[1 : 1 + _DIGEST] + kept

    def is_claim(self, value: bytes) -> bool:
        """Tell a claim from an answer."""
        return value.startswith(_CLAIM)

    def same_request(self, value: bytes, claim: bytes) -> bool:
        """Tell whether a kept value is about the request of a claim."""
        return hmac.compare_digest(value[1 : 1 + _DIGEST], claim[1 : 1 + _DIGEST])

    def open(self, value: bytes) -> Answer | None:
        """Give the kept answer, or None where only the fact was kept."""
        kept = value[1 + _DIGEST :]
        return _unpacked(kept) if kept else None

    def _hash(self, parts: Iterable[bytes]) -> bytes:
        lengths = b"".join(len(part).to_bytes(8) + part for part in parts)
        return hmac.digest(self._secret, lengths, "sha256")


def _packed(answer: Answer) -> bytes:
    headers = [
        [name.decode("latin-1"), value.decode("latin-1")]
        for name, value in answer.headers
        if name.lower() not in _NOT_REPEATED
    ]
    body = base64.b64encode(b"".join(answer.parts)).decode()
    return json.dumps([answer.status, headers, body]).encode()


def _unpacked(kept: bytes) -> Answer:
    status, headers, body = json.loads(kept)
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return Answer(status, raw, [base64.b64decode(body)], complete=True)
