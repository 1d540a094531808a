"""One-time tokens used by many at the same moment, on real connections."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bedplate.auth.one_time_tokens import Purpose
from bedplate.errors import InvalidCredentialsError, InvalidOneTimeTokenError
from bedplate.testing import Outbox

EMAIL = "ada@example.com"
ROUNDS = 20
AT_ONCE = 12

pytestmark = pytest.mark.unhappy

if TYPE_CHECKING:
    from tests.auth.conftest import World


@pytest.fixture
async def user(crowd: "World") -> Any:
    return await crowd.register()


async def issue(crowd: "World", user: Any, purpose: Purpose, **settings: Any) -> str:
    async with crowd.uow() as uow:
        account = await uow.users.get(user.id)
        token: str = await uow.one_time_tokens.issue(
            account, purpose, lifetime=timedelta(hours=1), **settings
        )
        await uow.commit()
    return token


async def attempt(call: Any) -> bool:
    try:
        await call
    except InvalidOneTimeTokenError:
        return False
    return True


async def test_of_many_who_use_a_token_at_once_one_wins(crowd: "World", user: Any) -> None:
    service = crowd.confirm(Outbox())
    for _ in range(ROUNDS):
        token = await issue(crowd, user, Purpose.VERIFICATION)
        won = await asyncio.gather(*(attempt(service.verify_email(token)) for _ in range(AT_ONCE)))
        assert sum(won) == 1


async def test_of_many_new_passwords_by_one_mail_one_is_stored(crowd: "World", user: Any) -> None:
    service = crowd.confirm(Outbox())
    for number in range(ROUNDS // 4):
        token = await issue(crowd, user, Purpose.PASSWORD_RESET)
        passwords = [f"violet-theatre-{number}-mango-{one}" for one in range(AT_ONCE)]
        won = await asyncio.gather(
            *(attempt(service.reset_password(token, password)) for password in passwords)
        )
        assert sum(won) == 1
        await crowd.service.log_in(EMAIL, passwords[won.index(True)])
    await service.finish()


async def test_of_two_mails_of_one_account_used_at_once_one_wins_and_none_deadlocks(
    crowd: "World", user: Any
) -> None:
    service = crowd.confirm(Outbox())
    for number in range(ROUNDS):
        tokens = [
            await issue(crowd, user, Purpose.EMAIL_CHANGE, email=f"new-{number}-{n}@example.com")
            for n in range(4)
        ]
        won = await asyncio.gather(*(attempt(service.change_email(token)) for token in tokens))
        assert sum(won) == 1
        [row] = await crowd.run("SELECT email FROM users")
        assert row.email == f"new-{number}-{won.index(True)}@example.com"
    await service.finish()


async def test_a_reset_and_a_login_with_the_old_password_leave_no_session(
    crowd: "World", user: Any
) -> None:
    service = crowd.confirm(Outbox())
    old = "kite-lantern-41-otter"

    async def log_in() -> None:
        with suppress(InvalidCredentialsError):
            await crowd.service.log_in(EMAIL, old)

    for number in range(ROUNDS // 4):
        token = await issue(crowd, user, Purpose.PASSWORD_RESET)
        new = f"violet-theatre-{number}-mango"
        await asyncio.gather(*(log_in() for _ in range(4)), service.reset_password(token, new))
        assert await crowd.live_sessions() == set()
        old = new
    await service.finish()


async def test_a_change_of_the_password_waits_for_a_reset_and_is_then_refused(
    crowd: "World", user: Any
) -> None:
    token = await issue(crowd, user, Purpose.PASSWORD_RESET)
    async with crowd.uow() as reset, crowd.uow() as change:
        consumed = await reset.one_time_tokens.consume(token, Purpose.PASSWORD_RESET)
        waiting = asyncio.ensure_future(change.users.change_password(user.id, version=1, new="x"))
        while not await crowd.run(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            assert not waiting.done()
        assert await reset.users.change_password(user.id, version=consumed.version, new="reset")
        await reset.commit()
        assert await waiting is None
    [row] = await crowd.run("SELECT password_hash FROM users")
    assert row.password_hash == "reset"
