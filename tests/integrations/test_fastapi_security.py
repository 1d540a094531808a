"""Bearer tokens as a dependency of FastAPI, and who calls with them."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from bedplate.errors import InvalidTokenError
from bedplate.integrations.fastapi import BearerAuth, BearerToken, install, no_store
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

URL = "/api/v1/auth/token"


async def authenticate(request: Request, token: str) -> str:
    if token == "stale":
        raise InvalidTokenError
    assert request.url.path == "/token"
    return token


@pytest.fixture(params=[BearerToken(URL), BearerAuth(URL, authenticate)], ids=["token", "caller"])
def dependency(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def app(dependency: Any) -> FastAPI:
    settings = load_settings(
        ServiceSettings,
        _env_file=None,
        environment="development",
        secret_key=generate_secret(),
    )
    app = FastAPI()
    install(app, settings)

    @app.get("/token", dependencies=[Depends(no_store)])
    async def give(token: Annotated[str, Depends(dependency)]) -> dict[str, str]:
        return {"token": token}

    return app


async def test_the_token_is_given_and_not_stored(client: httpx.AsyncClient) -> None:
    response = await client.get("/token", headers={"authorization": "Bearer abc.def"})
    assert response.json() == {"token": "abc.def"}
    assert response.headers["cache-control"] == "no-store"


async def test_the_documentation_knows_where_to_sign_in(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    [scheme] = schema["components"]["securitySchemes"].values()
    assert scheme["flows"]["password"]["tokenUrl"] == "api/v1/auth/token"
    assert schema["paths"]["/token"]["get"]["security"] == [{"Bearer": []}]


@pytest.mark.unhappy
async def test_no_token_is_unauthenticated_without_an_error(client: httpx.AsyncClient) -> None:
    response = await client.get("/token")
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="api"'


@pytest.mark.unhappy
async def test_another_scheme_is_no_token(client: httpx.AsyncClient) -> None:
    response = await client.get("/token", headers={"authorization": "Basic YTpi"})
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


@pytest.mark.unhappy
@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b"])
async def test_a_malformed_header_is_a_bad_request(client: httpx.AsyncClient, value: str) -> None:
    response = await client.get("/token", headers=[("authorization", value)])
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


@pytest.mark.unhappy
async def test_two_headers_are_a_bad_request(client: httpx.AsyncClient) -> None:
    twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")]
    response = await client.get("/token", headers=twice)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


@pytest.mark.unhappy
@pytest.mark.parametrize("dependency", [BearerAuth(URL, authenticate)])
async def test_who_is_not_authenticated_does_not_come_in(client: httpx.AsyncClient) -> None:
    response = await client.get("/token", headers={"authorization": "Bearer stale"})
    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")


@pytest.mark.unhappy
@pytest.mark.parametrize("dependency", [BearerAuth(URL, authenticate)])
async def test_a_test_may_put_somebody_in_its_place(
    client: httpx.AsyncClient, app: FastAPI, dependency: Any
) -> None:
    app.dependency_overrides[dependency] = lambda: "somebody"
    assert (await client.get("/token")).json() == {"token": "somebody"}
