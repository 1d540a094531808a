"""A bare ASGI harness: what a server does, without one."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bedplate.asgi.types import ASGIApp, Message
from bedplate.logging import configure_logging


class Records(io.StringIO):
    """What was logged."""

    def all(self, event: str | None = None) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.getvalue().splitlines()]
        return [record for record in found if event is None or record["event"] == event]

    def access(self) -> dict[str, Any]:
        (record,) = self.all("request")
        return record


class Client:
    """Calls an application with one request and keeps what it sends."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.sent: list[Message] = []
        self.fail_send: BaseException | None = None

    async def __call__(
        self,
        method: str = "GET",
        path: str = "/",
        *,
        headers: list[tuple[bytes, bytes]] | None = None,
        chunks: list[bytes] | None = None,
        **more: Any,
    ) -> "Client":
        self.sent.clear()
        parts = list(chunks or [b""])
        scope = {
            "type": "http", "method": method, "path": path, "headers": headers or [],
            "client": ("203.0.113.7", 1), "query_string": b"", **more,
        }  # fmt: skip

        async def receive() -> Message:
            if not parts:
                return {"type": "http.disconnect"}
            body = parts.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(parts)}

        async def send(message: Message) -> None:
            if self.fail_send is not None:
                raise self.fail_send
            self.sent.append(message)

        await self.app(scope, receive, send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(self.sent[0]["headers"])

    def header(self, name: bytes) -> bytes:
        (value,) = [value for key, value in self.headers if key == name]
        return value

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    def problem(self) -> dict[str, Any]:
        assert self.header(b"content-type") == b"application/problem+json"
        assert self.header(b"content-length") == str(len(self.body)).encode()
        document: dict[str, Any] = json.loads(self.body)
        return document


@pytest.fixture
async def records() -> AsyncIterator[Records]:
    """What is logged while the test runs; asynchronous, so that the loop has logged its beginning."""
    stream = Records()
    configure_logging("DEBUG", json=True, stream=stream)
    yield stream
    configure_logging("INFO", json=True)
