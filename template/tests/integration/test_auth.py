"""Sessions over HTTP: signing in, staying in, signing out."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from bedplate.database import Database

from app.config import Settings
from app.main import create_app
from tests.integration.people import (
    PASSWORD,
    Member,
    assert_problem,
    join,
    promote,
    running,
    sign_in,
)

ME = "/api/v1/users/me"
NEW_PASSWORD = "another horse with new batteries"


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/api/v1/auth/refresh", json={"refresh_token": token})


async def change_password(
    client: httpx.AsyncClient, member: Member, present: str, new: str
) -> httpx.Response:
    change = {"current_password": present, "new_password": new}
    return await client.post("/api/v1/auth/password", json=change, headers=member.headers)


async def test_signing_in_gives_a_pair_that_is_not_cached(
    client: httpx.AsyncClient, ada: Member
) -> None:
    response = await sign_in(client, ada.email)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    pair = response.json()
    assert set(pair) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (pair["token_type"], pair["expires_in"]) == ("bearer", 600)


async def test_an_address_is_the_same_however_it_is_written(
    client: httpx.AsyncClient, ada: Member
) -> None:
    assert (await sign_in(client, "ADA@Example.com")).status_code == 200


async def test_refreshing_gives_a_new_pair_of_the_same_session(
    client: httpx.AsyncClient, ada: Member
) -> None:
    pair = (await refresh(client, ada.refresh_token)).json()
    assert pair["refresh_token"] != ada.refresh_token
    me = await client.get(ME, headers={"authorization": f"Bearer {pair['access_token']}"})
    assert me.json()["id"] == ada.id
    sessions = await client.get("/api/v1/auth/sessions", headers=ada.headers)
    assert [session["current"] for session in sessions.json()] == [True]


async def test_one_session_can_end_another(client: httpx.AsyncClient, ada: Member) -> None:
    other = (await sign_in(client, ada.email)).json()
    sessions = (await client.get("/api/v1/auth/sessions", headers=ada.headers)).json()
    [foreign] = [session["id"] for session in sessions if not session["current"]]
    ended = await client.delete(f"/api/v1/auth/sessions/{foreign}", headers=ada.headers)
    assert ended.status_code == 204
    assert_problem(await refresh(client, other["refresh_token"]), 400, "invalid_grant")
    assert (await client.get(ME, headers=ada.headers)).status_code == 200


@pytest.mark.unhappy
async def test_a_new_password_ends_every_other_session_and_the_old_password(
    client: httpx.AsyncClient, ada: Member
) -> None:
    other = (await sign_in(client, ada.email)).json()
    assert (await change_password(client, ada, PASSWORD, NEW_PASSWORD)).status_code == 204
    assert_problem(await refresh(client, other["refresh_token"]), 400, "invalid_grant")
    assert_problem(await sign_in(client, ada.email), 401, "invalid_credentials")
    assert (await refresh(client, ada.refresh_token)).status_code == 200
    assert (await sign_in(client, ada.email, NEW_PASSWORD)).status_code == 200


@pytest.mark.unhappy
async def test_logging_out_ends_the_session_at_once(client: httpx.AsyncClient, ada: Member) -> None:
    response = await client.post("/api/v1/auth/logout", headers=ada.headers)
    assert (response.status_code, response.content) == (204, b"")
    assert_problem(await client.get(ME, headers=ada.headers), 401, "invalid_token")
    assert_problem(await refresh(client, ada.refresh_token), 400, "invalid_grant")


@pytest.mark.unhappy
async def test_logging_out_everywhere_ends_all_sessions_of_this_account_only(
    client: httpx.AsyncClient, ada: Member, bob: Member
) -> None:
    other = (await sign_in(client, ada.email)).json()
    response = await client.post("/api/v1/auth/logout-all", headers=ada.headers)
    assert response.status_code == 204
    bearer = {"authorization": f"Bearer {other['access_token']}"}
    assert_problem(await client.get(ME, headers=bearer), 401, "invalid_token")
    assert_problem(await refresh(client, other["refresh_token"]), 400, "invalid_grant")
    assert (await client.get(ME, headers=bob.headers)).status_code == 200


@pytest.mark.unhappy
async def test_unknown_and_wrong_and_disabled_are_answered_alike(
    client: httpx.AsyncClient, ada: Member, bob: Member, database: Database
) -> None:
    admin = await promote(bob, database)
    wrong = await sign_in(client, ada.email, "wrong horse battery staple")
    unknown = await sign_in(client, "nobody@example.com")
    await client.patch(f"/api/v1/users/{ada.id}", json={"is_active": False}, headers=admin.headers)
    disabled = await sign_in(client, ada.email)
    for response in (wrong, unknown, disabled):
        assert_problem(response, 401, "invalid_credentials")
    texts = {response.json()["detail"] for response in (wrong, unknown, disabled)}
    assert len(texts) == 1


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "ada@example.com"},
        {"username": "ada@example.com", "password": PASSWORD, "grant_type": "client_credentials"},
    ],
)
async def test_an_incomplete_form_is_refused(
    client: httpx.AsyncClient, form: dict[str, str]
) -> None:
    assert (await client.post("/api/v1/auth/token", data=form)).status_code in {400, 422}


@pytest.mark.unhappy
@pytest.mark.parametrize("username", ["", "\0", "a" * 5000, "ada@example.com\0", "😀"])
async def test_what_is_no_address_signs_nobody_in(client: httpx.AsyncClient, username: str) -> None:
    assert (await sign_in(client, username)).status_code in {401, 422}


@pytest.mark.unhappy
@pytest.mark.parametrize("token", ["", "x", "\0", "a" * 43, "é" * 43, "a" * 100_000])
async def test_what_is_no_refresh_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    response = await refresh(client, token)
    assert response.status_code in {400, 422}
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.unhappy
async def test_a_refresh_token_that_is_used_again_after_its_successor_ends_the_session(
    client: httpx.AsyncClient, ada: Member
) -> None:
    second = (await refresh(client, ada.refresh_token)).json()
    third = (await refresh(client, second["refresh_token"])).json()
    assert_problem(await refresh(client, ada.refresh_token), 400, "invalid_grant")
    assert_problem(await refresh(client, third["refresh_token"]), 400, "invalid_grant")
    bearer = {"authorization": f"Bearer {third['access_token']}"}
    assert_problem(await client.get(ME, headers=bearer), 401, "invalid_token")


@pytest.mark.unhappy
async def test_of_forty_parallel_refreshes_one_rotates(
    settings: Settings, committed_database: Database
) -> None:
    app = create_app(settings, database=committed_database)
    async with running(app) as client:
        ada = await join(client, "ada@example.com")
        answers = await asyncio.gather(*(refresh(client, ada.refresh_token) for _ in range(40)))
        given = {answer.json().get("refresh_token") for answer in answers} - {None}
        assert len(given) == 1, "one rotation gives one successor, however often it is asked for"
        assert (await refresh(client, given.pop())).status_code == 200


@pytest.mark.unhappy
async def test_nobody_ends_the_session_of_another_account(
    client: httpx.AsyncClient, ada: Member, bob: Member
) -> None:
    [session] = (await client.get("/api/v1/auth/sessions", headers=bob.headers)).json()
    for unknown in (session["id"], uuid4()):
        response = await client.delete(f"/api/v1/auth/sessions/{unknown}", headers=ada.headers)
        assert_problem(response, 404, "not_found")
    assert (await client.get(ME, headers=bob.headers)).status_code == 200


@pytest.mark.unhappy
async def test_no_token_is_told_apart_from_a_bad_one(
    client: httpx.AsyncClient, ada: Member
) -> None:
    missing = await client.get(ME)
    assert_problem(missing, 401, "unauthenticated")
    assert "error" not in missing.headers["www-authenticate"]
    forged = await client.get(ME, headers={"authorization": f"Bearer {ada.access_token[:-2]}AA"})
    assert_problem(forged, 401, "invalid_token")
    assert 'error="invalid_token"' in forged.headers["www-authenticate"]


@pytest.mark.unhappy
async def test_a_malformed_or_doubled_header_is_a_bad_request(
    client: httpx.AsyncClient, ada: Member
) -> None:
    malformed = await client.get(ME, headers={"authorization": "Bearer a b"})
    assert_problem(malformed, 400, "invalid_request")
    twice = [("authorization", f"Bearer {ada.access_token}")] * 2
    assert_problem(await client.get(ME, headers=twice), 400, "invalid_request")


@pytest.mark.unhappy
async def test_a_token_of_another_service_is_refused(
    client: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    other = settings.model_copy(update={"service_name": "other"})
    async with running(create_app(other, database=database)) as stranger:
        ada = await join(stranger, "ada@example.com")
    assert_problem(await client.get(ME, headers=ada.headers), 401, "invalid_token")


@pytest.mark.unhappy
async def test_the_present_password_is_not_guessed_for_ever_from_one_address(
    client: httpx.AsyncClient, ada: Member
) -> None:
    answers = [await change_password(client, ada, "wrong", NEW_PASSWORD) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]


@pytest.mark.unhappy
async def test_a_password_is_not_changed_without_the_present_one(
    client: httpx.AsyncClient, ada: Member
) -> None:
    for present, new, status, code in (
        ("wrong horse battery staple", NEW_PASSWORD, 403, "wrong_password"),
        (PASSWORD, "short", 422, "weak_password"),
        (PASSWORD, "x" * 1025, 422, "invalid_request_data"),
    ):
        response = await change_password(client, ada, present, new)
        assert_problem(response, status, code)
        assert "www-authenticate" not in response.headers
    assert (await sign_in(client, ada.email)).status_code == 200
