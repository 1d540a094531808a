"""API keys over HTTP: made by people, used by machines within their scopes."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from bedplate.database import Database

from tests.integration.people import Member, assert_problem, promote

KEYS = "/api/v1/auth/api-keys"
ME = "/api/v1/users/me"


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def issue(client: httpx.AsyncClient, member: Member, *scopes: str) -> Any:
    asked = {"name": "nightly export", "scopes": scopes, "days": 90}
    response = await client.post(KEYS, json=asked, headers=member.headers)
    assert response.status_code == 201, response.text
    assert response.headers["cache-control"] == "no-store"
    return response.json()


async def test_a_key_acts_for_its_account_within_its_scopes(
    client: httpx.AsyncClient, ada: Member
) -> None:
    key = (await issue(client, ada, "read", "write"))["key"]
    assert (await client.get(ME, headers=bearer(key))).json()["email"] == ada.email
    changed = await client.patch(ME, json={"full_name": "Ada"}, headers=bearer(key))
    assert changed.json()["full_name"] == "Ada"


async def test_the_key_of_an_administrator_may_administer_if_it_says_so(
    client: httpx.AsyncClient, admin: Member
) -> None:
    key = (await issue(client, admin, "read", "admin"))["key"]
    assert (await client.get("/api/v1/users", headers=bearer(key))).status_code == 200
    denied = await client.delete(f"/api/v1/users/{uuid4()}", headers=bearer(key))
    assert_problem(denied, 403, "insufficient_scope")


@pytest.mark.unhappy
async def test_the_text_of_a_key_is_shown_once(client: httpx.AsyncClient, ada: Member) -> None:
    issued = await issue(client, ada, "read")
    listed = await client.get(KEYS, headers=ada.headers)
    assert [key["id"] for key in listed.json()] == [issued["id"]]
    assert issued["key"] not in listed.text
    assert listed.json()[0]["hint"].endswith(issued["key"][-4:])


@pytest.mark.unhappy
async def test_a_key_without_the_scope_is_told_which_one_it_takes(
    client: httpx.AsyncClient, ada: Member
) -> None:
    key = (await issue(client, ada, "read"))["key"]
    denied = await client.patch(ME, json={"full_name": "Eve"}, headers=bearer(key))
    assert_problem(denied, 403, "insufficient_scope")
    assert 'scope="write"' in denied.headers["www-authenticate"]
    useless = (await issue(client, ada))["key"]
    assert_problem(await client.get(ME, headers=bearer(useless)), 403, "insufficient_scope")


@pytest.mark.unhappy
async def test_a_key_ends_when_it_is_revoked_and_only_by_its_owner(
    client: httpx.AsyncClient, ada: Member, bob: Member
) -> None:
    issued = await issue(client, ada, "read")
    path = f"{KEYS}/{issued['id']}"
    assert_problem(await client.delete(path, headers=bob.headers), 404, "not_found")
    assert (await client.delete(path, headers=ada.headers)).status_code == 204
    assert_problem(await client.get(ME, headers=bearer(issued["key"])), 401, "invalid_token")
    assert_problem(await client.delete(path, headers=ada.headers), 404, "not_found")


@pytest.mark.unhappy
async def test_no_key_makes_keys_or_ends_sessions_or_the_account(
    client: httpx.AsyncClient, ada: Member
) -> None:
    headers = bearer((await issue(client, ada, "read", "write"))["key"])
    for method, path in (
        ("GET", KEYS),
        ("POST", KEYS),
        ("DELETE", f"{KEYS}/{uuid4()}"),
        ("POST", "/api/v1/auth/logout"),
        ("POST", "/api/v1/auth/logout-all"),
        ("GET", "/api/v1/auth/sessions"),
        ("DELETE", f"/api/v1/auth/sessions/{uuid4()}"),
        ("DELETE", ME),
    ):
        body = {"name": "more"} if (method, path) == ("POST", KEYS) else None
        denied = await client.request(method, path, json=body, headers=headers)
        assert_problem(denied, 403, "insufficient_scope")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"name": "x", "scopes": ["admin"]}, 403, "insufficient_scope"),
        ({"name": "x", "scopes": ["a b"]}, 422, "invalid_data"),
        ({"name": " "}, 422, "invalid_data"),
        ({"name": ""}, 422, "invalid_request_data"),
        ({"name": "x", "days": 0}, 422, "invalid_request_data"),
        ({}, 422, "invalid_request_data"),
    ],
)
async def test_a_key_that_makes_no_sense_or_would_do_more_is_refused(
    client: httpx.AsyncClient, ada: Member, asked: dict[str, Any], status: int, code: str
) -> None:
    assert_problem(await client.post(KEYS, json=asked, headers=ada.headers), status, code)
    assert (await client.get(KEYS, headers=ada.headers)).json() == []


@pytest.mark.unhappy
async def test_a_key_may_no_more_than_its_account_may_now(
    client: httpx.AsyncClient, ada: Member, admin: Member, database: Database
) -> None:
    await promote(ada, database)
    key = (await issue(client, ada, "read", "admin"))["key"]
    path = f"/api/v1/users/{ada.id}"
    assert (await client.patch(path, json={"roles": []}, headers=admin.headers)).is_success
    assert_problem(await client.get("/api/v1/users", headers=bearer(key)), 403, "forbidden")
    disabled = await client.patch(path, json={"is_active": False}, headers=admin.headers)
    assert disabled.status_code == 200
    assert_problem(await client.get(ME, headers=bearer(key)), 401, "invalid_token")
