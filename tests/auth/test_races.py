"""What happens at the same moment, on a real PostgreSQL, over and over."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import bcrypt
import pytest

from bedplate.auth.api_key_text import ApiKeyFormat
from bedplate.auth.api_keys import ApiKeyService
from bedplate.errors import (
    AuthenticationError,
    ConflictError,
    InvalidCredentialsError,
    InvalidGrantError,
    InvalidTokenError,
    StaleError,
)

EMAIL = "ada@example.com"
PASSWORD = "kite-lantern-41-otter"
NEW_PASSWORD = "violet-theatre-9-mango"
AT_ONCE = 40
ROUNDS = 20

pytestmark = pytest.mark.unhappy

if TYPE_CHECKING:
    from tests.auth.conftest import World


@pytest.fixture
async def user(crowd: "World") -> Any:
    return await crowd.register()


async def attempt(call: Any) -> Any:
    """Give what a call gives, or why it was refused; anything else is a failure of the test."""
    try:
        return await call
    except (AuthenticationError, StaleError) as error:
        return type(error)


async def waits(crowd: "World", task: Any) -> None:
    """Return as soon as the transaction of a task waits for a lock; it must not finish instead."""
    waiting: list[Any] = []
    while not waiting:
        waiting = await crowd.run(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        assert not task.done()


async def token_counts(crowd: "World") -> Any:
    [row] = await crowd.run(
        "SELECT count(*) AS issued, count(consumed_at) AS consumed FROM refresh_tokens"
    )
    return row.issued, row.consumed


async def test_of_40_parallel_refreshes_exactly_one_rotates_and_all_get_its_successor(
    crowd: "World", user: Any
) -> None:
    pair, claims = await crowd.log_in()
    for finished in range(1, ROUNDS + 1):
        answers = await asyncio.gather(
            *(crowd.service.refresh(pair.refresh_token) for _ in range(AT_ONCE))
        )
        assert len({answer.refresh_token for answer in answers}) == 1
        assert await token_counts(crowd) == (finished + 1, finished)
        pair = answers[0]
    assert await crowd.live_sessions() == {claims.session_id}


async def test_40_parallel_replays_revoke_the_family_once_and_give_nothing(
    crowd: "World", user: Any
) -> None:
    for _ in range(ROUNDS // 4):
        pair, _ = await crowd.log_in()
        await crowd.service.refresh(pair.refresh_token)
        await crowd.age(seconds=11)
        answers = await asyncio.gather(
            *(attempt(crowd.service.refresh(pair.refresh_token)) for _ in range(AT_ONCE))
        )
        assert set(answers) == {InvalidGrantError}
        assert await crowd.live_sessions() == set()


async def test_even_where_transactions_are_serializable_one_rotates(
    crowd: "World", user: Any
) -> None:
    name = crowd.database.engine.url.database
    await crowd.run(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
    await crowd.database.dispose()
    pair, _ = await crowd.log_in()
    for finished in range(1, 6):
        answers = await asyncio.gather(
            *(crowd.service.refresh(pair.refresh_token) for _ in range(8))
        )
        assert len({answer.refresh_token for answer in answers}) == 1
        assert await token_counts(crowd) == (finished + 1, finished)
        pair = answers[0]


@pytest.mark.parametrize("everywhere", [False, True])
async def test_no_refresh_survives_a_logout(crowd: "World", user: Any, everywhere: Any) -> None:
    for _ in range(ROUNDS):
        pair, claims = await crowd.log_in()
        log_out = crowd.service.log_out_everywhere if everywhere else crowd.service.log_out
        *answers, _ = await asyncio.gather(
            *(attempt(crowd.service.refresh(pair.refresh_token)) for _ in range(8)),
            log_out(claims),
        )
        assert await crowd.live_sessions() == set()
        for answer in answers:
            if answer is not InvalidGrantError:
                await refuses_everything(crowd, answer)


async def test_no_refresh_of_another_session_survives_a_new_password(
    crowd: "World", user: Any
) -> None:
    passwords = [PASSWORD, NEW_PASSWORD]
    for _ in range(ROUNDS):
        old, new = passwords
        (other, _), (_, claims) = await crowd.log_in(password=old), await crowd.log_in(password=old)
        *answers, _ = await asyncio.gather(
            *(attempt(crowd.service.refresh(other.refresh_token)) for _ in range(8)),
            crowd.service.change_password(claims, old, new),
        )
        assert await crowd.live_sessions() == {claims.session_id}
        for answer in answers:
            if answer is not InvalidGrantError:
                await refuses_everything(crowd, answer)
        await crowd.run("DELETE FROM auth_sessions")
        passwords.reverse()


async def test_no_login_with_the_old_password_survives_a_new_one(crowd: "World", user: Any) -> None:
    passwords = [PASSWORD, NEW_PASSWORD]
    outcomes: Counter[bool] = Counter()
    for _ in range(ROUNDS):
        old, new = passwords
        _, claims = await crowd.log_in(password=old)
        *answers, _ = await asyncio.gather(
            *(attempt(crowd.service.log_in(EMAIL, old)) for _ in range(8)),
            crowd.service.change_password(claims, old, new),
        )
        assert await crowd.live_sessions() == {claims.session_id}
        for answer in answers:
            outcomes[answer is InvalidCredentialsError] += 1
            if answer is not InvalidCredentialsError:
                await refuses_everything(crowd, answer)
        await crowd.run("DELETE FROM auth_sessions")
        passwords.reverse()
    assert sum(outcomes.values()) == 8 * ROUNDS


async def refuses_everything(crowd: "World", pair: Any) -> None:
    with pytest.raises(InvalidTokenError):
        await crowd.service.authenticate(pair.access_token)
    with pytest.raises(InvalidGrantError):
        await crowd.service.refresh(pair.refresh_token)


async def test_a_session_that_is_being_opened_is_seen_by_a_change_of_the_password(
    crowd: "World", user: Any
) -> None:
    async with crowd.uow() as login, crowd.uow() as change:
        assert await login.sessions.open(user.id, version=1, tokens=crowd.refresh_tokens)
        waiting = asyncio.ensure_future(change.users.change_password(user.id, version=1, new="new"))
        await waits(crowd, waiting)
        await login.commit()
        assert await waiting == 2
        assert await change.sessions.revoke_all(user.id) == 1
        await change.commit()
    assert await crowd.live_sessions() == set()


async def test_a_session_is_not_opened_beside_a_change_of_the_password(
    crowd: "World", user: Any
) -> None:
    async with crowd.uow() as login, crowd.uow() as change:
        assert await change.users.change_password(user.id, version=1, new="new") == 2
        waiting = asyncio.ensure_future(
            login.sessions.open(user.id, version=1, tokens=crowd.refresh_tokens)
        )
        await waits(crowd, waiting)
        await change.commit()
        assert await waiting is None
        await login.commit()
    assert await crowd.live_sessions() == set()


@pytest.mark.parametrize("change_first", [False, True])
async def test_a_better_hash_of_the_old_password_never_replaces_a_new_password(
    crowd: "World", user: Any, change_first: Any
) -> None:
    async def rehash(unit: Any) -> Any:
        return await unit.users.rehash_password(user.id, old=user.password_hash, new="better")

    async def change(unit: Any) -> Any:
        return await unit.users.change_password(user.id, version=1, new="new")

    first, second = (change, rehash) if change_first else (rehash, change)
    async with crowd.uow() as one, crowd.uow() as other:
        assert await first(one)
        waiting = asyncio.ensure_future(second(other))
        await waits(crowd, waiting)
        await one.commit()
        assert bool(await waiting) is not change_first
        await other.commit()
    assert await crowd.run("SELECT password_hash, token_version FROM users") == [("new", 2)]


async def test_whatever_a_login_makes_anew_a_new_password_stays(crowd: "World", user: Any) -> None:
    """Logins with a hash of plain bcrypt store a better one; a change meanwhile counts."""
    for _ in range(ROUNDS):
        plain = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        _, claims = await crowd.log_in()
        await crowd.run("UPDATE users SET password_hash = :plain", plain=plain)
        *_, changed = await asyncio.gather(
            *(attempt(crowd.service.log_in(EMAIL, PASSWORD)) for _ in range(8)),
            attempt(crowd.service.change_password(claims, PASSWORD, NEW_PASSWORD)),
        )
        assert changed is None
        with pytest.raises(InvalidCredentialsError):
            await crowd.log_in()
        await crowd.log_in(password=NEW_PASSWORD)
        [(stored,)] = await crowd.run("SELECT password_hash FROM users")
        assert (await crowd.hasher.verify(NEW_PASSWORD, stored)).ok
        again = await crowd.hasher.hash(PASSWORD)
        await crowd.run("UPDATE users SET password_hash = :again", again=again)


async def test_a_logout_beside_a_new_password_ends_the_session(crowd: "World", user: Any) -> None:
    passwords = [PASSWORD, NEW_PASSWORD]
    for _ in range(ROUNDS):
        old, new = passwords
        _, claims = await crowd.log_in(password=old)
        _, changed = await asyncio.gather(
            crowd.service.log_out_everywhere(claims),
            attempt(crowd.service.change_password(claims, old, new)),
        )
        assert await crowd.live_sessions() == set()
        assert changed in {None, InvalidTokenError}
        await crowd.log_in(password=new if changed is None else old)
        await crowd.run("DELETE FROM auth_sessions")
        if changed is None:
            passwords.reverse()


async def test_revoking_by_any_refresh_token_beside_refreshes_ends_the_session(
    crowd: "World", user: Any
) -> None:
    for _ in range(ROUNDS):
        pair, _ = await crowd.log_in()
        await asyncio.gather(
            *(attempt(crowd.service.refresh(pair.refresh_token)) for _ in range(8)),
            *(crowd.service.revoke(pair.refresh_token) for _ in range(4)),
        )
        assert await crowd.live_sessions() == set()


async def test_a_key_that_is_asked_for_beside_a_new_password_is_refused(
    crowd: "World", user: Any
) -> None:
    keys: Any = ApiKeyService(crowd.uow, ApiKeyFormat("acme"))
    async with crowd.uow() as uow:
        assert await uow.users.change_password(user.id, version=1, new="new") == 2
        assert await uow.api_keys.revoke_all(user.id) == 0
        asking = keys.issue(user.id, "left behind", version=1, scopes=set(), allowed=set())
        waiting = asyncio.ensure_future(asking)
        await waits(crowd, waiting)
        await uow.commit()
    with pytest.raises(ConflictError):
        await waiting
    assert await keys.list_for(user.id) == []


async def test_a_refresh_that_waits_for_a_logout_is_refused(crowd: "World", user: Any) -> None:
    pair, claims = await crowd.log_in()
    async with crowd.uow() as uow:
        assert await uow.sessions.revoke(claims.session_id, account_id=user.id)
        waiting = asyncio.ensure_future(attempt(crowd.service.refresh(pair.refresh_token)))
        await waits(crowd, waiting)
        await uow.commit()
    assert await waiting is InvalidGrantError


async def test_two_that_revoke_the_same_sessions_never_deadlock(crowd: "World", user: Any) -> None:
    """An account's sessions are locked in the order of their keys, not as they lie in the table."""
    (_, claims), (_, high) = await crowd.log_in(), await crowd.log_in()
    await crowd.run(  # the first row now lies behind the second, in the indexes too
        "UPDATE auth_sessions SET absolute_expires_at = absolute_expires_at + interval '1 second'"
        " WHERE id = :id",
        id=claims.session_id,
    )
    async with crowd.uow() as one:
        assert await one.sessions.revoke(claims.session_id, account_id=user.id)
        waiting = asyncio.ensure_future(crowd.service.log_out_everywhere(claims))
        await waits(crowd, waiting)
        assert await one.sessions.revoke(high.session_id, account_id=user.id)
        await one.commit()
    await waiting
    assert await crowd.live_sessions() == set()


async def test_parallel_logouts_refreshes_and_cleanups_all_finish(
    crowd: "World", user: Any
) -> None:
    for _ in range(ROUNDS // 4):
        logins = [await crowd.log_in() for _ in range(8)]
        await asyncio.gather(
            *(crowd.service.log_out_everywhere(claims) for _, claims in logins),
            *(attempt(crowd.service.refresh(pair.refresh_token)) for pair, _ in logins),
        )
        assert await crowd.live_sessions() == set()
        await crowd.age(days=91)
        deleted = await asyncio.gather(*(clean_up(crowd) for _ in range(8)))
        assert sum(deleted) == 8


async def clean_up(crowd: "World") -> Any:
    deleted, batch = 0, 3
    while batch == 3:
        async with crowd.uow() as uow:
            batch = await uow.sessions.delete_expired(limit=3)
            await uow.commit()
        deleted += batch
    return deleted
