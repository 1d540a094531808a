"""bedplate.auth.api_keys, api_key_text and scopes"""

import asyncio
import logging
import re
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import structlog

from bedplate.auth.api_key_text import ApiKeyFormat
from bedplate.auth.api_keys import ApiKeyService
from bedplate.auth.scopes import demand_role, demand_scopes, scopes_of
from bedplate.errors import (
    ConfigurationError,
    ConflictError,
    InsufficientScopeError,
    InvalidDataError,
    InvalidTokenError,
    NotFoundError,
    PermissionDeniedError,
)
from bedplate.testing import Outbox

FORMAT = ApiKeyFormat("acme")
ALLOWED = {"orders:read", "orders:write"}

if TYPE_CHECKING:
    from tests.auth.conftest import World


@pytest.fixture
async def user(world: "World") -> Any:
    return await world.register()


@pytest.fixture
def service(world: "World") -> Any:
    return ApiKeyService(world.uow, FORMAT, at_most=3)


async def issue(service: Any, user: Any, *scopes: str, **settings: Any) -> Any:
    return await service.issue(
        user.id, "nightly export", version=1, scopes=scopes, allowed=ALLOWED, **settings
    )


async def test_a_key_acts_for_its_account_within_its_scopes(service: Any, user: Any) -> None:
    issued = await issue(service, user, "orders:read")
    assert service.recognises(issued.key)
    account, key_id, scopes = await service.authenticate(issued.key)
    assert (account.id, key_id, scopes) == (user.id, issued.id, {"orders:read"})
    [listed] = await service.list_for(user.id)
    assert (listed.id, listed.scopes) == (issued.id, ["orders:read"])
    assert listed.hint == f"{issued.key[:9]}...{issued.key[-4:]}"


async def test_the_last_use_is_noted_once_a_minute(
    world: "World", service: Any, user: Any, count_statements: Any
) -> None:
    issued = await issue(service, user)
    counts = []
    for _ in range(3):
        with count_statements(world.database) as statements:
            await service.authenticate(issued.key)
        counts.append(len(statements))
    assert counts == [2, 1, 1]
    await world.run("UPDATE api_keys SET last_used_at = last_used_at - interval '61 seconds'")
    [before] = await world.run("SELECT last_used_at FROM api_keys")
    await service.authenticate(issued.key)
    [after] = await world.run("SELECT last_used_at FROM api_keys")
    assert after.last_used_at - before.last_used_at > timedelta(minutes=1)


async def test_roles_bring_scopes(world: "World") -> None:
    clerk = await world.register(roles=["clerk", "retired role"])
    scopes = scopes_of(clerk, {"clerk": ALLOWED, "admin": {"users:write"}})
    assert scopes == ALLOWED
    demand_scopes(scopes, "orders:read", "orders:write")
    demand_role(clerk, "admin", "clerk")


@pytest.mark.unhappy
async def test_who_lacks_a_scope_or_a_role_does_not_pass(user: Any) -> None:
    with pytest.raises(InsufficientScopeError) as caught:
        demand_scopes({"orders:read"}, "orders:read", "orders:write")
    assert caught.value.scope == "orders:read orders:write"
    for granted in (set[str](), {"orders"}, {"orders:read "}, {"ORDERS:READ"}):
        with pytest.raises(InsufficientScopeError):
            demand_scopes(granted, "orders:read")
    with pytest.raises(PermissionDeniedError):
        demand_role(user, "admin")


def misspelt() -> dict[str, str]:
    text = FORMAT.new().text
    secret, checksum = text[5:48], text[48:]
    other = ApiKeyFormat("acmf").new().text
    return {
        "unknown": FORMAT.new().text,
        "empty": "",
        "prefix": "acme_",
        "another prefix": other,
        "capitals": text.upper(),
        "checksum wrong": text[:-1] + ("0" if text[-1] != "0" else "1"),
        "checksum of another prefix": f"acme_{secret}{zlib.crc32(secret.encode()):08x}",
        "no checksum": f"acme_{secret}",
        "no secret": f"acme_{checksum}",
        "space before": f" {text}",
        "line feed after": f"{text}\n",
        "NUL within": text[:20] + "\0" + text[21:],
        "not ASCII": text[:20] + "é" + text[21:],
        "other digits": text[:48] + "٣" * 8,
        "surrogate": text[:20] + "\ud800" + text[21:],
        "twice": text + text,
        "10 MB": "acme_" + "A" * 10_000_000,
        "SQL": "acme_' OR '1'='1",
        "access token": "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
    }


MISSPELT = misspelt()


@pytest.mark.unhappy
@pytest.mark.parametrize("text", MISSPELT.values(), ids=MISSPELT.keys())
async def test_refuses_what_is_no_key_with_one_error(service: Any, user: Any, text: str) -> None:
    await issue(service, user)
    with pytest.raises(InvalidTokenError) as caught:
        await service.authenticate(text)
    assert caught.value.message == "The API key is not valid."


@pytest.mark.unhappy
async def test_what_is_misspelt_does_not_reach_the_database(
    world: "World", service: Any, count_statements: Any
) -> None:
    with count_statements(world.database) as statements:
        for name, text in MISSPELT.items():
            if name != "unknown":
                with pytest.raises(InvalidTokenError):
                    await service.authenticate(text)
    assert statements == []


ENDINGS = {
    "revoked": "UPDATE api_keys SET revoked_at = now()",
    "expired": "UPDATE api_keys SET expires_at = now()",
    "deleted": "DELETE FROM api_keys",
    "account inactive": "UPDATE users SET is_active = false",
    "account marked as deleted": "UPDATE users SET deleted_at = now()",
    "account deleted": "DELETE FROM users",
}


@pytest.mark.unhappy
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
async def test_a_key_that_has_ended_is_nobody(
    world: "World", service: Any, user: Any, ending: str
) -> None:
    issued = await issue(service, user)
    await world.run(ending)
    with pytest.raises(InvalidTokenError):
        await service.authenticate(issued.key)


@pytest.mark.unhappy
async def test_a_revoked_key_is_gone_at_once_and_others_stay(service: Any, user: Any) -> None:
    first, second = await issue(service, user), await issue(service, user)
    await service.revoke(user.id, first.id)
    with pytest.raises(InvalidTokenError):
        await service.authenticate(first.key)
    with pytest.raises(NotFoundError):
        await service.revoke(user.id, first.id)
    assert (await service.authenticate(second.key)).key_id == second.id
    assert [key.id for key in await service.list_for(user.id)] == [second.id]


@pytest.mark.unhappy
async def test_nobody_revokes_or_lists_the_key_of_somebody_else(
    world: "World", service: Any, user: Any
) -> None:
    issued = await issue(service, user)
    eve = await world.register("eve@example.com")
    for key_id in (issued.id, uuid4()):
        with pytest.raises(NotFoundError):
            await service.revoke(eve.id, key_id)
    assert await service.list_for(eve.id) == []
    assert await service.authenticate(issued.key)


@pytest.mark.unhappy
async def test_nobody_gives_more_than_they_have(service: Any, user: Any) -> None:
    with pytest.raises(InsufficientScopeError):
        await issue(service, user, "orders:read", "users:write")
    assert await service.list_for(user.id) == []


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "settings",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"name": "a\0"},
        {"name": "\ud800"},
        {"scopes": {"two words"}},
        {"scopes": {""}},
        {"scopes": {'a"b'}},
        {"lifetime": timedelta(0)},
        {"lifetime": timedelta(days=-1)},
    ],
)
async def test_refuses_a_key_that_makes_no_sense(service: Any, user: Any, settings: Any) -> None:
    given = {"name": "n", "version": 1, "scopes": set(), "allowed": ALLOWED} | settings
    with pytest.raises(InvalidDataError):
        await service.issue(user.id, **given)


@pytest.mark.unhappy
async def test_inactive_and_unknown_accounts_get_no_key(world: "World", service: Any) -> None:
    gone = await world.register("gone@example.com", is_active=False)
    for account_id in (gone.id, uuid4()):
        with pytest.raises(ConflictError):
            await service.issue(account_id, "n", version=1, scopes=set(), allowed=set())


@pytest.mark.unhappy
@pytest.mark.parametrize("version", [0, 2])
async def test_who_was_thrown_out_by_a_new_password_leaves_no_key_behind(
    service: Any, user: Any, version: int
) -> None:
    with pytest.raises(ConflictError):
        await service.issue(user.id, "n", version=version, scopes=set(), allowed=set())
    assert await service.list_for(user.id) == []


@pytest.mark.unhappy
async def test_of_many_keys_asked_for_at_once_exactly_the_limit_is_issued(crowd: "World") -> None:
    service = ApiKeyService(crowd.uow, FORMAT, at_most=3)
    user = await crowd.register()
    for _ in range(5):
        answers = await asyncio.gather(
            *(issue(service, user) for _ in range(12)), return_exceptions=True
        )
        issued = [answer for answer in answers if not isinstance(answer, BaseException)]
        refused = [answer for answer in answers if isinstance(answer, ConflictError)]
        assert (len(issued), len(refused)) == (3, 9)
        await crowd.run("DELETE FROM api_keys")


@pytest.mark.unhappy
async def test_forty_first_uses_at_once_all_pass_without_waiting_for_each_other(
    crowd: "World",
) -> None:
    service: Any = ApiKeyService(crowd.uow, FORMAT)
    issued = await issue(service, await crowd.register())
    principals = await asyncio.gather(*(service.authenticate(issued.key) for _ in range(40)))
    assert {principal.key_id for principal in principals} == {issued.id}


@pytest.mark.unhappy
@pytest.mark.parametrize("prefix", ["", "a", "A1", "1a", "a_b", "a" * 17, "a\n", "é1"])
def test_refuses_a_prefix_that_is_mistaken(prefix: str) -> None:
    with pytest.raises(ConfigurationError):
        ApiKeyFormat(prefix)


@pytest.mark.unhappy
async def test_neither_log_nor_table_nor_repr_holds_a_key(
    world: "World", service: Any, user: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as records:
        issued = await issue(service, user)
        await service.authenticate(issued.key)
        stored = await world.run("SELECT k::text FROM api_keys AS k")
        await service.revoke(user.id, issued.id)
        with pytest.raises(InvalidTokenError) as caught:
            await service.authenticate(issued.key)
    shown = str(stored) + str(records) + caplog.text + repr(issued) + repr(caught.value)
    assert issued.key not in shown
    assert issued.key[9:-4] not in shown


async def reset_password(confirmation: Any, outbox: Outbox) -> None:
    await confirmation.request_password_reset("ada@example.com")
    await confirmation.finish()
    [token] = re.findall(r"#token=([\w-]{43})\n", outbox.mails[-1].text)
    await confirmation.reset_password(token, "violet-theatre-9-mango")
    await confirmation.finish()


@pytest.mark.unhappy
async def test_a_reset_password_ends_every_key_of_the_account_and_of_no_other(
    world: "World", service: Any, user: Any, outbox: Outbox
) -> None:
    eve = await world.register("eve@example.com")
    first, second, other = [await issue(service, owner) for owner in (user, user, eve)]
    await reset_password(world.confirm(outbox), outbox)
    for ended in (first, second):
        with pytest.raises(InvalidTokenError):
            await service.authenticate(ended.key)
    assert (await service.authenticate(other.key)).key_id == other.id


@pytest.mark.unhappy
async def test_a_service_without_keys_resets_passwords_too(
    world: "World", user: Any, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyless = type("Keyless", (type(world.uow()),), {"api_keys": None})
    monkeypatch.setattr(world, "uow", lambda: keyless(world.database))
    await reset_password(world.confirm(outbox), outbox)
    await world.service.log_in("ada@example.com", "violet-theatre-9-mango")
