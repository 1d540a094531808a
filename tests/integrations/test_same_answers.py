"""The same API on each framework: the same answers to the same requests, the same document."""

import json
from typing import Any

import fastapi
import httpx
import pytest
from tests.integrations.conftest import Service
from tests.integrations.shops import installed

OTHERS = ["starlette", "litestar"]
ID = "01890000-0000-7000-8000-000000000000"
ADA = {"authorization": "Bearer ada"}
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
ANYTHING: dict[str, Any] = {"application/json": {"schema": {}}}
HEADERS = {"content-type", "content-length", "www-authenticate", "cache-control", "allow"}

type Sent = tuple[str, str, dict[str, Any]]

FINE: list[Sent] = [
    ("POST", "/items", {"json": {"name": "dür", "tags": ["a"], "size": "m"}, "headers": ADA}),
    ("GET", "/items", {}),
    ("GET", "/items?size=m&color=red&color=blue&limit=3", {}),
    ("GET", "/items?color=red&size=s&size=m", {}),
    ("PUT", f"/items/{ID}", {"json": {"name": "door"}}),
    ("PUT", f"/items/{{{ID}}}", {"json": {"name": "door"}}),
    ("DELETE", f"/items/{ID}", {"headers": ADA}),
    ("POST", "/token", {"data": {"username": "a+b c", "password": "x"}}),
    (
        "POST",
        "/items",
        {"content": b'{"name": "door"}', "headers": {**ADA, "content-type": "application/x+json"}},
    ),
]
REFUSED: list[Sent] = [
    ("POST", "/items", {"json": {"name": "door"}}),
    ("POST", "/items", {"json": {"name": "door"}, "headers": {"authorization": "Bearer bob"}}),
    ("POST", "/items", {"json": {"name": "door"}, "headers": {"authorization": "Bearer a b"}}),
    ("POST", "/items", {"content": b"{", "headers": JSON}),
    ("POST", "/items", {"content": b"{", "headers": {**ADA, **JSON}}),
    ("POST", "/items", {"content": b"\xff", "headers": {**ADA, **JSON}}),
    ("POST", "/items", {"content": b"[" * 100_000, "headers": {**ADA, **JSON}}),
    ("POST", "/items", {"content": b"", "headers": {**ADA, **JSON}}),
    ("POST", "/items", {"content": b"[]", "headers": {**ADA, **JSON}}),
    ("POST", "/items", {"content": b'{"name": "door"}', "headers": ADA}),
    (
        "POST",
        "/items",
        {"content": b'{"name":"door"}', "headers": {**ADA, "content-type": "text/plain"}},
    ),
    ("POST", "/items", {"content": b'{"name": "\\ud800\\u0000"}', "headers": {**ADA, **JSON}}),
    ("POST", "/items", {"json": {"name": "x", "tags": [1, None], "more": 1}, "headers": ADA}),
    ("POST", "/items", {"json": {"name": "x"}, "headers": {"authorization": "Bearer"}}),
    ("GET", "/items?limit=0&size=xl&more=1&more=2&cursor=", {}),
    ("GET", "/items?limit=", {}),
    ("GET", "/items?limit=%00&color=%ff", {}),
    ("GET", f"/items/{ID}", {}),
    ("GET", f"/items/{ID}?depth=1&depth=many", {}),
    ("GET", "/items/7?depth=x", {}),
    ("PUT", "/items/7", {"json": {"name": "x"}}),
    ("DELETE", "/items/7", {}),
    ("DELETE", "/items/7", {"headers": ADA}),
    ("POST", "/token", {"data": {"username": "ada", "password": "x", "more": ["1", "2"]}}),
    ("POST", "/token", {"json": {"username": "ada", "password": "x"}}),
    ("POST", "/token", {"content": b"", "headers": FORM}),
    ("POST", "/token", {"content": b"%ff=%ff&&=&username", "headers": FORM}),
    ("PATCH", f"/items/{ID}", {}),
    ("HEAD", "/items", {}),
    ("GET", "/nothing", {}),
]
# before, FastAPI refused an empty grant_type, took an empty password, and told null otherwise
if tuple(map(int, fastapi.__version__.split(".")[:2])) >= (0, 151):
    FINE.append(("POST", "/token", {"data": {"username": "a", "password": "x", "grant_type": ""}}))
    REFUSED += [
        ("POST", "/items", {"content": b"null", "headers": {**ADA, **JSON}}),
        ("POST", "/token", {"data": {"username": "ada", "password": ""}}),
    ]


async def answer(service: Service, name: str, request: tuple[str, str, dict[str, Any]]) -> Any:
    """Give what is the same on every framework, and never the id of the request."""
    method, path, options = request
    async with service.client(installed(name, service)) as client:
        response = await client.request(method, path, **options)
    assert response.status_code < 500
    told: Any = response.content
    if response.headers.get("content-type") == "application/problem+json" and told:
        told = {key: value for key, value in json.loads(told).items() if key != "request_id"}
    headers = {name: value for name, value in response.headers.items() if name in HEADERS}
    if not response.content and method != "HEAD":
        headers.pop("content-type", None)  # FastAPI names a type of nothing
    if "allow" in headers:  # Litestar answers OPTIONS too
        headers["allow"] = headers["allow"].replace("OPTIONS, ", "").replace(", OPTIONS", "")
    return response.status_code, told, headers


async def document(service: Service, name: str) -> dict[str, Any]:
    async with service.client(installed(name, service)) as client:
        response: httpx.Response = await client.get("/openapi.json")
    made: dict[str, Any] = response.json()
    return made


def resolved(part: Any, schemas: dict[str, Any]) -> Any:
    """Put schemas in the place of references, and leave out titles, which are made of names."""
    if isinstance(part, list):
        return [resolved(item, schemas) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return resolved(schemas[part["$ref"].rpartition("/")[2]], schemas)
    kept = {
        key: value
        for key, value in part.items()
        if value is not None and (key != "title" or isinstance(value, dict))
    }
    return {key: resolved(value, schemas) for key, value in kept.items()}


def without_rules_of_forms(operation: dict[str, Any]) -> None:
    """Leave the names of a form's fields: FastAPI says no more of some of them."""
    content = operation.get("requestBody", {}).get("content", {})
    for media_type, told in content.items():
        if media_type == FORM["content-type"]:
            content[media_type] = (set(told["schema"]["properties"]), told["schema"]["required"])


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("request_", FINE, ids=lambda request: f"{request[0]} {request[1]}")
async def test_what_fits_is_answered_as_by_fastapi(
    service: Service, name: str, request_: tuple[str, str, dict[str, Any]]
) -> None:
    expected = await answer(service, "fastapi", request_)
    assert expected[0] < 300, expected
    assert await answer(service, name, request_) == expected


@pytest.mark.parametrize("name", OTHERS)
async def test_the_document_tells_the_same_of_each_operation(service: Service, name: str) -> None:
    expected, made = await document(service, "fastapi"), await document(service, name)
    assert made["openapi"] == expected["openapi"]
    assert made["info"] == expected["info"]
    assert made["components"]["securitySchemes"] == expected["components"]["securitySchemes"]
    assert set(made["paths"]) == set(expected["paths"])
    for path, item in expected["paths"].items():
        assert set(made["paths"][path]) == set(item)
        for method, operation in item.items():
            told = resolved(made["paths"][path][method], made["components"]["schemas"])
            wanted = resolved(operation, expected["components"]["schemas"])
            assert told.keys() == wanted.keys(), (path, method)
            for content in (told, wanted):
                without_rules_of_forms(content)
            for key in ("operationId", "summary", "description", "requestBody", "security"):
                assert told.get(key) == wanted.get(key), (path, method, key)
            assert told["responses"].keys() == wanted["responses"].keys()
            for status, response in wanted["responses"].items():
                if operation.get("responses", {})[status].get("content") == ANYTHING:
                    continue  # FastAPI says nothing of None
                if status < "400":
                    assert told["responses"][status].get("content") == response.get("content")
                else:
                    assert set(told["responses"][status]["content"]) == {"application/problem+json"}
            for ours, theirs in zip(
                told.get("parameters", ()), wanted.get("parameters", ()), strict=True
            ):
                assert ours == theirs, (path, method)


@pytest.mark.unhappy
@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("request_", REFUSED, ids=lambda request: f"{request[0]} {request[1]}")
async def test_what_does_not_fit_is_refused_as_by_fastapi(
    service: Service, name: str, request_: tuple[str, str, dict[str, Any]]
) -> None:
    expected = await answer(service, "fastapi", request_)
    assert expected[0] >= 400, expected
    assert await answer(service, name, request_) == expected


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["fastapi", *OTHERS])
async def test_no_error_repeats_what_was_sent(service: Service, name: str) -> None:
    secret = "hunter2-and-more"
    for request in (
        (
            "POST",
            "/token",
            {"data": {"username": "ada", "password": [secret], "grant_type": secret}},
        ),
        ("GET", f"/items?size={secret}&limit={secret}", {}),
        ("GET", f"/items/{secret}", {}),
        ("POST", "/items", {"json": {"name": secret, "size": secret}, "headers": ADA}),
    ):
        status, told, _ = await answer(service, name, request)
        assert status == 422
        assert secret not in str(told)
    assert secret not in service.stream.getvalue().replace(f"/items/{secret}", "")


@pytest.mark.unhappy
@pytest.mark.parametrize("name", OTHERS)
async def test_the_page_loads_nothing_from_other_hosts(service: Service, name: str) -> None:
    async with service.client(installed(name, service)) as client:
        page = await client.get("/docs")
        assert "://" not in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]
        for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
            assert f"/docs-assets/{asset}" in page.text
            assert (await client.get(f"/docs-assets/{asset}")).status_code == 200
        assert (await client.get("/docs-assets/nothing.js")).status_code == 404


@pytest.mark.unhappy
@pytest.mark.parametrize("name", OTHERS)
async def test_documentation_that_is_switched_off_is_not_there(service: Service, name: str) -> None:
    from tests.integrations.shops import litestar_shop, starlette_shop

    from bedplate.integrations import litestar as on_litestar
    from bedplate.integrations import starlette as on_starlette

    if name == "litestar":
        app: Any = service.install(litestar_shop(), install=on_litestar.install, docs_enabled=False)
    else:
        app = service.install(starlette_shop(), install=on_starlette.install, docs_enabled=False)
    async with service.client(app) as client:
        for path in ("/docs", "/openapi.json", "/docs-assets/swagger-ui.css"):
            assert (await client.get(path)).status_code == 404
