"""bedplate.auth.throttle_opening: the settings say where attempts are counted"""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.redis_server import Redis

from bedplate.auth.configured import throttle
from bedplate.auth.settings import AuthSettings
from bedplate.auth.throttle import Hit, Limit
from bedplate.auth.throttle_limits import LimitsThrottleStore
from bedplate.auth.throttle_opening import open_throttle_store
from bedplate.errors import ConfigurationError
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

if TYPE_CHECKING:
    from tests.auth.conftest import World

HIT = Hit("somebody", Limit(3, timedelta(minutes=15)))


@pytest.fixture
def counter(world: "World") -> Any:
    """The model of these tests, which pytest has imported under a name of its own."""
    return world.counter


def settings(redis_url: str | None) -> ServiceSettings:
    return load_settings(
        ServiceSettings,
        _env_file=None,
        environment="development",
        database_url="postgresql://nobody@localhost:1/nothing",
        redis_url=redis_url,
        secret_key=generate_secret(),
    )


async def counted_in_postgres(world: "World") -> int:
    return len(await world.run("SELECT key FROM throttle"))


async def test_without_redis_the_database_counts(world: "World", counter: Any) -> None:
    async with open_throttle_store(settings(None), world.database, counter) as store:
        assert [await store.hit([HIT]) > 0 for _ in range(4)] == [False, False, False, True]
    assert await counted_in_postgres(world) == 1


@pytest.mark.unhappy
async def test_with_redis_the_database_is_left_alone(
    world: "World", counter: Any, redis: Redis
) -> None:
    for _ in range(2):  # what one instance has counted, the next one knows
        async with open_throttle_store(settings(redis.url), world.database, counter) as store:
            await store.hit([HIT])
            await store.hit([HIT])
    async with open_throttle_store(settings(redis.url), world.database, counter) as store:
        assert await store.hit([HIT]) > 0
    assert await counted_in_postgres(world) == 0


@pytest.mark.unhappy
async def test_while_redis_is_gone_the_database_counts(
    world: "World", counter: Any, redis: Redis
) -> None:
    async with open_throttle_store(settings(redis.url), world.database, counter) as store:
        assert await store.hit([HIT]) == 0
        redis.stop()
        assert [await store.hit([HIT]) > 0 for _ in range(4)] == [False, False, False, True]


@pytest.mark.unhappy
async def test_redis_without_its_extra_is_one_sentence_without_the_url(
    world: "World", counter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "limits", None)
    monkeypatch.delitem(sys.modules, "bedplate.auth.throttle_limits", raising=False)
    secret = "redis://:hush@127.0.0.1:1/0"
    with pytest.raises(ConfigurationError, match=r"bedplate\[throttle\]") as caught:
        async with open_throttle_store(settings(secret), world.database, counter):
            pytest.fail("it opened")
    assert "hush" not in str(caught.value)


@pytest.mark.unhappy
async def test_where_limits_are_switched_off_nothing_is_throttled() -> None:
    given = load_settings(
        AuthSettings,
        _env_file=None,
        environment="development",
        secret_key=generate_secret(),
        rate_limit_enabled=False,
    )
    store = LimitsThrottleStore()
    assert throttle(given, store, "login") is None
    assert throttle(given, store, "mail") is None
    on = given.model_copy(update={"rate_limit_enabled": True})
    assert throttle(on, store, "login") is not None
