"""How often one client may ask: each limit is a setting, and one switch turns all of them off."""

import httpx
import pytest
from bedplate.database import Database
from bedplate.rate import Rate

from app.config import Settings
from app.main import create_app
from tests.integration.people import assert_problem, running

USERS, TOKEN = "/api/v1/users", "/api/v1/auth/token"
WRONG = {"username": "ada@example.com", "password": "wrong horse battery staple"}


async def test_each_answer_tells_what_is_left(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/nothing")
    assert answer.headers["ratelimit"] == '"default";r=599;t=60'


@pytest.mark.unhappy
async def test_one_address_does_not_open_accounts_for_ever(
    settings: Settings, database: Database
) -> None:
    strict = settings.model_copy(update={"rate_limit_sign_up": Rate(2, 60)})
    async with running(create_app(strict, database=database)) as client:
        answers = [await client.post(USERS, json={}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [422] * 2 + [429]
        assert_problem(answers[-1], 429, "too_many_requests")
        assert int(answers[-1].headers["retry-after"]) > 0
        document = (await client.get("/openapi.json")).json()
    assert "429" in document["paths"][USERS]["post"]["responses"]


@pytest.mark.unhappy
async def test_one_switch_turns_every_limit_off(settings: Settings, database: Database) -> None:
    free = settings.model_copy(update={"rate_limit_enabled": False})
    async with running(create_app(free, database=database)) as client:
        answers = [await client.post(TOKEN, data=WRONG) for _ in range(12)]
        assert [answer.status_code for answer in answers] == [401] * 12
        answers = [await client.post(USERS, json={}) for _ in range(61)]
        assert {answer.status_code for answer in answers} == {422}
    assert "ratelimit" not in answers[-1].headers
