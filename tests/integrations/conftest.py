"""FastAPI applications with everything installed, and what they log."""

import io
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bedplate.asgi import RateLimit
from bedplate.health import Check, Health
from bedplate.integrations.fastapi import install
from bedplate.logging import configure_logging
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings


class Service:
    """An application, its log, and clients to call it with."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def install[A](
        self,
        app: A,
        *,
        checks: dict[str, Check] | None = None,
        install: Callable[..., Health] = install,
        rate_limits: Sequence[RateLimit] = (),
        **options: Any,
    ) -> A:
        """Install everything; ``options`` are settings."""
        given = {"environment": "development", "secret_key": generate_secret(), **options}
        settings = load_settings(ServiceSettings, _env_file=None, **given)
        install(app, settings, checks=checks, rate_limits=rate_limits)
        configure_logging("DEBUG", json=True, stream=self.stream)
        return app

    @asynccontextmanager
    async def client(self, app: Any, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        """Call the application in this process, as a server would."""
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", **options
        ) as client:
            yield client

    def records(self, event: str | None = None) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [record for record in found if event is None or record["event"] == event]

    def routes(self) -> list[str]:
        return [record["http.route"] for record in self.records("request")]


@pytest.fixture
def service() -> Iterator[Service]:
    """The harness; logging is set back afterwards."""
    yield Service()
    configure_logging("INFO", json=True)


@pytest.fixture
def problem_of() -> Callable[[httpx.Response], dict[str, Any]]:
    """Check that a response is a problem document with its request id, and give it."""

    def check(response: httpx.Response) -> dict[str, Any]:
        assert response.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = response.json()
        assert document["request_id"] == response.headers["x-request-id"]
        assert document["status"] == response.status_code
        assert document["code"]
        return document

    return check
