"""bedplate.auth.sessions"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from bedplate.auth.keys import generate_secret
from bedplate.auth.refresh_tokens import RefreshTokens
from bedplate.auth.sessions import RotationOutcome

ROTATED, REPEATED, UNKNOWN, ENDED, REUSED = RotationOutcome

if TYPE_CHECKING:
    from tests.auth.conftest import World


@pytest.fixture
async def user(world: "World") -> Any:
    return await world.register()


async def open_session(world: "World", user: Any, version: Any = 1) -> Any:
    async with world.uow() as uow:
        opened = await uow.sessions.open(user.id, version=version, tokens=world.refresh_tokens)
        await uow.commit()
    return opened


async def rotate(world: "World", token: Any, tokens: Any = None) -> Any:
    async with world.uow() as uow:
        rotation = await uow.sessions.rotate(token, tokens or world.refresh_tokens)
        await uow.commit()
    return rotation


async def test_a_token_rotates_into_a_successor_that_rotates(world: "World", user: Any) -> None:
    opened = await open_session(world, user)
    token = opened.refresh_token
    for _ in range(3):
        rotation = await rotate(world, token)
        assert (rotation.outcome, rotation.session_id) == (ROTATED, opened.session_id)
        assert (rotation.account_id, rotation.version) == (user.id, 1)
        token = rotation.refresh_token


async def test_only_hashes_are_stored(world: "World", user: Any) -> None:
    opened = await open_session(world, user)
    rotation = await rotate(world, opened.refresh_token)
    dump = str(await world.run("SELECT * FROM refresh_tokens"))
    assert opened.refresh_token not in dump
    assert rotation.refresh_token not in dump


async def test_within_the_grace_the_same_successor_is_given_again(
    world: "World", user: Any
) -> None:
    opened = await open_session(world, user)
    first = await rotate(world, opened.refresh_token)
    await world.age(seconds=9)
    again = await rotate(world, opened.refresh_token)
    assert (again.outcome, again.refresh_token) == (REPEATED, first.refresh_token)
    assert (await rotate(world, again.refresh_token)).outcome == ROTATED


async def test_a_token_outlives_a_change_of_the_secret(world: "World", user: Any) -> None:
    opened = await open_session(world, user)
    first = await rotate(world, opened.refresh_token)
    changed = RefreshTokens.from_secret(generate_secret(), previous=[world.secret])
    again = await rotate(world, opened.refresh_token, changed)
    assert (again.outcome, again.refresh_token) == (REPEATED, first.refresh_token)
    assert (await rotate(world, first.refresh_token, changed)).outcome == ROTATED


async def test_sessions_are_listed_with_the_latest_used_first(world: "World", user: Any) -> None:
    first, second = await open_session(world, user), await open_session(world, user)
    await rotate(world, first.refresh_token)
    async with world.uow() as uow:
        listed = await uow.sessions.list_for(user.id)
        assert [session.id for session in listed] == [first.session_id, second.session_id]


async def test_cleanup_deletes_what_is_over_and_its_tokens_in_batches(
    world: "World", user: Any
) -> None:
    for _ in range(3):
        await rotate(world, (await open_session(world, user)).refresh_token)
    await world.age(days=91)
    fresh = await open_session(world, user)
    async with world.uow() as uow:
        assert await uow.sessions.delete_expired(limit=2) == 2
        assert await uow.sessions.delete_expired(limit=2) == 1
        assert await uow.sessions.delete_expired(limit=2) == 0
        await uow.commit()
    left = await world.run("SELECT session_id FROM refresh_tokens")
    assert [row.session_id for row in left] == [fresh.session_id]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "token",
    ["", "x", "A" * 43, "A" * 42 + "B", "A" * 1_000_000, "\0" * 43, "\ud800" * 43, "' OR 1=1 --"],
    ids=["empty", "short", "well-formed", "unused bits", "1 MB", "NUL", "surrogates", "SQL"],
)
async def test_what_was_never_issued_is_unknown(world: "World", user: Any, token: Any) -> None:
    await open_session(world, user)
    assert (await rotate(world, token)).outcome == UNKNOWN
    assert len(await world.live_sessions()) == 1


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("ago", "outcome"),
    [({"days": 13, "hours": 23}, ROTATED), ({"days": 14, "seconds": 1}, ENDED)],
)
async def test_an_idle_token_expires(world: "World", user: Any, ago: Any, outcome: Any) -> None:
    opened = await open_session(world, user)
    await world.age(**ago)
    assert (await rotate(world, opened.refresh_token)).outcome == outcome


@pytest.mark.unhappy
async def test_no_refreshing_outlives_the_absolute_expiry(world: "World", user: Any) -> None:
    token = (await open_session(world, user)).refresh_token
    for _ in range(8):
        await world.age(days=11)
        rotation = await rotate(world, token)
        assert rotation.outcome == ROTATED
        token = rotation.refresh_token
    [last] = await world.run(
        "SELECT t.expires_at = s.absolute_expires_at FROM refresh_tokens t"
        " JOIN auth_sessions s ON s.id = t.session_id WHERE t.consumed_at IS NULL"
    )
    assert tuple(last) == (True,)
    await world.age(days=3)
    assert (await rotate(world, token)).outcome == ENDED


@pytest.mark.unhappy
@pytest.mark.parametrize("generation", [0, 1, 2], ids=["grandparent", "parent", "latest used"])
async def test_a_replay_after_the_grace_revokes_its_family_and_no_other(
    world: "World", user: Any, generation: Any
) -> None:
    other = await open_session(world, user)
    chain = [(await open_session(world, user)).refresh_token]
    for _ in range(3):
        chain.append((await rotate(world, chain[-1])).refresh_token)
    await world.age(seconds=11)
    assert (await rotate(world, chain[generation])).outcome == REUSED
    assert await world.live_sessions() == {other.session_id}
    for token in chain:
        assert (await rotate(world, token)).outcome == ENDED
    assert (await rotate(world, other.refresh_token)).outcome == ROTATED


@pytest.mark.unhappy
async def test_within_the_grace_a_parent_whose_successor_was_used_is_reuse(
    world: "World", user: Any
) -> None:
    opened = await open_session(world, user)
    successor = await rotate(world, opened.refresh_token)
    assert (await rotate(world, successor.refresh_token)).outcome == ROTATED
    assert (await rotate(world, opened.refresh_token)).outcome == REUSED
    assert await world.live_sessions() == set()


@pytest.mark.unhappy
async def test_without_the_key_no_successor_can_be_repeated(world: "World", user: Any) -> None:
    opened = await open_session(world, user)
    await rotate(world, opened.refresh_token)
    changed = RefreshTokens.from_secret(generate_secret())
    assert (await rotate(world, opened.refresh_token, changed)).outcome == REUSED


@pytest.mark.unhappy
async def test_of_too_many_sessions_the_latest_used_are_listed(world: "World", user: Any) -> None:
    first = await open_session(world, user)
    await world.run(
        "INSERT INTO auth_sessions (id, user_id, last_used_at, absolute_expires_at)"
        " SELECT gen_random_uuid(), user_id, last_used_at + n * interval '1 second',"
        " absolute_expires_at FROM auth_sessions, generate_series(1, 100) AS n"
    )
    async with world.uow() as uow:
        listed = await uow.sessions.list_for(user.id)
    used = [session.last_used_at for session in listed]
    assert len(listed) == 100
    assert used == sorted(used, reverse=True)
    assert first.session_id not in {session.id for session in listed}
    assert len(await world.live_sessions()) == 101


@pytest.mark.unhappy
async def test_without_a_grace_each_second_use_is_reuse(world: "World", user: Any) -> None:
    tokens = RefreshTokens.from_secret(world.secret, grace=timedelta(0))
    opened = await open_session(world, user)
    assert (await rotate(world, opened.refresh_token, tokens)).outcome == ROTATED
    assert (await rotate(world, opened.refresh_token, tokens)).outcome == REUSED


@pytest.mark.unhappy
async def test_a_revoked_session_neither_rotates_nor_is_listed(world: "World", user: Any) -> None:
    opened = await open_session(world, user)
    async with world.uow() as uow:
        assert await uow.sessions.revoke(opened.session_id, account_id=user.id)
        assert not await uow.sessions.revoke(opened.session_id, account_id=user.id)
        assert await uow.sessions.list_for(user.id) == []
        await uow.commit()
    assert (await rotate(world, opened.refresh_token)).outcome == ENDED


@pytest.mark.unhappy
async def test_nobody_revokes_the_session_of_somebody_else(world: "World", user: Any) -> None:
    opened = await open_session(world, user)
    eve = await world.register(email="eve@example.com")
    async with world.uow() as uow:
        assert not await uow.sessions.revoke(opened.session_id, account_id=eve.id)
        assert await uow.sessions.revoke_all(eve.id) == 0
        await uow.commit()
    assert await world.live_sessions() == {opened.session_id}


@pytest.mark.unhappy
async def test_all_sessions_but_the_kept_one_end(world: "World", user: Any) -> None:
    kept, *_ = [await open_session(world, user) for _ in range(3)]
    async with world.uow() as uow:
        assert await uow.sessions.revoke_all(user.id, keep=kept.session_id) == 2
        await uow.commit()
    assert await world.live_sessions() == {kept.session_id}


@pytest.mark.unhappy
@pytest.mark.parametrize("change", ["is_active = false", "deleted_at = now()"])
async def test_an_account_that_may_not_act_opens_and_refreshes_nothing(
    world: "World", user: Any, change: str
) -> None:
    opened = await open_session(world, user)
    await world.run(f"UPDATE users SET {change}")
    assert await open_session(world, user) is None
    assert (await rotate(world, opened.refresh_token)).outcome == ENDED


@pytest.mark.unhappy
@pytest.mark.parametrize("version", [0, 2])
async def test_no_session_opens_for_a_password_that_was_changed(
    world: "World", user: Any, version: Any
) -> None:
    assert await open_session(world, user, version=version) is None
    assert await world.run("SELECT 1 FROM auth_sessions") == []


@pytest.mark.unhappy
async def test_no_session_opens_for_nobody(world: "World") -> None:
    async with world.uow() as uow:
        assert await uow.sessions.open(uuid4(), version=1, tokens=world.refresh_tokens) is None


@pytest.mark.unhappy
async def test_cleanup_leaves_alone_what_somebody_holds(crowd: "World") -> None:
    user = await crowd.register()
    held, free = await open_session(crowd, user), await open_session(crowd, user)
    await crowd.age(days=91)
    async with crowd.uow() as holder, crowd.uow() as uow:
        await holder.session.execute(
            holder.sessions._tables.sessions.select()
            .where(holder.sessions._tables.sessions.c.id == held.session_id)
            .with_for_update()
        )
        assert await uow.sessions.delete_expired() == 1
        await uow.commit()
    [left] = await crowd.run("SELECT id FROM auth_sessions")
    assert left.id == held.session_id != free.session_id


@pytest.mark.unhappy
async def test_no_repr_shows_a_token(world: "World", user: Any) -> None:
    opened = await open_session(world, user)
    rotation = await rotate(world, opened.refresh_token)
    assert opened.refresh_token not in repr(opened)
    assert rotation.refresh_token not in repr(rotation)
