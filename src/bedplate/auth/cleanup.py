"""Deleting what has expired, as `bedplate db clean` does."""

from collections.abc import Awaitable, Callable
from inspect import getattr_static
from typing import Any

from bedplate.auth.models import ThrottleMixin
from bedplate.auth.throttle_postgres import PostgresThrottleStore
from bedplate.database import Database
from bedplate.unit_of_work import UnitOfWork, repository


async def delete_expired(
    unit_of_work: Callable[[Database], UnitOfWork], database: Database, *, batch: int = 1000
) -> dict[str, int]:
    """Delete expired sessions with their tokens, one-time tokens, ended API keys, empty counters.

    Any number of instances may do this at once, beside all other work: each batch is a short
    transaction of its own and leaves alone what others hold. One that is interrupted has done a
    part, and the next one does the rest.

    Args:
        unit_of_work: the service's class; its repositories that have ``delete_expired`` are cleaned,
            so that a repository of the service's own can have one, and so are the models of
            ``ThrottleMixin`` beside theirs.
        database: where the tables are.
        batch: how many rows one transaction deletes.

    Returns:
        How many rows went, by the name of the table.
    """
    deleted: dict[str, int] = {}
    models: set[type[Any]] = set()
    for name in _repositories(unit_of_work(database)):
        async with unit_of_work(database) as uow:
            found = getattr(uow, name)
            if not hasattr(found, "model"):
                continue  # a queue, say
            models.add(found.model)
        if hasattr(found, "delete_expired"):
            clean = _in_transactions(unit_of_work, database, name)
            deleted[found.model.__tablename__] = await _all(clean, batch)
    for counter in _counters(models):
        store = PostgresThrottleStore(database, counter)
        deleted[counter.__tablename__] = await _all(store.delete_expired, batch)
    return deleted


def _repositories(uow: UnitOfWork) -> list[str]:
    kind = type(uow)
    return [name for name in dir(kind) if isinstance(getattr_static(kind, name), repository)]


def _counters(models: set[type[Any]]) -> list[type[ThrottleMixin]]:
    mapped = {mapper.class_ for model in models for mapper in model.registry.mappers}
    counters = [model for model in mapped if issubclass(model, ThrottleMixin)]
    return sorted(counters, key=lambda model: model.__tablename__)


def _in_transactions(
    unit_of_work: Callable[[Database], UnitOfWork], database: Database, name: str
) -> Callable[..., Awaitable[int]]:
    async def clean(*, limit: int) -> int:
        async with unit_of_work(database) as uow:
            count: int = await getattr(uow, name).delete_expired(limit=limit)
            await uow.commit()
        return count

    return clean


async def _all(clean: Callable[..., Awaitable[int]], batch: int) -> int:
    total = count = await clean(limit=batch)
    while count == batch:
        count = await clean(limit=batch)
        total += count
    return total
