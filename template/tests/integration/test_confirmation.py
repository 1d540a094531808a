"""What is confirmed by mail, over HTTP."""

import httpx
import pytest
from bedplate.testing import Outbox, deliver_mails

from tests.integration.people import PASSWORD, App, Member, assert_problem, sign_in

NEW_PASSWORD = "another horse with new batteries"
NEW_EMAIL = "countess@example.com"


async def mailed_token(app: App, outbox: Outbox, address: str) -> str:
    """Give the token of the last mail; without a site, mails carry it on a line of its own."""
    await deliver_mails(app.state.resources.auth)
    return outbox.to(address)[-1].text.split("\n\n")[1]


async def post(
    client: httpx.AsyncClient, path: str, member: Member | None = None, **body: str
) -> httpx.Response:
    headers = member.headers if member else {}
    return await client.post(f"/api/v1/auth/{path}", json=body, headers=headers)


async def test_a_forgotten_password_is_replaced(
    app: App, client: httpx.AsyncClient, ada: Member, outbox: Outbox
) -> None:
    assert (await post(client, "password-reset", email=ada.email)).status_code == 202
    token = await mailed_token(app, outbox, ada.email)
    done = await post(client, "password-reset/confirm", token=token, new_password=NEW_PASSWORD)
    assert done.status_code == 204
    await deliver_mails(app.state.resources.auth)
    assert_problem(await sign_in(client, ada.email, PASSWORD), 401, "invalid_credentials")
    assert (await sign_in(client, ada.email, NEW_PASSWORD)).status_code == 200


async def test_an_address_is_verified_and_then_changed(
    app: App, client: httpx.AsyncClient, ada: Member, outbox: Outbox
) -> None:
    assert (await post(client, "verify-email", email=ada.email)).status_code == 202
    token = await mailed_token(app, outbox, ada.email)
    assert (await post(client, "verify-email/confirm", token=token)).status_code == 204
    asked = await post(client, "email", ada, new_email=NEW_EMAIL, password=PASSWORD)
    assert asked.status_code == 202
    token = await mailed_token(app, outbox, NEW_EMAIL)
    assert (await post(client, "email/confirm", token=token)).status_code == 204
    await deliver_mails(app.state.resources.auth)
    assert (await sign_in(client, NEW_EMAIL)).status_code == 200


@pytest.mark.unhappy
@pytest.mark.parametrize("path", ["password-reset", "verify-email"])
async def test_asking_for_nobody_is_answered_the_same(
    app: App, client: httpx.AsyncClient, outbox: Outbox, path: str
) -> None:
    response = await post(client, path, email="nobody@example.com")
    await deliver_mails(app.state.resources.auth)
    assert (response.status_code, response.text, outbox.mails) == (202, "null", [])


@pytest.mark.unhappy
@pytest.mark.parametrize("token", ["", "x", "A" * 43, "' OR 1=1 --"])
async def test_a_token_that_is_none_is_one_answer(client: httpx.AsyncClient, token: str) -> None:
    password = {"new_password": NEW_PASSWORD}
    for path, body in (
        ("verify-email/confirm", {"token": token}),
        ("password-reset/confirm", {"token": token, **password}),
        ("email/confirm", {"token": token}),
    ):
        response = await client.post(f"/api/v1/auth/{path}", json=body)
        assert_problem(response, 400, "invalid_one_time_token")
        assert response.headers["cache-control"] == "no-store"
        assert "www-authenticate" not in response.headers


@pytest.mark.unhappy
async def test_a_token_works_once(
    app: App, client: httpx.AsyncClient, ada: Member, outbox: Outbox
) -> None:
    await post(client, "verify-email", email=ada.email)
    token = await mailed_token(app, outbox, ada.email)
    answers = [await post(client, "verify-email/confirm", token=token) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 400]


@pytest.mark.unhappy
async def test_an_address_is_changed_by_its_owner_alone(
    client: httpx.AsyncClient, ada: Member
) -> None:
    for member, status, code in (
        (None, 401, "unauthenticated"),
        (ada, 403, "wrong_password"),
    ):
        response = await post(client, "email", member, new_email=NEW_EMAIL, password="wrong")
        assert_problem(response, status, code)


@pytest.mark.unhappy
async def test_the_password_is_not_guessed_for_ever_by_asking_for_a_new_address(
    client: httpx.AsyncClient, ada: Member
) -> None:
    guess = {"new_email": NEW_EMAIL, "password": "wrong"}
    answers = [await post(client, "email", ada, **guess) for _ in range(11)]
    assert {answer.status_code for answer in answers[:-1]} == {403}
    assert answers[-1].status_code == 429


@pytest.mark.unhappy
async def test_guessing_is_throttled_and_told_when_to_come_again(
    client: httpx.AsyncClient,
) -> None:
    for email in ("ada@example.com", "nobody@example.com"):
        answers = [await sign_in(client, email, "wrong") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert_problem(answers[-1], 429, "too_many_requests")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 900
