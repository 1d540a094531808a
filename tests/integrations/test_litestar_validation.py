"""What Litestar refuses before an endpoint sees it, as problem details."""

from collections.abc import Callable
from typing import Annotated, Any

import httpx
import litestar
import msgspec
import pytest
from litestar.exceptions import ValidationException
from litestar.params import Body, PathParameter
from pydantic import BaseModel, Field, field_validator
from tests.integrations.conftest import Service

from bedplate.integrations.litestar import install

SECRET = "hunter2-and-more"


class Item(BaseModel):
    name: str = Field(min_length=3)
    count: int = 1
    password: str = ""

    @field_validator("password")
    @classmethod
    def _check(cls, password: str) -> str:
        if password:
            raise ValueError(f"{password} is too well known")
        return password


class Plain(msgspec.Struct):
    count: int


@litestar.post("/items/{number:int}")
async def create(
    number: Annotated[int, PathParameter(lt=100)], data: Annotated[Item, Body()]
) -> Item:
    return data


@litestar.post("/plain")
async def plain(data: Annotated[Plain, Body()]) -> int:
    return data.count


@litestar.get("/refused")
async def refused() -> None:
    raise ValidationException("The week has no such day.")


@pytest.fixture
def app(service: Service) -> litestar.Litestar:
    handlers = [create, plain, refused]
    return service.install(litestar.Litestar(handlers, logging_config=None), install=install)


async def test_what_fits_is_let_through(app: litestar.Litestar, service: Service) -> None:
    async with service.client(app) as client:
        response = await client.post("/items/1", json={"name": "door"})
    assert (response.status_code, response.json()["name"]) == (201, "door")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "ab"}, "name"),
        ({}, "name"),
        ({"name": "door", "count": "many"}, "count"),
        ({"name": "door", "password": SECRET}, "password"),
    ],
)
async def test_a_body_that_does_not_fit_names_the_fields_and_no_value(
    app: litestar.Litestar,
    service: Service,
    problem_of: Callable[[httpx.Response], Any],
    body: dict[str, Any],
    field: str,
) -> None:
    async with service.client(app) as client:
        response = await client.post("/items/1", json=body)
    document = problem_of(response)
    assert (response.status_code, document["code"]) == (422, "invalid_request_data")
    assert [(error["location"], error["field"]) for error in document["errors"]] == [
        ("body", field)
    ]
    assert SECRET not in response.text
    assert SECRET not in service.stream.getvalue()


@pytest.mark.unhappy
async def test_other_kinds_of_schema_name_their_fields_too(
    app: litestar.Litestar, service: Service, problem_of: Callable[[httpx.Response], Any]
) -> None:
    async with service.client(app) as client:
        response = await client.post("/plain", json={"count": "many"})
    (error,) = problem_of(response)["errors"]
    assert (response.status_code, error["location"]) == (422, "body")
    assert "many" not in response.text


@pytest.mark.unhappy
async def test_a_parameter_that_does_not_fit_is_named_with_its_place(
    app: litestar.Litestar, service: Service, problem_of: Callable[[httpx.Response], Any]
) -> None:
    async with service.client(app) as client:
        response = await client.post("/items/100", json={"name": "door"})
    (error,) = problem_of(response)["errors"]
    assert (response.status_code, error["location"], error["field"]) == (422, "path", "number")


@pytest.mark.unhappy
@pytest.mark.parametrize("content", [b"{", b"\xff", b"", b"nope", b"[" * 100_000])
async def test_what_is_no_json_is_400(
    app: litestar.Litestar,
    service: Service,
    problem_of: Callable[[httpx.Response], Any],
    content: bytes,
) -> None:
    async with service.client(app) as client:
        response = await client.post("/items/1", content=content)
    assert response.status_code in {400, 422}
    assert problem_of(response)["code"] in {"malformed_json", "invalid_request_data"}


@pytest.mark.unhappy
async def test_what_a_service_refuses_itself_is_said(
    app: litestar.Litestar, service: Service, problem_of: Callable[[httpx.Response], Any]
) -> None:
    async with service.client(app) as client:
        document = problem_of(await client.get("/refused"))
    assert (document["status"], document["detail"]) == (422, "The week has no such day.")
