"""bedplate.auth.confirmation, one_time_tokens and letters, at their normal pace"""

import logging
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock

import pytest
import structlog

from bedplate.auth.letters import Letters
from bedplate.auth.one_time_tokens import Purpose
from bedplate.errors import (
    ConfigurationError,
    InvalidCredentialsError,
    InvalidDataError,
    InvalidGrantError,
    InvalidOneTimeTokenError,
    InvalidTokenError,
    MailUnavailableError,
    WeakPasswordError,
    WrongPasswordError,
)
from bedplate.testing import Outbox

EMAIL = "ada@example.com"
NEW_EMAIL = "countess@example.com"
PASSWORD = "kite-lantern-41-otter"
NEW_PASSWORD = "violet-theatre-9-mango"

if TYPE_CHECKING:
    from tests.auth.conftest import World


@pytest.fixture
async def user(world: "World") -> Any:
    return await world.register()


@pytest.fixture
def service(world: "World", outbox: Outbox) -> Any:
    return world.confirm(outbox)


async def token_for(service: Any, outbox: Outbox, request: str, *args: Any) -> str:
    """Ask for a mail and give the token in it."""
    await getattr(service, request)(*args)
    await service.finish()
    found = re.search(r"#token=([\w-]{43})\n", outbox.mails[-1].text)
    assert found
    return found[1]


async def test_a_verified_address_is_marked(
    world: "World", service: Any, outbox: Outbox, user: Any
) -> None:
    token = await token_for(service, outbox, "request_verification", "Ada@Example.com")
    assert [mail.to for mail in outbox.mails] == [EMAIL]
    await service.verify_email(token)
    assert await world.run("SELECT is_verified FROM users") == [(True,)]


async def test_a_reset_password_logs_in_and_ends_every_session(
    world: "World", service: Any, outbox: Outbox, user: Any
) -> None:
    pair, _ = await world.log_in()
    token = await token_for(service, outbox, "request_password_reset", EMAIL)
    await service.reset_password(token, NEW_PASSWORD)
    await service.finish()
    assert await world.live_sessions() == set()
    with pytest.raises(InvalidTokenError):
        await world.service.authenticate(pair.access_token)
    with pytest.raises(InvalidGrantError):
        await world.service.refresh(pair.refresh_token)
    with pytest.raises(InvalidCredentialsError):
        await world.service.log_in(EMAIL, PASSWORD)
    await world.service.log_in(EMAIL, NEW_PASSWORD)
    assert "was changed" in outbox.mails[-1].subject


async def test_a_new_address_counts_when_it_is_confirmed_and_the_old_one_is_told(
    world: "World", service: Any, outbox: Outbox, user: Any
) -> None:
    _, claims = await world.log_in()
    asked = ("request_email_change", claims, PASSWORD, " Countess@Example.com ")
    token = await token_for(service, outbox, *asked)
    assert outbox.mails[-1].to == NEW_EMAIL
    await world.service.log_in(EMAIL, PASSWORD)
    await service.change_email(token)
    await service.finish()
    assert outbox.mails[-1].to == EMAIL
    assert await world.run("SELECT email, is_verified FROM users") == [(NEW_EMAIL, True)]
    with pytest.raises(InvalidCredentialsError):
        await world.service.log_in(EMAIL, PASSWORD)


@pytest.mark.unhappy
@pytest.mark.parametrize("request_", ["request_verification", "request_password_reset"])
@pytest.mark.parametrize(
    "email", ["nobody@example.com", "", "no address", "a\0@b", "x" * 10_000, "\ud800@example.com"]
)
async def test_asking_in_the_name_of_nobody_is_answered_like_any_other(
    world: "World", service: Any, outbox: Outbox, user: Any, request_: str, email: str
) -> None:
    assert await getattr(service, request_)(email) is None
    await service.finish()
    assert outbox.mails == []
    assert await world.run("SELECT 1 FROM one_time_tokens") == []


@pytest.mark.unhappy
@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
async def test_asking_is_answered_before_the_database_is(
    world: "World", service: Any, user: Any, count_statements: Any, email: str
) -> None:
    with count_statements(world.database) as statements:
        await service.request_password_reset(email)
        assert statements == []
        await service.finish()
        assert statements != []


@pytest.mark.unhappy
async def test_inactive_and_verified_accounts_get_no_mail_they_do_not_need(
    world: "World", service: Any, outbox: Outbox
) -> None:
    await world.register("gone@example.com", is_active=False)
    await world.register("done@example.com", is_verified=True)
    for ask, email in (
        (service.request_password_reset, "gone@example.com"),
        (service.request_verification, "gone@example.com"),
        (service.request_verification, "done@example.com"),
    ):
        await ask(email)
        await service.finish()
    assert outbox.mails == []


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "token",
    ["", "x", "A" * 43, "A" * 44, "A" * 1_000_000, "\0", "é" * 43, "\ud800" * 43, "' OR 1=1 --"],
    ids=["empty", "short", "unknown", "long", "1 MB", "NUL", "not ASCII", "surrogates", "SQL"],
)
async def test_refuses_what_is_no_token_and_hashes_nothing_for_it(
    world: "World", outbox: Outbox, user: Any, token: str
) -> None:
    hasher = AsyncMock()
    service = world.confirm(outbox, hasher)
    for attempt in (
        service.verify_email(token),
        service.reset_password(token, NEW_PASSWORD),
        service.change_email(token),
    ):
        with pytest.raises(InvalidOneTimeTokenError):
            await attempt
    assert (hasher.hash.await_count, hasher.verify.await_count) == (0, 0)


async def attempt_all(service: Any, token: str) -> int:
    """Use a token for every purpose; give how many took it."""
    taken = 0
    for method, arguments in (
        ("verify_email", (token,)),
        ("reset_password", (token, NEW_PASSWORD)),
        ("change_email", (token,)),
    ):
        try:
            await getattr(service, method)(*arguments)
            taken += 1
        except InvalidOneTimeTokenError:
            pass
    return taken


@pytest.mark.unhappy
@pytest.mark.parametrize("purpose", list(Purpose))
async def test_a_token_is_for_one_purpose_and_works_once(
    world: "World", service: Any, outbox: Outbox, user: Any, purpose: Purpose
) -> None:
    async with world.uow() as uow:
        token = await uow.one_time_tokens.issue(
            user, purpose, lifetime=timedelta(hours=1), email=NEW_EMAIL
        )
        await uow.commit()
    assert await attempt_all(service, token) == 1
    assert await attempt_all(service, token) == 0


ENDINGS = {
    "expired": "UPDATE one_time_tokens SET expires_at = now()",
    "another address": "UPDATE users SET email = 'other@example.com'",
    "another password": "UPDATE users SET token_version = token_version + 1",
    "inactive": "UPDATE users SET is_active = false",
    "marked as deleted": "UPDATE users SET deleted_at = now()",
    "deleted": "DELETE FROM users",
}


@pytest.mark.unhappy
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
@pytest.mark.parametrize("purpose", list(Purpose))
async def test_a_token_ends_with_what_it_was_issued_for(
    world: "World", service: Any, user: Any, purpose: Purpose, ending: str
) -> None:
    async with world.uow() as uow:
        token = await uow.one_time_tokens.issue(user, purpose, lifetime=timedelta(hours=1))
        await uow.commit()
    await world.run(ending)
    assert await attempt_all(service, token) == 0


@pytest.mark.unhappy
async def test_a_used_token_takes_its_siblings_along(
    service: Any, outbox: Outbox, user: Any
) -> None:
    first = await token_for(service, outbox, "request_password_reset", EMAIL)
    second = await token_for(service, outbox, "request_password_reset", EMAIL)
    await service.reset_password(first, NEW_PASSWORD)
    with pytest.raises(InvalidOneTimeTokenError):
        await service.reset_password(second, PASSWORD)


@pytest.mark.unhappy
async def test_a_weak_password_does_not_cost_the_token(
    service: Any, outbox: Outbox, user: Any
) -> None:
    token = await token_for(service, outbox, "request_password_reset", EMAIL)
    for weak in ("short", "password1234", EMAIL):
        with pytest.raises(WeakPasswordError) as caught:
            await service.reset_password(token, weak)
        assert caught.value.field == "new_password"
    await service.reset_password(token, NEW_PASSWORD)


@pytest.mark.unhappy
async def test_an_address_is_changed_only_by_who_knows_the_password(
    world: "World", service: Any, outbox: Outbox, user: Any
) -> None:
    _, claims = await world.log_in()
    with pytest.raises(WrongPasswordError):
        await service.request_email_change(claims, "wrong-" + PASSWORD, NEW_EMAIL)
    with pytest.raises(InvalidDataError):
        await service.request_email_change(claims, PASSWORD, "no address")
    await world.service.log_out(claims)
    with pytest.raises(InvalidTokenError):
        await service.request_email_change(claims, PASSWORD, NEW_EMAIL)
    await service.finish()
    assert outbox.mails == []


@pytest.mark.unhappy
async def test_an_address_that_another_account_has_is_told_to_its_owner_alone(
    world: "World", service: Any, outbox: Outbox, user: Any
) -> None:
    _, claims = await world.log_in()
    await world.register(NEW_EMAIL)
    assert await service.request_email_change(claims, PASSWORD, NEW_EMAIL) is None
    await service.finish()
    [mail] = outbox.mails
    assert mail.to == NEW_EMAIL
    assert "token" not in mail.text


@pytest.mark.unhappy
async def test_no_mail_holds_a_connection_while_a_slow_server_takes_it(crowd: "World") -> None:
    held = []

    async def send(_mail: Any) -> None:
        held.append(crowd.database.engine.pool.checkedout())  # type: ignore[attr-defined]

    service = crowd.confirm(AsyncMock(send=send))
    await crowd.register()
    await crowd.register("other@example.com")
    _, claims = await crowd.log_in()
    for ask, *arguments in (
        (service.request_email_change, claims, PASSWORD, NEW_EMAIL),
        (service.request_email_change, claims, PASSWORD, "other@example.com"),
        (service.request_password_reset, EMAIL),
        (service.request_verification, EMAIL),
    ):
        await ask(*arguments)
        await service.finish()
    assert held == [0] * 4


@pytest.mark.unhappy
async def test_an_address_that_was_taken_meanwhile_is_refused_and_changes_nothing(
    world: "World", service: Any, outbox: Outbox, user: Any
) -> None:
    _, claims = await world.log_in()
    asked = ("request_email_change", claims, PASSWORD, NEW_EMAIL)
    token = await token_for(service, outbox, *asked)
    await world.register(NEW_EMAIL)
    with pytest.raises(InvalidOneTimeTokenError):
        await service.change_email(token)
    assert len(await world.run("SELECT 1 FROM users WHERE email = :email", email=EMAIL)) == 1


@pytest.mark.unhappy
async def test_a_mail_server_that_is_down_is_recorded_and_not_told(
    service: Any, outbox: Outbox, user: Any, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.failing = MailUnavailableError()
    with structlog.testing.capture_logs() as records:
        await service.request_password_reset(EMAIL)
        await service.finish()
    assert [record["event"] for record in records] == ["errand_failed"]
    assert EMAIL not in str(records)


@pytest.mark.unhappy
async def test_too_many_mails_are_refused_for_everybody_alike(crowd: "World") -> None:
    service = crowd.confirm(Outbox())
    for _ in range(100):
        await service.request_password_reset("nobody@example.com")
    for email in (EMAIL, "nobody@example.com"):
        with pytest.raises(MailUnavailableError):
            await service.request_password_reset(email)
    await service.finish()
    await service.request_password_reset(EMAIL)
    await service.finish()


@pytest.mark.unhappy
async def test_neither_log_nor_table_holds_a_token(
    world: "World", service: Any, outbox: Outbox, user: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as records:
        token = await token_for(service, outbox, "request_password_reset", EMAIL)
        stored = await world.run("SELECT t::text FROM one_time_tokens AS t")
        with pytest.raises(InvalidOneTimeTokenError):
            await service.verify_email(token)
        await service.reset_password(token, NEW_PASSWORD)
        await service.finish()
    for secret in (token, NEW_PASSWORD):
        assert secret not in str(stored) + str(records) + caplog.text + repr(outbox.mails)
    assert EMAIL not in str(records) + caplog.text


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "settings", [{"service": ""}, {"service": "a\nb"}, {"service": "a", "site": "example.com"}]
)
def test_refuses_letters_that_would_not_arrive(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        Letters(**settings)


@pytest.mark.unhappy
async def test_expired_tokens_are_deleted_in_batches_and_others_stay(
    world: "World", user: Any
) -> None:
    async with world.uow() as uow:
        for _ in range(4):
            await uow.one_time_tokens.issue(user, Purpose.VERIFICATION, lifetime=timedelta(hours=1))
        await uow.commit()
    await world.run(
        "UPDATE one_time_tokens SET expires_at = now() WHERE token_hash IN"
        " (SELECT token_hash FROM one_time_tokens LIMIT 3)"
    )
    async with world.uow() as uow:
        assert [await uow.one_time_tokens.delete_expired(limit=2) for _ in range(3)] == [2, 1, 0]
        await uow.commit()
    assert len(await world.run("SELECT 1 FROM one_time_tokens")) == 1
