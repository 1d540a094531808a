"""bedplate.integrations.asgi: any application, operated."""

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bedplate.errors import ConfigurationError, DatabaseUnavailableError, NotFoundError
from bedplate.integrations.asgi import Operations
from bedplate.logging import configure_logging
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

ERRORS: dict[str, Exception] = {
    "/missing": NotFoundError(resource="Order"),
    "/down": DatabaseUnavailableError(),
    "/wrong": ConfigurationError("canary"),
    "/bug": ValueError("canary"),
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] in ERRORS:
        raise ERRORS[scope["path"]]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"plain"})
    if scope["path"] == "/late":
        raise NotFoundError


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    yield io.StringIO()
    configure_logging("INFO", json=True)


async def get(
    stream: io.StringIO, path: str, method: str = "GET", root: str = "", **options: Any
) -> httpx.Response:
    given = {"environment": "development", "secret_key": generate_secret(), **options}
    whole = Operations(app, load_settings(ServiceSettings, _env_file=None, **given))
    configure_logging("DEBUG", json=True, stream=stream)
    transport = httpx.ASGITransport(whole, raise_app_exceptions=False, root_path=root)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, root + path)


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("root", ["", "/proxied"])
async def test_health_and_metrics_answer_and_everything_else_is_the_applications(
    stream: io.StringIO, root: str
) -> None:
    for path in ("/health/live", "/health/ready", "/health/startup", "/metrics"):
        assert (await get(stream, path, root=root)).status_code == 200
    assert (await get(stream, "/", root=root)).text == "plain"
    routes = [record["http.route"] for record in records(stream)]
    assert routes == [
        "/health/live",
        "/health/ready",
        "/health/startup",
        "/metrics",
        "unmatched",
    ]


@pytest.mark.unhappy
@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/down", 503)])
async def test_a_domain_error_is_answered_without_an_error_record(
    stream: io.StringIO, path: str, status: int
) -> None:
    answer = await get(stream, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert "error" not in [record["level"] for record in records(stream)]


@pytest.mark.unhappy
@pytest.mark.parametrize("path", ["/bug", "/wrong"])
async def test_what_is_our_own_fault_is_one_error_record_and_tells_nothing(
    stream: io.StringIO, path: str
) -> None:
    answer = await get(stream, path)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "canary" not in answer.text
    assert [record["level"] for record in records(stream)].count("error") == 1


@pytest.mark.unhappy
async def test_a_domain_error_after_the_answer_is_a_bug(stream: io.StringIO) -> None:
    assert (await get(stream, "/late")).status_code == 200
    assert [record["level"] for record in records(stream)].count("error") == 1


@pytest.mark.unhappy
async def test_a_probe_is_only_read(stream: io.StringIO) -> None:
    answer = await get(stream, "/health/live", "POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.unhappy
async def test_limits_hold_here_too(stream: io.StringIO) -> None:
    answer = await get(stream, "/", rate_limit="1/minute")
    assert answer.headers["ratelimit"] == '"default";r=0;t=60'
