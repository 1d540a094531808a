"""Attempts counted in PostgreSQL, with no server besides the one that is there anyway.

One row for each counter says when it will be empty again, as the generic cell rate algorithm has it
(ITU-T I.371): attempts come back one by one, not all at the end of a window.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    Executable,
    Interval,
    String,
    Table,
    bindparam,
    delete,
    extract,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bedplate.auth.models import ThrottleMixin
from bedplate.auth.throttle import Hit
from bedplate.database import Database

_NOW = func.clock_timestamp()
_LEAST_WAIT = 0.001


class PostgresThrottleStore:
    """Counts attempts in transactions of its own, apart from what is attempted.

    Args:
        database: where the counters are.
        model: the service's model of ``ThrottleMixin``.
    """

    def __init__(self, database: Database, model: type[ThrottleMixin]) -> None:
        self._database = database
        table: Any = model.__table__
        self._table = cast("Table", table)

    async def hit(self, hits: Sequence[Hit]) -> float:
        """Count an attempt at each counter in turn, up to the first that is used up."""

        async def count(session: AsyncSession) -> float:
            for hit in hits:
                given = {
                    "key": hit.key,
                    "interval": hit.limit.interval,
                    "period": hit.limit.period,
                }
                counted = await session.execute(_counting(self._table), given)
                if counted.scalar_one_or_none() is None:
                    waiting = await session.execute(_waiting(self._table), given)
                    return max(_LEAST_WAIT, float(waiting.scalar_one_or_none() or 0))
            return 0.0

        return await self._database.run_in_transaction(count)

    async def forget(self, hits: Sequence[Hit]) -> None:
        """Set counters back."""

        async def remove(session: AsyncSession) -> None:
            for hit in hits:  # in the order of counting, so that the two never deadlock
                await session.execute(delete(self._table).where(self._table.c.key == hit.key))

        await self._database.run_in_transaction(remove)

    async def give_back(self, hit: Hit) -> None:
        """Take one counted attempt back."""

        async def subtract(session: AsyncSession) -> None:
            given = {"counter": hit.key, "interval": hit.limit.interval}
            await session.execute(_giving_back(self._table), given)

        await self._database.run_in_transaction(subtract)

    async def delete_expired(self, *, limit: int = 1000) -> int:
        """Delete counters that are empty; several may do this at once.

        Args:
            limit: how many at most; repeat until fewer are deleted.
        """

        async def clean(session: AsyncSession) -> int:
            return len((await session.execute(_cleanup(self._table, limit))).all())

        return await self._database.run_in_transaction(clean)


@cache
def _counting(table: Table) -> Executable:
    """Count one attempt and give a row, or give none if the counter is used up."""
    interval = bindparam("interval", type_=Interval())
    first = insert(table).values(key=bindparam("key", type_=String()), empty_at=_NOW + interval)
    later = func.greatest(table.c.empty_at, _NOW) + interval
    return first.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={"empty_at": later},
        where=later <= _NOW + bindparam("period", type_=Interval()),
    ).returning(table.c.key)


@cache
def _waiting(table: Table) -> Executable:
    """Give the seconds until a used-up counter allows one more."""
    allowed_at = (
        table.c.empty_at
        + bindparam("interval", type_=Interval())
        - bindparam("period", type_=Interval())
    )
    return select(extract("epoch", allowed_at - _NOW)).where(
        table.c.key == bindparam("key", type_=String())
    )


@cache
def _giving_back(table: Table) -> Executable:
    return (
        update(table)
        .where(table.c.key == bindparam("counter", type_=String()))
        .values(empty_at=table.c.empty_at - bindparam("interval", type_=Interval()))
    )


@cache
def _cleanup(table: Table, limit: int) -> Executable:
    empty = (
        select(table.c.key)
        .where(table.c.empty_at <= _NOW)
        .order_by(table.c.empty_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("empty")
    )
    return delete(table).where(table.c.key == empty.c.key).returning(table.c.key)
