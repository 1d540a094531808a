"""What signs access tokens, what hashes passwords, and what the settings say of both."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from bedplate.auth.asymmetric_keys import generate_private_key
from bedplate.database import Database
from bedplate.errors import ConfigurationError
from bedplate.settings import load_settings

from app.config import Settings
from app.main import create_app
from app.repositories.unit_of_work import AppUnitOfWork
from tests.integration.people import Member, assert_problem, join, running, sign_in

JWKS = "/.well-known/jwks.json"
ME = "/api/v1/users/me"


def configured(settings: Settings, **changes: Any) -> Settings:
    return load_settings(Settings, **{**settings.model_dump(), **changes})


async def test_the_public_half_of_a_key_pair_is_published(
    settings: Settings, database: Database
) -> None:
    pair = configured(settings, token_algorithm="ES256", token_key=generate_private_key())
    async with running(create_app(pair, database=database)) as client:
        ada = await join(client, "ada@example.com")
        assert (await client.get(ME, headers=ada.headers)).status_code == 200
        published = await client.get(JWKS)
        [key] = published.json()["keys"]
        assert (key["kty"], key["alg"], key["use"]) == ("EC", "ES256", "sig")
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert published.headers["cache-control"] == "public, max-age=300"


async def test_passwords_move_to_argon2_when_their_accounts_sign_in(
    settings: Settings, database: Database, client: httpx.AsyncClient
) -> None:
    ada = await join(client, "ada@example.com")
    argon2 = configured(settings, password_hash="argon2", argon2_memory=8192, argon2_passes=1)
    async with running(create_app(argon2, database=database)) as other:
        for _ in range(2):
            assert (await sign_in(other, ada.email)).status_code == 200
    async with AppUnitOfWork(database) as uow:
        stored = (await uow.users.get(UUID(ada.id))).password_hash
    assert stored.startswith("$argon2id$")


@pytest.mark.unhappy
async def test_a_shared_secret_publishes_nothing(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get(JWKS), 404, "not_found")


@pytest.mark.unhappy
async def test_a_token_of_another_key_is_refused(
    settings: Settings, database: Database, client: httpx.AsyncClient, ada: Member
) -> None:
    pair = configured(settings, token_algorithm="ES256", token_key=generate_private_key())
    async with running(create_app(pair, database=database)) as other:
        assert_problem(await other.get(ME, headers=ada.headers), 401, "invalid_token")
        pair_of_other = (await sign_in(other, ada.email)).json()
    bearer = {"authorization": f"Bearer {pair_of_other['access_token']}"}
    assert_problem(await client.get(ME, headers=bearer), 401, "invalid_token")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"token_algorithm": "ES256"}, "TOKEN_KEY"),
        ({"token_key": "/nowhere/canary.pem"}, "TOKEN_KEY"),
        ({"token_keys_pending": "/nowhere/canary.pem"}, "TOKEN_KEYS_PENDING"),
        ({"token_algorithm": "none"}, "TOKEN_ALGORITHM"),
        ({"password_hash": "md5"}, "PASSWORD_HASH"),
        ({"login_attempts_per_account": 0}, "LOGIN_ATTEMPTS_PER_ACCOUNT"),
        ({"api_key_prefix": "Bad"}, "API_KEY_PREFIX"),
    ],
)
def test_what_does_not_fit_together_is_told_by_its_variable(
    settings: Settings, changes: dict[str, Any], variable: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"\b{variable}\b") as caught:
        configured(settings, **changes)
    assert "canary" not in str(caught.value)


@pytest.mark.unhappy
async def test_a_key_that_cannot_be_read_stops_the_start(
    settings: Settings, database: Database
) -> None:
    missing = configured(settings, token_algorithm="ES256", token_key="/nowhere/canary.pem")
    with pytest.raises(ConfigurationError, match="TOKEN_KEY is neither PEM text") as caught:
        async with running(create_app(missing, database=database)):
            pass
    assert "canary" not in str(caught.value)
