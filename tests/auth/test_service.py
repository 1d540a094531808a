"""bedplate.auth.service: tokens and sessions"""

import logging
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import structlog

from bedplate.database import Database
from bedplate.errors import (
    InvalidCredentialsError,
    InvalidGrantError,
    InvalidTokenError,
    NotFoundError,
    RetryableError,
)

EMAIL = "ada@example.com"
PASSWORD = "kite-lantern-41-otter"
NEW_PASSWORD = "violet-theatre-9-mango"

if TYPE_CHECKING:
    from tests.auth.conftest import World


@pytest.fixture
async def user(world: "World") -> Any:
    return await world.register()


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as captured:
        yield captured


def audits(records: Any) -> Any:
    return [record["event"] for record in records]


async def test_a_refresh_keeps_the_session_and_gives_new_tokens(world: "World", user: Any) -> None:
    pair, claims = await world.log_in()
    new = await world.service.refresh(pair.refresh_token)
    assert new.refresh_token != pair.refresh_token
    _, refreshed = await world.service.authenticate(new.access_token)
    assert (refreshed.session_id, refreshed.subject) == (claims.session_id, user.id)


async def test_own_sessions_are_listed_and_revoked(world: "World", user: Any) -> None:
    (_, first), (_, second) = await world.log_in(), await world.log_in()
    listed = await world.service.sessions(first)
    marked = {session.id: session.current for session in listed}
    assert marked == {first.session_id: True, second.session_id: False}
    await world.service.revoke_session(first, second.session_id)
    assert await world.live_sessions() == {first.session_id}


async def test_a_refresh_token_alone_ends_its_session_and_no_other(
    world: "World", user: Any, records: Any
) -> None:
    (pair, claims), (_, other) = await world.log_in(), await world.log_in()
    await world.service.revoke(pair.refresh_token)
    assert await world.live_sessions() == {other.session_id}
    assert [r["session_id"] for r in records if r["event"] == "logged_out"] == [claims.session_id]


@pytest.mark.unhappy
@pytest.mark.parametrize("which", ["used", "replayed", "inactive account", "idle too long"])
async def test_any_token_of_a_session_ends_it(world: "World", user: Any, which: str) -> None:
    pair, _ = await world.log_in()
    if which in {"used", "replayed"}:
        await world.service.refresh(pair.refresh_token)
        await world.age(seconds=11 if which == "replayed" else 0)
    elif which == "inactive account":
        await world.run("UPDATE users SET is_active = false")
    else:
        await world.age(days=15)
    await world.service.revoke(pair.refresh_token)
    assert await world.live_sessions() == set()


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "token",
    ["", "x", "A" * 43, "A" * 1_000_000, "\0", "é" * 43, "\ud800" * 43, "a.b.c"],
    ids=["empty", "short", "unknown", "1 MB", "NUL", "not ASCII", "surrogates", "JWT"],
)
async def test_revoking_what_is_unknown_or_ended_is_no_error_and_no_record(
    world: "World", user: Any, records: Any, token: str
) -> None:
    (pair, claims), (_, other) = await world.log_in(), await world.log_in()
    await world.service.log_out(claims)
    records.clear()
    for presented in (token, pair.refresh_token, pair.access_token):
        await world.service.revoke(presented)
    assert await world.live_sessions() == {other.session_id}
    assert audits(records) == []


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "A" * 43,
        "A" * 44,
        "A" * 1_000_000,
        "\0",
        "é" * 43,
        "\ud800" * 43,
        "a.b.c",
        "' OR 1=1 --",
    ],
    ids=[
        "empty",
        "short",
        "unknown",
        "long",
        "1 MB",
        "NUL",
        "not ASCII",
        "surrogates",
        "JWT",
        "SQL",
    ],
)
async def test_refuses_to_refresh_what_is_no_refresh_token(
    world: "World", user: Any, token: Any
) -> None:
    await world.log_in()
    with pytest.raises(InvalidGrantError):
        await world.service.refresh(token)
    assert len(await world.live_sessions()) == 1


@pytest.mark.unhappy
async def test_an_access_token_does_not_refresh_and_a_refresh_token_gives_no_access(
    world: "World", user: Any
) -> None:
    pair, _ = await world.log_in()
    with pytest.raises(InvalidGrantError):
        await world.service.refresh(pair.access_token)
    with pytest.raises(InvalidTokenError):
        await world.service.authenticate(pair.refresh_token)


@pytest.mark.unhappy
async def test_reuse_is_stored_and_recorded_before_it_is_refused(
    world: "World", user: Any, records: Any
) -> None:
    pair, claims = await world.log_in()
    newest = await world.service.refresh(pair.refresh_token)
    await world.age(seconds=11)
    with pytest.raises(InvalidGrantError):
        await world.service.refresh(pair.refresh_token)
    assert await world.live_sessions() == set()
    for token in (newest.refresh_token, pair.refresh_token):
        with pytest.raises(InvalidGrantError):
            await world.service.refresh(token)
    with pytest.raises(InvalidTokenError):
        await world.service.authenticate(newest.access_token)
    [record] = [record for record in records if record["log_level"] == "warning"]
    assert (record["event"], record["session_id"]) == ("refresh_token_reused", claims.session_id)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("generation", "seconds"),
    [(1, 11), (0, 11), (0, 0), (2, 11)],
    ids=["parent", "grandparent", "parent of a used one, within the grace", "latest used"],
)
async def test_each_replay_is_recorded_once_committed_and_leaves_other_sessions_alone(
    world: "World", user: Any, records: Any, generation: int, seconds: int
) -> None:
    (pair, claims), (other, others) = await world.log_in(), await world.log_in()
    chain = [pair]
    for _ in range(3):
        chain.append(await world.service.refresh(chain[-1].refresh_token))
    await world.age(seconds=seconds)
    for _ in range(3):  # again and again: the first ended it, and nothing is recorded twice
        with pytest.raises(InvalidGrantError):
            await world.service.refresh(chain[generation].refresh_token)
    assert await world.live_sessions() == {others.session_id}
    assert await world.service.refresh(other.refresh_token)
    reuses = [record for record in records if record["event"] == "refresh_token_reused"]
    assert [(r["session_id"], r["account_id"]) for r in reuses] == [(claims.session_id, user.id)]


ENDINGS = {
    "session revoked": "UPDATE auth_sessions SET revoked_at = now()",
    "session over": "UPDATE auth_sessions SET absolute_expires_at = now()",
    "session deleted": "DELETE FROM auth_sessions",
    "account inactive": "UPDATE users SET is_active = false",
    "account marked as deleted": "UPDATE users SET deleted_at = now()",
    "account deleted": "DELETE FROM users",
}


@pytest.mark.unhappy
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
async def test_what_has_ended_is_no_principal_and_refreshes_no_more(
    world: "World", user: Any, ending: Any
) -> None:
    pair, _ = await world.log_in()
    await world.run(ending)
    with pytest.raises(InvalidTokenError):
        await world.service.authenticate(pair.access_token)
    with pytest.raises(InvalidGrantError):
        await world.service.refresh(pair.refresh_token)


@pytest.mark.unhappy
@pytest.mark.parametrize("everywhere", [False, True])
async def test_logged_out_is_logged_out(world: "World", user: Any, everywhere: Any) -> None:
    (pair, claims), _ = await world.log_in(), await world.log_in()
    await (world.service.log_out_everywhere if everywhere else world.service.log_out)(claims)
    with pytest.raises(InvalidTokenError):
        await world.service.authenticate(pair.access_token)
    with pytest.raises(InvalidGrantError):
        await world.service.refresh(pair.refresh_token)
    assert len(await world.live_sessions()) == (0 if everywhere else 1)
    await world.service.log_out(claims)  # twice does no harm


@pytest.mark.unhappy
async def test_tokens_of_another_account_of_version_or_time_are_no_principal(
    world: "World", user: Any
) -> None:
    _, claims = await world.log_in()
    eve = await world.register(email="eve@example.com")
    issue = world.access_tokens.issue
    for token in (
        issue(eve.id, claims.session_id, 1),
        issue(user.id, uuid4(), 1),
        issue(user.id, claims.session_id, 0),
        issue(user.id, claims.session_id, 2),
    ):
        with pytest.raises(InvalidTokenError):
            await world.service.authenticate(token.token)
    late = issue(user.id, claims.session_id, 1)
    world.skew = timedelta(minutes=10)
    with pytest.raises(InvalidTokenError):
        await world.service.authenticate(late.token)


@pytest.mark.unhappy
async def test_nobody_revokes_the_session_of_somebody_else(world: "World", user: Any) -> None:
    _, claims = await world.log_in()
    await world.register(email="eve@example.com")
    _, eve = await world.log_in(email="eve@example.com")
    for session_id in (claims.session_id, uuid4()):
        with pytest.raises(NotFoundError):
            await world.service.revoke_session(eve, session_id)
    assert len(await world.live_sessions()) == 2


@pytest.mark.unhappy
async def test_no_replica_is_asked_who_may_enter(
    world: "World", user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is behind would let in whoever was logged out a moment ago."""

    async def reading(*_: object, **__: object) -> None:
        raise AssertionError("a replica may answer here")

    monkeypatch.setattr(Database, "reading", reading)
    pair, claims = await world.log_in()
    await world.service.authenticate(pair.access_token)
    await world.service.log_out(claims)
    with pytest.raises(InvalidTokenError):
        await world.service.authenticate(pair.access_token)


@pytest.mark.unhappy
@pytest.mark.parametrize(("collisions", "succeeds"), [(2, True), (3, False)])
async def test_a_refresh_that_collides_is_tried_three_times(
    world: "World", user: Any, collisions: Any, succeeds: Any
) -> None:
    pair, _ = await world.log_in()
    begun = []

    def unit_of_work() -> Any:
        begun.append(world.uow())
        if len(begun) <= collisions:
            begun[-1].commit = collide
        return begun[-1]

    service = world.serve(unit_of_work=unit_of_work)
    if succeeds:
        assert await service.refresh(pair.refresh_token)
    else:
        with pytest.raises(RetryableError):
            await service.refresh(pair.refresh_token)
    assert len(begun) == 3


async def collide() -> None:
    raise RetryableError


@pytest.mark.unhappy
async def test_no_log_error_or_repr_shows_a_secret(
    world: "World", records: Any, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "cAnArY-zebra-quilt-77"
    user = await world.register(email="canary@example.com", password=canary)
    pair, claims = await world.log_in("canary@example.com", canary)
    newest = await world.service.refresh(pair.refresh_token)
    account, _ = await world.service.authenticate(newest.access_token)
    shown = [repr(pair), repr(newest), repr(claims), repr(account), repr(world.service), str(pair)]
    await world.age(seconds=11)
    for attempt in (
        world.service.log_in("canary@example.com", "wrong-" + canary),
        world.service.refresh(pair.refresh_token),
        world.service.authenticate(newest.access_token),
        world.service.change_password(claims, canary, canary),
    ):
        with pytest.raises(
            (InvalidCredentialsError, InvalidGrantError, InvalidTokenError)
        ) as caught:
            await attempt
        shown.append("".join(traceback.format_exception(caught.value)))
    everything = "".join(shown) + str(records) + caplog.text
    secrets = [canary, "canary@", world.secret, user.password_hash]
    secrets += [pair.access_token, pair.refresh_token, newest.access_token, newest.refresh_token]
    assert [secret for secret in secrets if secret in everything] == []
