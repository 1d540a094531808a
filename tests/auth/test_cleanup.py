"""bedplate.auth.cleanup"""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from bedplate.auth.api_key_text import ApiKeyFormat
from bedplate.auth.api_keys import ApiKeyService
from bedplate.auth.cleanup import delete_expired
from bedplate.auth.one_time_tokens import Purpose
from bedplate.auth.throttle import Throttle
from bedplate.unit_of_work import UnitOfWork

TABLES = ("api_keys", "auth_sessions", "one_time_tokens", "throttle")

if TYPE_CHECKING:
    from tests.auth.conftest import World


async def fill(world: "World", times: int) -> None:
    """Make so much of everything."""
    throttle = Throttle(world.counters(), b"k", action="a")
    keys: Any = ApiKeyService(world.uow, ApiKeyFormat("acme"))
    for number in range(times):
        user = await world.register(f"{number}@example.com")
        await world.log_in(user.email)
        await keys.issue(user.id, "n", version=1, scopes=set(), allowed=set())
        await throttle.admit(user.email)
        async with world.uow() as uow:
            await uow.one_time_tokens.issue(
                user, Purpose.VERIFICATION, lifetime=timedelta(minutes=1)
            )
            await uow.commit()


async def expire(world: "World") -> None:
    """Let all of it be over."""
    for table, change in {
        "api_keys": "expires_at = now() - interval '91 days'",
        "auth_sessions": "absolute_expires_at = now()",
        "one_time_tokens": "expires_at = now()",
        "throttle": "empty_at = now()",
    }.items():
        await world.run(f"UPDATE {table} SET {change}")


async def counts(world: "World") -> dict[str, int]:
    return {table: (await world.run(f"SELECT count(*) AS n FROM {table}"))[0].n for table in TABLES}


async def test_everything_that_is_over_goes_in_batches(world: "World") -> None:
    await fill(world, 5)
    await expire(world)
    unit_of_work: Any = type(world.uow())
    deleted = await delete_expired(unit_of_work, world.database, batch=2)
    assert deleted == dict.fromkeys(TABLES, 5)
    assert await counts(world) == dict.fromkeys(TABLES, 0)
    assert await world.run("SELECT 1 FROM refresh_tokens") == []


@pytest.mark.unhappy
async def test_what_is_not_over_stays(world: "World") -> None:
    await fill(world, 2)
    unit_of_work: Any = type(world.uow())
    assert await delete_expired(unit_of_work, world.database) == dict.fromkeys(TABLES, 0)
    assert await counts(world) == dict.fromkeys(TABLES, 2)
    [row] = await world.run("SELECT count(*) AS n FROM users")
    assert row.n == 2


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("revoked_at = now()", 1),
        ("revoked_at = now() - interval '91 days'", 0),
        ("expires_at = now() - interval '89 days'", 1),
        ("expires_at = NULL", 1),
        ("expires_at = NULL, revoked_at = now() - interval '91 days'", 0),
    ],
)
async def test_a_key_is_kept_for_a_while_after_its_end(
    world: "World", change: str, left: int
) -> None:
    await fill(world, 1)
    await world.run(f"UPDATE api_keys SET {change}")
    unit_of_work: Any = type(world.uow())
    await delete_expired(unit_of_work, world.database)
    assert (await counts(world))["api_keys"] == left


@pytest.mark.unhappy
async def test_what_somebody_holds_is_left_and_not_waited_for(crowd: "World") -> None:
    await fill(crowd, 3)
    await expire(crowd)
    unit_of_work: Any = type(crowd.uow())
    async with crowd.uow() as holder:
        for table in TABLES:
            await holder.session.execute(text(f"SELECT 1 FROM {table} LIMIT 1 FOR UPDATE"))
        deleted = await delete_expired(unit_of_work, crowd.database, batch=2)
        assert deleted == dict.fromkeys(TABLES, 2)
    assert await delete_expired(unit_of_work, crowd.database) == dict.fromkeys(TABLES, 1)


@pytest.mark.unhappy
async def test_eight_at_once_delete_each_row_once_and_none_deadlocks(crowd: "World") -> None:
    await fill(crowd, 20)
    await expire(crowd)
    unit_of_work: Any = type(crowd.uow())
    runs = await asyncio.gather(
        *(delete_expired(unit_of_work, crowd.database, batch=3) for _ in range(8))
    )
    left = await counts(crowd)
    assert {t: sum(run[t] for run in runs) + left[t] for t in TABLES} == dict.fromkeys(TABLES, 20)


@pytest.mark.unhappy
async def test_a_service_without_any_of_it_has_nothing_to_delete(world: "World") -> None:
    assert await delete_expired(UnitOfWork, world.database) == {}
