"""Users over HTTP: registration, one's own account, and all accounts for administrators."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from bedplate.database import Database
from sqlalchemy import text

from app.config import Settings
from app.main import create_app
from app.repositories.unit_of_work import AppUnitOfWork
from tests.integration.people import (
    PASSWORD,
    Member,
    assert_problem,
    join,
    promote,
    running,
    sign_in,
)

USERS = "/api/v1/users"
ME = f"{USERS}/me"
NOBODY = "01890000-0000-7000-8000-000000000000"


async def test_registering_gives_the_account_and_never_its_password(
    client: httpx.AsyncClient,
) -> None:
    new = {"email": "Ada@Example.COM", "password": PASSWORD, "full_name": "  Ada Lovelace "}
    response = await client.post(USERS, json=new)
    assert response.status_code == 201
    user = response.json()
    assert (user["email"], user["full_name"]) == ("ada@example.com", "Ada Lovelace")
    assert (user["is_active"], user["is_verified"], user["roles"]) == (True, False, [])
    assert not [field for field in user if "password" in field]


async def test_a_change_keeps_what_is_absent_and_clears_what_is_null(
    client: httpx.AsyncClient, ada: Member
) -> None:
    named = await client.patch(ME, json={"full_name": "Ada"}, headers=ada.headers)
    assert named.json()["full_name"] == "Ada"
    kept = await client.patch(ME, json={}, headers=ada.headers)
    assert (kept.status_code, kept.json()["full_name"]) == (200, "Ada")
    cleared = await client.patch(ME, json={"full_name": None}, headers=ada.headers)
    assert cleared.json()["full_name"] is None
    assert (await client.get(ME, headers=ada.headers)).json() == cleared.json()


async def test_pages_hold_every_account_once_in_both_directions(
    client: httpx.AsyncClient, admin: Member
) -> None:
    emails = [f"user{number}@example.com" for number in range(4)]
    for email in emails:
        await client.post(USERS, json={"email": email, "password": PASSWORD})
    query = {"limit": "2", "sort": "email", "total": "true"}
    first = (await client.get(USERS, params=query, headers=admin.headers)).json()
    assert (first["total"], first["has_more"], first["previous_cursor"]) == (5, True, None)
    query["cursor"] = first["next_cursor"]
    second = (await client.get(USERS, params=query, headers=admin.headers)).json()
    query["cursor"] = second["next_cursor"]
    third = (await client.get(USERS, params=query, headers=admin.headers)).json()
    found = [user["email"] for page in (first, second, third) for user in page["items"]]
    assert found == sorted([admin.email, *emails])
    assert (third["has_more"], third["next_cursor"]) == (False, None)
    query["cursor"] = third["previous_cursor"]
    back = (await client.get(USERS, params=query, headers=admin.headers)).json()
    assert back["items"] == second["items"]


async def test_filters_narrow_the_list(
    client: httpx.AsyncClient, admin: Member, ada: Member, bob: Member
) -> None:
    async def emails(**query: str) -> list[str]:
        response = await client.get(USERS, params=query, headers=admin.headers)
        assert response.status_code == 200, response.text
        return sorted(user["email"] for user in response.json()["items"])

    await client.patch(f"{USERS}/{bob.id}", json={"is_active": False}, headers=admin.headers)
    assert await emails(is_active="false") == [bob.email]
    assert await emails(email="ADA@") == [ada.email]
    assert await emails(created_after=datetime(2100, 1, 1, tzinfo=UTC).isoformat()) == []
    assert len(await emails(created_before="2100-01-01T00:00:00Z")) == 3


async def test_administrators_read_change_and_delete_accounts(
    client: httpx.AsyncClient, admin: Member, ada: Member
) -> None:
    url = f"{USERS}/{ada.id}"
    changes = {"is_verified": True, "roles": ["admin"]}
    changed = await client.patch(url, json=changes, headers=admin.headers)
    assert changed.status_code == 200
    assert (changed.json()["is_verified"], changed.json()["roles"]) == (True, ["admin"])
    assert (await client.get(url, headers=admin.headers)).json() == changed.json()
    assert (await client.delete(url, headers=admin.headers)).status_code == 204
    assert_problem(await client.get(url, headers=admin.headers), 404, "not_found")


@pytest.mark.unhappy
async def test_deleting_ones_account_ends_its_sessions_and_frees_the_address(
    client: httpx.AsyncClient, ada: Member
) -> None:
    assert (await client.delete(ME, headers=ada.headers)).status_code == 204
    assert_problem(await client.get(ME, headers=ada.headers), 401, "invalid_token")
    token = {"refresh_token": ada.refresh_token}
    assert_problem(await client.post("/api/v1/auth/refresh", json=token), 400, "invalid_grant")
    await join(client, ada.email)


@pytest.mark.unhappy
async def test_deactivating_an_account_ends_its_sessions(
    client: httpx.AsyncClient, admin: Member, ada: Member
) -> None:
    url = f"{USERS}/{ada.id}"
    await client.patch(url, json={"is_active": False}, headers=admin.headers)
    assert_problem(await client.get(ME, headers=ada.headers), 401, "invalid_token")
    await client.patch(url, json={"is_active": True}, headers=admin.headers)
    assert_problem(await client.get(ME, headers=ada.headers), 401, "invalid_token")
    assert (await sign_in(client, ada.email)).status_code == 200


@pytest.mark.unhappy
async def test_the_last_administrator_can_neither_leave_nor_step_down(
    client: httpx.AsyncClient, admin: Member, ada: Member, database: Database
) -> None:
    attempts = [
        await client.delete(ME, headers=admin.headers),
        await client.delete(f"{USERS}/{admin.id}", headers=admin.headers),
        await client.patch(f"{USERS}/{admin.id}", json={"roles": []}, headers=admin.headers),
        await client.patch(f"{USERS}/{admin.id}", json={"is_active": False}, headers=admin.headers),
    ]
    for response in attempts:
        assert_problem(response, 409, "last_administrator")
    await promote(ada, database)
    assert (await client.delete(ME, headers=admin.headers)).status_code == 204


@pytest.mark.unhappy
async def test_of_two_administrators_who_leave_at_once_one_stays(
    settings: Settings, committed_database: Database
) -> None:
    async with running(create_app(settings, database=committed_database)) as client:
        first, second = [
            await promote(await join(client, f"{name}@example.com"), committed_database)
            for name in ("first", "second")
        ]
        async with AppUnitOfWork(committed_database) as leaving:
            await leaving.users.lock_administrators()
            request = asyncio.create_task(client.delete(ME, headers=second.headers))
            while not (  # noqa: ASYNC110 - only the database knows
                request.done() or await somebody_waits(committed_database)
            ):
                await asyncio.sleep(0.01)
            await leaving.users.delete(UUID(first.id))
            await leaving.commit()
        assert_problem(await request, 409, "last_administrator")


async def somebody_waits(database: Database) -> bool:
    """Tell whether a transaction waits for the lock of another."""
    async with database.session() as session:
        return bool(await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


@pytest.mark.unhappy
@pytest.mark.parametrize("email", ["ada@example.com", "ADA@example.com"])
async def test_a_taken_address_is_a_conflict(
    client: httpx.AsyncClient, ada: Member, email: str
) -> None:
    response = await client.post(USERS, json={"email": email, "password": PASSWORD})
    assert_problem(response, 409, "email_taken")
    assert "ada@" not in response.text.lower()  # a request id may hold the three letters


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "password", ["short", "password1234", "a" * 64, "ada@example.com", "x" * 1025, "a\0" * 12]
)
async def test_a_weak_password_is_refused(client: httpx.AsyncClient, password: str) -> None:
    response = await client.post(USERS, json={"email": "ada@example.com", "password": password})
    assert response.status_code == 422
    assert password not in response.json()["detail"]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        '{"email": null, "password": null}',
        '{"email": "not an address", "password": "correct horse battery staple"}',
        '{"email": "a\\u0000@example.com", "password": "correct horse battery staple"}',
        '{"email": "a@example.com", "password": "correct horse battery staple", "roles": ["admin"]}',
        '{"email": "a@example.com", "password": "correct horse battery staple", "full_name": ""}',
        '{"email": "a@example.com", "password": "correct horse battery staple", "full_name": "\\u0000"}',
        '{"email": "a@example.com", "password": "correct horse battery", "full_name": "\\ud800"}',
        '{"email": "a@example.com", "password": "correct horse \\ud800 battery staple"}',
    ],
)
async def test_a_registration_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, body: str
) -> None:
    response = await client.post(USERS, content=body, headers={"content-type": "application/json"})
    assert_problem(response, 422, "invalid_request_data")
    assert all(error["location"] == "body" for error in response.json()["errors"])


@pytest.mark.unhappy
@pytest.mark.parametrize("body", [b"{", b"{]", b"\xff", b"\xef\xbb\xbf", b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post(USERS, content=body, headers={"content-type": "application/json"})
    assert_problem(response, 400, response.json()["code"])


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "-1"},
        {"limit": "9" * 400},
        {"limit": "many"},
        {"sort": "password_hash"},
        {"cursor": "forged"},
        {"cursor": "é" * 100},
        {"cursor": "\0"},
        {"email": "\0"},
        {"is_active": "perhaps"},
        {"created_after": "yesterday"},
        {"created_after": "2020-01-01T00:00:00"},
        {"created_before": "0001-01-01T00:00:00+23:59"},
        {"unknown": "1"},
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, admin: Member, query: dict[str, str]
) -> None:
    response = await client.get(USERS, params=query, headers=admin.headers)
    assert response.status_code == 422, response.text
    assert_problem(response, 422, response.json()["code"])


@pytest.mark.unhappy
async def test_a_cursor_serves_no_other_order_and_no_other_filter(
    client: httpx.AsyncClient, admin: Member, ada: Member
) -> None:
    query = {"limit": "1", "sort": "email"}
    page = (await client.get(USERS, params=query, headers=admin.headers)).json()
    for other in ({"sort": "-email"}, {"sort": "email", "is_active": "true"}):
        stray = {"limit": "1", "cursor": page["next_cursor"], **other}
        response = await client.get(USERS, params=stray, headers=admin.headers)
        assert_problem(response, 422, "invalid_cursor")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "changes",
    [{"is_active": None}, {"roles": None}, {"roles": ["root"]}, {"email": "x@example.com"}, []],
)
async def test_a_change_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, admin: Member, ada: Member, changes: object
) -> None:
    response = await client.patch(f"{USERS}/{ada.id}", json=changes, headers=admin.headers)
    assert_problem(response, 422, "invalid_request_data")


@pytest.mark.unhappy
async def test_nobody_makes_himself_an_administrator(
    client: httpx.AsyncClient, ada: Member
) -> None:
    response = await client.patch(ME, json={"roles": ["admin"]}, headers=ada.headers)
    assert_problem(response, 422, "invalid_request_data")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", USERS),
        ("GET", f"{USERS}/{NOBODY}"),
        ("PATCH", f"{USERS}/{NOBODY}"),
        ("DELETE", f"{USERS}/{NOBODY}"),
    ],
)
async def test_only_administrators_reach_the_accounts_of_others(
    client: httpx.AsyncClient, ada: Member, method: str, path: str
) -> None:
    body: dict[str, str] | None = {} if method == "PATCH" else None
    assert_problem(await client.request(method, path, json=body), 401, "unauthenticated")
    denied = await client.request(method, path, json=body, headers=ada.headers)
    assert_problem(denied, 403, "forbidden")


@pytest.mark.unhappy
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_account_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, admin: Member, method: str
) -> None:
    body = {"is_verified": True} if method == "PATCH" else None
    url = f"{USERS}/{NOBODY}"
    assert_problem(
        await client.request(method, url, json=body, headers=admin.headers), 404, "not_found"
    )
    nonsense = await client.request(method, f"{USERS}/0", json=body, headers=admin.headers)
    assert_problem(nonsense, 422, "invalid_request_data")
