"""bedplate.asgi.callers: who sends a request, by the token that it carries."""

from uuid import uuid4

import pytest

from bedplate.asgi import account_of
from bedplate.asgi.types import Scope
from bedplate.auth.configured import access_tokens, key_ring
from bedplate.auth.settings import AuthSettings
from bedplate.errors import ConfigurationError
from bedplate.secret_strength import generate_secret
from bedplate.settings import load_settings


@pytest.fixture
def settings() -> AuthSettings:
    return make_settings()


def make_settings(**more: object) -> AuthSettings:
    given = {"environment": "development", "secret_key": generate_secret(), **more}
    return load_settings(AuthSettings, _env_file=None, **given)


def asking(*authorization: bytes) -> Scope:
    return {"type": "http", "headers": [(b"authorization", value) for value in authorization]}


def issue(settings: AuthSettings, name: str, who: object) -> bytes:
    tokens = access_tokens(settings, key_ring(settings), name=name)
    return b"Bearer " + tokens.issue(who, uuid4(), 1).token.encode()  # type: ignore[arg-type]


def test_each_token_of_an_account_names_it(settings: AuthSettings) -> None:
    ada, tell = uuid4(), account_of(settings, name="shop")
    assert {tell(asking(issue(settings, "shop", ada))) for _ in range(2)} == {str(ada)}


@pytest.mark.unhappy
def test_a_token_of_another_service_or_key_names_nobody(settings: AuthSettings) -> None:
    tell = account_of(settings, name="shop")
    assert tell(asking(issue(settings, "library", uuid4()))) is None
    assert tell(asking(issue(make_settings(), "shop", uuid4()))) is None


@pytest.mark.unhappy
def test_two_credentials_or_none_name_nobody(settings: AuthSettings) -> None:
    token, tell = issue(settings, "shop", uuid4()), account_of(settings, name="shop")
    assert tell(asking()) is None
    assert tell(asking(token, token)) is None


@pytest.mark.unhappy
def test_a_key_that_cannot_be_read_is_told_at_once() -> None:
    broken = make_settings(token_algorithm="ES256", token_key="/nowhere/key.pem")
    with pytest.raises(ConfigurationError, match="TOKEN_KEY"):
        account_of(broken, name="shop")
