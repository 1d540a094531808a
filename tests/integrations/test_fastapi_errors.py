"""Every error of a FastAPI application is a problem document."""

from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI, Header, HTTPException, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse

from bedplate.errors import (
    BedplateError,
    ConfigurationError,
    DatabaseUnavailableError,
    InvalidTokenError,
    NotFoundError,
)
from bedplate.integrations.fastapi import install
from bedplate.schemas import Schema
from bedplate.secret_strength import generate_secret
from bedplate.settings import Environment, ServiceSettings, load_settings

from .conftest import Service

type Problem = Callable[[httpx.Response], dict[str, Any]]

RAISED: dict[str, Exception] = {
    "not-found": NotFoundError(resource="Order"),
    "token": InvalidTokenError(),
    "database": DatabaseUnavailableError(retry_after=3),
    "configuration": ConfigurationError("canary"),
    "bug": ValueError("canary postgresql://app:hunter2@db/app"),
    "teapot": HTTPException(418, "short and stout", {"x-pot": "1"}),
    "detail": HTTPException(409, {"code": "too_late", "message": "The order has left."}),
    "list": HTTPException(400, ["canary"]),
    "bare": HTTPException(404),
    "empty": HTTPException(304),
    "broken": HTTPException(502, "upstream"),
}


class Item(Schema):
    name: str
    price: float
    tags: list[int] = []  # noqa: RUF012 - pydantic copies it


@pytest.fixture
def app(service: Service) -> FastAPI:
    app = FastAPI()

    @app.get("/raise/{kind}")
    async def raise_it(kind: str) -> None:
        raise RAISED[kind]

    @app.post("/items")
    async def create(item: Item) -> Item:
        return item

    @app.post("/raw")
    async def raw(body: Annotated[dict[str, Any], Body()]) -> int:
        return len(body)

    @app.get("/search")
    async def search(
        limit: Annotated[int, Query(le=100)] = 10, x_own: Annotated[int, Header()] = 1
    ) -> int:
        return limit + x_own

    @app.get("/promise")
    async def promise() -> Item:
        return {"name": "canary-row"}  # type: ignore[return-value]

    @app.websocket("/ws")
    async def ws(websocket: WebSocket, number: int) -> None:
        await websocket.accept()

    return service.install(app)


async def test_good_requests_are_answered_as_ever(service: Service, app: FastAPI) -> None:
    async with service.client(app) as client:
        response = await client.post("/items", json={"name": "a", "price": 2})
    assert (response.status_code, response.json()) == (200, {"name": "a", "price": 2.0, "tags": []})
    assert response.headers["content-type"] == "application/json"


async def test_handlers_of_the_services_own_are_kept(service: Service) -> None:
    def own(_request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"own {type(error).__name__}", 500)

    own_kinds = (RequestValidationError, BedplateError, Exception)
    handlers: dict[Any, Any] = dict.fromkeys(own_kinds, own)
    app = FastAPI(exception_handlers=handlers)

    @app.get("/raise/{kind}")
    async def raise_it(kind: str, number: int = 1) -> None:
        raise RAISED[kind]

    service.install(app)
    async with service.client(app) as client:
        texts = [
            (await client.get(path)).text
            for path in ("/raise/bug", "/raise/not-found", "/raise/bug?number=x")
        ]
    assert texts == ["own ValueError", "own NotFoundError", "own RequestValidationError"]
    assert service.records("request")[0]["error.type"] == "ValueError"
    assert len(service.records("unhandled exception")) == 1


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("kind", "status", "code", "detail"),
    [
        ("not-found", 404, "not_found", "Order not found."),
        ("token", 401, "invalid_token", "The access token is not valid."),
        (
            "database",
            503,
            "database_unavailable",
            "The database is not available now; try again later.",
        ),
        ("configuration", 500, "internal_error", None),
        ("bug", 500, "internal_error", None),
        ("teapot", 418, "teapot", "short and stout"),
        ("detail", 409, "too_late", "The order has left."),
        ("list", 400, "bad_request", "Bad Request."),
        ("bare", 404, "not_found", "There is nothing at this address."),
        ("broken", 502, "bad_gateway", "upstream"),
    ],
)
async def test_whatever_is_raised_becomes_a_problem(
    service: Service,
    app: FastAPI,
    problem_of: Problem,
    kind: str,
    status: int,
    code: str,
    detail: str | None,
) -> None:
    async with service.client(app) as client:
        response = await client.get(f"/raise/{kind}")
    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (status, code)
    assert detail is None or problem["detail"] == detail
    assert "canary" not in response.text
    assert response.headers["cache-control"] == "no-store"
    (access,) = service.records("request")
    assert ("error.type" in access) == (status >= 500)


@pytest.mark.unhappy
async def test_headers_of_errors_are_kept(service: Service, app: FastAPI) -> None:
    async with service.client(app) as client:
        assert (await client.get("/raise/teapot")).headers["x-pot"] == "1"
        assert (await client.get("/raise/database")).headers["retry-after"] == "3"
        assert "invalid_token" in (await client.get("/raise/token")).headers["www-authenticate"]
        assert (await client.get("/items")).headers["allow"] == "POST"
        empty = await client.get("/raise/empty")
    assert (empty.status_code, empty.content) == (304, b"")


@pytest.mark.unhappy
@pytest.mark.parametrize("kind", ["bug", "configuration"])
async def test_a_500_leaves_one_error_record_without_secrets(
    service: Service, app: FastAPI, kind: str
) -> None:
    async with service.client(app) as client:
        response = await client.get(f"/raise/{kind}", headers={"x-request-id": "abcdefgh"})
    (failed,) = [record for record in service.records() if record["level"] == "error"]
    assert failed["request_id"] == response.json()["request_id"] == "abcdefgh"
    assert failed["http.route"] == "/raise/{kind}"
    assert "hunter2" not in service.stream.getvalue()
    assert len(service.records()) == 2


@pytest.mark.unhappy
async def test_a_response_that_breaks_its_promise_is_a_500_without_the_row(
    service: Service, app: FastAPI, problem_of: Problem
) -> None:
    async with service.client(app) as client:
        assert problem_of(await client.get("/promise"))["status"] == 500
    assert "'input'" in service.stream.getvalue()
    last_line = service.records("unhandled exception")[0]["exception"].split(
        "ResponseValidationError:"
    )[-1]
    assert "canary-row" not in last_line


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{nope", 400, "malformed_json"),
        (b"", 422, "invalid_request_data"),
        (b"null", 422, "invalid_request_data"),
        (b'"\xff"', 400, "malformed_json"),
        ('{"name": "a", "price": 1}'.encode("utf-16")[:-1], 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b'{"a":' * 100_000, 400, "malformed_json"),
        (b'{"name": "a", "price": 1' + b"0" * 5000 + b"}", 400, "malformed_json"),
        (b'{"name": "\\ud800", "price": 1}', 422, "invalid_request_data"),
        (b'{"name": "\\u0000", "price": 1}', 422, "invalid_request_data"),
        (b'{"name": "a", "price": 1, "\\ud800": "canary"}', 422, "invalid_request_data"),
        (b"x" * 2_000_000, 413, "content_too_large"),
    ],
)
async def test_bodies_that_no_schema_fits_are_the_clients_error(
    service: Service, app: FastAPI, problem_of: Problem, body: bytes, status: int, code: str
) -> None:
    async with service.client(app) as client:
        response = await client.post(
            "/items", content=body, headers={"content-type": "application/json"}
        )
    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (status, code)
    assert "canary" not in response.text
    assert not [record for record in service.records() if record["level"] == "error"]


@pytest.mark.unhappy
async def test_a_streamed_body_beyond_the_limit_is_a_413(
    service: Service, app: FastAPI, problem_of: Problem
) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 100_000

    async with service.client(app) as client:
        response = await client.post(
            "/raw", content=chunks(), headers={"content-type": "application/json"}
        )
    assert problem_of(response)["code"] == "content_too_large"


@pytest.mark.unhappy
async def test_field_errors_say_where_and_never_what(
    service: Service, app: FastAPI, problem_of: Problem
) -> None:
    async with service.client(app) as client:
        body = await client.post(
            "/items", json={"price": "canary", "tags": [1, "canary"], "extra": "canary"}
        )
        query = await client.get("/search?limit=1000", headers={"x-own": "canary"})
    errors = problem_of(body)["errors"]
    assert {(error["location"], error["field"], error["code"]) for error in errors} == {
        ("body", "name", "missing"), ("body", "price", "float_parsing"), ("body", "tags.1", "int_parsing"),
        ("body", "extra", "extra_forbidden"),
    }  # fmt: skip
    assert {(error["location"], error["field"]) for error in problem_of(query)["errors"]} == {
        ("query", "limit"), ("header", "x-own"),
    }  # fmt: skip
    assert "canary" not in body.text + query.text


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("DELETE", "/items", 405, "method_not_allowed"), ("GET", "/%00", 404, "not_found")],
)  # fmt: skip
async def test_addresses_and_methods_that_are_not_there(
    service: Service,
    app: FastAPI,
    problem_of: Problem,
    method: str,
    path: str,
    status: int,
    code: str,
) -> None:
    async with service.client(app) as client:
        problem = problem_of(await client.request(method, path))
    assert (problem["status"], problem["code"]) == (status, code)


@pytest.mark.unhappy
async def test_a_websocket_with_wrong_parameters_is_closed_without_an_echo(app: FastAPI) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b"number=canary"}
    await app({**scope, "subprotocols": [], "root_path": ""}, receive, send)
    (closed,) = sent
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert "canary" not in closed["reason"]


@pytest.mark.unhappy
async def test_install_refuses_to_come_too_late_or_twice(service: Service) -> None:
    app = FastAPI()
    settings = load_settings(
        ServiceSettings,
        _env_file=None,
        environment=Environment.DEVELOPMENT,
        secret_key=generate_secret(),
    )
    install(app, settings)
    with pytest.raises(RuntimeError, match="before"):
        install(app, settings)
    started = FastAPI()
    async with service.client(started) as client:
        await client.get("/")
    with pytest.raises(RuntimeError, match="before the application starts"):
        install(started, settings)
