"""New passwords against the policy, and against a list of breached ones on a real HTTP server."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.ports import free_port

from bedplate.auth.breached_passwords import BreachedPasswords
from bedplate.auth.password_policy import PasswordPolicy
from bedplate.errors import ConfigurationError, WeakPasswordError

STOLEN = "kite-lantern-41-otter"
FRESH = "otter-41-lantern-kite"


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


class Mirror(ThreadingHTTPServer):
    """Answers as the public list does, or whatever a test puts in its place."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.answer: tuple[int, bytes] | None = None
        super().__init__(("127.0.0.1", free_port()), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["add-padding"]))
        listed = f"{sha1(STOLEN)[5:]}:12\r\n{sha1(FRESH)[5:]}:0\r\n{'0' * 35}:3".encode()
        status, body = self.server.answer or (200, listed)
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


async def test_a_password_that_is_on_no_list_passes(mirror: Mirror) -> None:
    breaches = BreachedPasswords(mirror.url)
    await PasswordPolicy(breaches=breaches).check(FRESH, email="ada@example.com")
    await breaches.close()
    assert len(mirror.asked) == 1


@pytest.mark.unhappy
async def test_a_breached_password_is_refused_by_the_name_that_the_client_gave_it(
    mirror: Mirror,
) -> None:
    breaches = BreachedPasswords(mirror.url)
    with pytest.raises(WeakPasswordError, match="breach") as caught:
        await PasswordPolicy(breaches=breaches).check(STOLEN, field="new_password")
    await breaches.close()
    assert caught.value.field == "new_password"
    assert STOLEN not in str(caught.value)


@pytest.mark.unhappy
async def test_five_digits_of_a_hash_are_all_that_leaves_the_process(mirror: Mirror) -> None:
    breaches = BreachedPasswords(mirror.url)
    assert await breaches.contains(STOLEN)
    await breaches.close()
    assert mirror.asked == [(f"/range/{sha1(STOLEN)[:5]}", "true")]


@pytest.mark.unhappy
async def test_what_is_weak_anyway_is_asked_of_nobody(mirror: Mirror) -> None:
    breaches = BreachedPasswords(mirror.url)
    for password in ("short", "password1234", "x" * 1025):
        with pytest.raises(WeakPasswordError):
            await PasswordPolicy(breaches=breaches).check(password)
    assert not await breaches.contains("é" * 3000)
    await breaches.close()
    assert mirror.asked == []


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "answer",
    [
        (503, b""),
        (302, b""),
        (200, b"<html>"),
        (200, b"\xff:1"),
        (200, b"A:many"),
        (200, b"A:1\n" * 300_000),
    ],
)
async def test_a_list_that_cannot_be_asked_refuses_nobody_and_is_recorded(
    mirror: Mirror, answer: tuple[int, bytes], captured_logs: Any
) -> None:
    mirror.answer = answer
    breaches = BreachedPasswords(mirror.url)
    await PasswordPolicy(breaches=breaches).check(STOLEN)
    await breaches.close()
    assert "breach_list_unavailable" in [record["event"] for record in captured_logs]
    assert STOLEN not in str(captured_logs)


@pytest.mark.unhappy
async def test_nobody_listening_is_no_reason_to_refuse() -> None:
    breaches = BreachedPasswords(f"http://127.0.0.1:{free_port()}")
    assert not await breaches.contains(STOLEN)
    await breaches.close()


@pytest.mark.unhappy
async def test_a_service_may_ask_for_longer_passwords() -> None:
    with pytest.raises(WeakPasswordError, match="30 characters"):
        await PasswordPolicy(minimum_length=30).check(FRESH)


@pytest.mark.unhappy
def test_refuses_a_list_that_is_nowhere() -> None:
    with pytest.raises(ConfigurationError):
        BreachedPasswords("api.example.com")
