"""The OpenAPI document tells the truth about errors."""

from typing import Any

import pytest
from fastapi import FastAPI

from bedplate.asgi import RateLimit
from bedplate.integrations.fastapi import error_responses
from bedplate.rate import Rate
from bedplate.schemas import ErrorResponse, FieldError

from .conftest import Service

REFERENCE = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}


@pytest.fixture
def app(service: Service) -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item_id}", responses=error_responses(401, 404))
    async def item(item_id: int) -> int:
        return item_id

    @app.get("/plain")
    async def plain() -> int:
        return 1

    return service.install(app)


def responses(app: FastAPI, path: str) -> dict[str, Any]:
    found: dict[str, Any] = app.openapi()["paths"][path]["get"]["responses"]
    return found


def test_documented_errors_are_problems(app: FastAPI) -> None:
    found = responses(app, "/items/{item_id}")
    assert found["401"] == {"description": "Unauthorized", "content": REFERENCE}
    assert found["404"] == {"description": "Not Found", "content": REFERENCE}
    assert found["422"] == {"description": "Unprocessable Content", "content": REFERENCE}


def test_the_schema_of_errors_is_ours_and_complete(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    assert set(schemas) == {"ErrorResponse", "FieldError"}
    assert set(schemas["ErrorResponse"]["properties"]) == set(ErrorResponse.model_fields)
    assert set(schemas["FieldError"]["properties"]) == set(FieldError.model_fields)


@pytest.mark.unhappy
def test_fastapis_own_error_schemas_are_gone(app: FastAPI) -> None:
    assert "ValidationError" not in str(app.openapi())


@pytest.mark.unhappy
def test_routes_that_are_added_later_are_documented_too(app: FastAPI) -> None:
    app.openapi()

    @app.get("/later/{number}")
    async def later(number: int) -> int:
        return number

    app.openapi_schema = None
    assert responses(app, "/later/{number}")["422"]["content"] == REFERENCE
    assert responses(app, "/later/{number}") == responses(app, "/later/{number}")


@pytest.mark.unhappy
def test_without_errors_nothing_is_added(service: Service) -> None:
    app = FastAPI()

    @app.get("/plain")
    async def plain() -> int:
        return 1

    service.install(app)
    assert "components" not in app.openapi()


@pytest.mark.unhappy
def test_a_model_of_the_services_own_is_not_taken_for_an_error(service: Service) -> None:
    app = FastAPI()

    @app.get("/failures", responses={409: {"model": FieldError}})
    async def failures(number: int = 1) -> int:
        return number

    service.install(app)
    assert list(responses(app, "/failures")["409"]["content"]) == ["application/json"]


@pytest.mark.unhappy
async def test_what_a_limit_covers_may_answer_429_and_says_so(service: Service) -> None:
    app = FastAPI()

    @app.post("/users")
    async def register() -> None:
        return None

    @app.get("/users/{user_id}", responses=error_responses(429))
    async def read(user_id: int) -> None:
        return None

    @app.get("/free")
    async def free() -> None:
        return None

    strict = RateLimit("sign-up", Rate(1, 60), paths=("/users",))
    service.install(app, rate_limits=[strict])
    async with service.client(app) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    for operation in (paths["/users"]["post"], paths["/users/{user_id}"]["get"]):
        refused = operation["responses"]["429"]
        assert list(refused["content"]) == ["application/problem+json"]
        assert {"Retry-After", "RateLimit", "RateLimit-Policy"} == set(refused["headers"])
    assert "429" not in paths["/free"]["get"]["responses"]
