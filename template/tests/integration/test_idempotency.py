"""Idempotency keys, which are one setting: whose a key is, and what comes of it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from bedplate.database import Database

from app.config import Settings
from app.main import create_app
from tests.integration.people import join, running, sign_in

ME = "/api/v1/users/me"
KEY = {"idempotency-key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
CHANGE = {"full_name": "Ada Lovelace"}


@pytest.fixture
async def repeatable(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    enabled = settings.model_copy(update={"idempotency_enabled": True})
    async with running(create_app(enabled, database=database)) as client:
        yield client


async def test_a_request_with_a_key_is_carried_out_once_though_the_token_was_renewed(
    repeatable: httpx.AsyncClient,
) -> None:
    ada = await join(repeatable, "ada@example.com")
    first = await repeatable.patch(ME, json=CHANGE, headers=KEY | ada.headers)
    renewed = (await sign_in(repeatable, ada.email)).json()["access_token"]
    assert renewed != ada.access_token
    bearer = {"authorization": f"Bearer {renewed}"}
    again = await repeatable.patch(ME, json=CHANGE, headers=KEY | bearer)
    assert (first.status_code, again.status_code) == (200, 200)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()


@pytest.mark.unhappy
async def test_the_key_of_another_account_is_another_key(repeatable: httpx.AsyncClient) -> None:
    ada = await join(repeatable, "ada@example.com")
    bob = await join(repeatable, "bob@example.com")
    for member in (ada, bob):
        answer = await repeatable.patch(ME, json=CHANGE, headers=KEY | member.headers)
        assert "idempotency-replayed" not in answer.headers
        assert answer.json()["email"] == member.email


@pytest.mark.unhappy
async def test_a_token_that_is_not_valid_is_nobody_and_gets_nobodys_answer(
    repeatable: httpx.AsyncClient,
) -> None:
    ada = await join(repeatable, "ada@example.com")
    await repeatable.patch(ME, json=CHANGE, headers=KEY | ada.headers)
    forged = ada.access_token[:-4] + ("AAAA" if ada.access_token[-4:] != "AAAA" else "BBBB")
    for authorization in (f"Bearer {forged}", "Bearer", "Basic YTpi"):
        headers = KEY | {"authorization": authorization}
        answer = await repeatable.patch(ME, json=CHANGE, headers=headers)
        assert answer.status_code in {400, 401}
        assert "idempotency-replayed" not in answer.headers
