"""All that signs in, put together."""

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from tests.auth.conftest import Counter, User

from bedplate.auth.asymmetric_keys import generate_private_key
from bedplate.auth.keys import generate_secret
from bedplate.auth.schemas import ApiKeyCreate
from bedplate.auth.services import AuthServices
from bedplate.auth.settings import AuthSettings
from bedplate.auth.throttle_postgres import PostgresThrottleStore
from bedplate.errors import InsufficientScopeError, InvalidTokenError, NotFoundError
from bedplate.settings import load_settings
from bedplate.testing import Outbox

EMAIL = "ada@example.com"
PASSWORD = "kite-lantern-41-otter"

if TYPE_CHECKING:
    from tests.auth.conftest import World


class Auth(AuthServices[User]):
    role_scopes: ClassVar = {"admin": {"admin"}}


@pytest.fixture
async def open_auth(world: "World", outbox: Outbox) -> Any:
    def open_with(**given: Any) -> Auth:
        base = {"environment": "production", "database_url": "postgresql://x@localhost/x"}
        more = {"secret_key": generate_secret(), "bcrypt_rounds": 4}
        settings = load_settings(AuthSettings, _env_file=None, **{**base, **more, **given})
        store = PostgresThrottleStore(world.database, Counter)
        return Auth(settings, world.uow, store=store, mailer=outbox, name="shop")

    return open_with


async def test_a_session_may_all_that_its_roles_bring(world: "World", open_auth: Any) -> None:
    await world.register(roles=["admin", "of nothing"])
    async with open_auth() as auth:
        pair = await auth.service.log_in(EMAIL, PASSWORD)
        principal = await auth.authenticate(pair.access_token)
    assert principal.permissions == {"read", "write", "admin"}
    assert principal.granted is None
    assert principal.demand_person().claims == principal.claims


async def test_a_key_may_what_it_was_issued_for(world: "World", open_auth: Any) -> None:
    await world.register()
    async with open_auth(api_key_prefix="shop") as auth:
        pair = await auth.service.log_in(EMAIL, PASSWORD)
        person = await auth.authenticate(pair.access_token)
        issued = await auth.issue_api_key(person, ApiKeyCreate(name="x", scopes={"read"}))
        principal = await auth.authenticate(issued.key)
    assert issued.key.startswith("shop_")
    assert (principal.granted, principal.claims) == ({"read"}, None)


@pytest.mark.unhappy
async def test_a_key_makes_no_key_whatever_it_may(world: "World", open_auth: Any) -> None:
    await world.register()
    async with open_auth() as auth:
        pair = await auth.service.log_in(EMAIL, PASSWORD)
        person = await auth.authenticate(pair.access_token)
        new = ApiKeyCreate(name="x", scopes={"read", "write"}, days=None)
        issued = await auth.issue_api_key(person, new)
        assert issued.expires_at is None
        with pytest.raises(InsufficientScopeError):
            await auth.issue_api_key(await auth.authenticate(issued.key), new)


@pytest.mark.unhappy
async def test_a_token_that_names_scopes_is_held_to_them(world: "World", open_auth: Any) -> None:
    user = await world.register(roles=["admin"])
    async with open_auth() as auth:
        pair = await auth.service.log_in(EMAIL, PASSWORD)
        claims = (await auth.service.authenticate(pair.access_token)).claims
        narrow = auth.service._access_tokens.issue(user.id, claims.session_id, 1, ("read",))
        principal = await auth.authenticate(narrow.token)
        principal.demand("read")
        with pytest.raises(InsufficientScopeError):
            principal.demand("read", "admin")


@pytest.mark.unhappy
async def test_a_changed_password_is_told_by_mail(
    world: "World", open_auth: Any, outbox: Outbox
) -> None:
    await world.register()
    async with open_auth() as auth:
        pair = await auth.service.log_in(EMAIL, PASSWORD)
        claims = (await auth.service.authenticate(pair.access_token)).claims
        await auth.service.change_password(claims, PASSWORD, "violet-theatre-9-mango")
    [mail] = outbox.to(EMAIL)
    assert "password was changed" in mail.text


@pytest.mark.unhappy
async def test_a_mail_server_that_is_down_does_not_undo_a_change(
    world: "World", open_auth: Any, outbox: Outbox
) -> None:
    await world.register()
    outbox.failing = OSError()
    async with open_auth() as auth:
        pair = await auth.service.log_in(EMAIL, PASSWORD)
        claims = (await auth.service.authenticate(pair.access_token)).claims
        await auth.service.change_password(claims, PASSWORD, "violet-theatre-9-mango")
        assert await auth.service.log_in(EMAIL, "violet-theatre-9-mango")


@pytest.mark.unhappy
async def test_a_shared_secret_has_nothing_to_publish(open_auth: Any) -> None:
    async with open_auth() as auth:
        with pytest.raises(NotFoundError):
            auth.key_set()
    async with open_auth(token_algorithm="ES256", token_key=generate_private_key()) as auth:
        assert [key["alg"] for key in auth.key_set()["keys"]] == ["ES256"]


@pytest.mark.unhappy
async def test_nobody_is_behind_what_is_neither_token_nor_key(open_auth: Any) -> None:
    async with open_auth() as auth:
        for token in ("", "x", "key_", "key_" + "A" * 51, "a.b.c"):
            with pytest.raises(InvalidTokenError):
                await auth.authenticate(token)
