"""Principals that are remembered for a moment."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from bedplate.auth.session_cache import SessionCache
from bedplate.errors import InvalidTokenError

if TYPE_CHECKING:
    from tests.auth.conftest import World


class Seconds:
    """A clock that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def user(world: "World") -> Any:
    return await world.register()


async def test_within_the_period_no_statement_is_needed(
    world: "World", user: Any, count_statements: Any
) -> None:
    service = world.serve(cache=SessionCache(timedelta(seconds=5)))
    pair, _ = await world.log_in()
    first = await service.authenticate(pair.access_token)
    with count_statements(world.database) as statements:
        second = await service.authenticate(pair.access_token)
    assert statements == []
    assert (second.account.id, second.account.email) == (user.id, first.account.email)


@pytest.mark.unhappy
async def test_without_a_cache_what_has_ended_is_refused_at_once(world: "World", user: Any) -> None:
    pair, claims = await world.log_in()
    await world.service.authenticate(pair.access_token)
    await world.service.log_out(claims)
    with pytest.raises(InvalidTokenError):
        await world.service.authenticate(pair.access_token)


@pytest.mark.unhappy
async def test_after_the_period_a_session_that_ended_is_refused(world: "World", user: Any) -> None:
    clock = Seconds()
    service = world.serve(cache=SessionCache(timedelta(seconds=5), clock=clock))
    pair, claims = await world.log_in()
    await service.authenticate(pair.access_token)
    await world.service.log_out(claims)
    clock.now = 4.9
    await service.authenticate(pair.access_token)
    clock.now = 5.0
    with pytest.raises(InvalidTokenError):
        await service.authenticate(pair.access_token)


@pytest.mark.unhappy
async def test_what_one_request_changes_no_other_one_sees(world: "World", user: Any) -> None:
    service = world.serve(cache=SessionCache(timedelta(seconds=5)))
    pair, _ = await world.log_in()
    for _ in range(3):
        account = (await service.authenticate(pair.access_token)).account
        assert account.roles == []
        account.roles.append("admin")


@pytest.mark.unhappy
async def test_another_session_or_epoch_is_looked_up(world: "World", user: Any) -> None:
    cache: Any = SessionCache(timedelta(seconds=5))
    _, claims = await world.log_in()
    cache.put(claims, user)
    assert cache.get(claims).id == user.id
    assert cache.get(replace(claims, version=claims.version + 1)) is None
    assert cache.get(replace(claims, session_id=uuid4())) is None
    assert cache.get(replace(claims, subject=uuid4())) is None


@pytest.mark.unhappy
async def test_it_never_grows_beyond_its_size(world: "World", user: Any) -> None:
    cache: Any = SessionCache(timedelta(seconds=5), size=2)
    _, claims = await world.log_in()
    sessions = [replace(claims, session_id=uuid4()) for _ in range(3)]
    cache.put(sessions[0], user)
    cache.put(sessions[1], user)
    assert cache.get(sessions[0]) is not None
    cache.put(sessions[2], user)
    assert [cache.get(one) is not None for one in sessions] == [True, False, True]
