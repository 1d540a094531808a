"""Several at once: what only real connections show."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.repositories.library import Author, AuthorRepository, Place

from bedplate.database import Database
from bedplate.errors import DuplicateError, LockTimeoutError, NotFoundError
from bedplate.repositories import Repository
from bedplate.unit_of_work import UnitOfWork, repository


class Places(Repository[Place]):
    model = Place


class Work(UnitOfWork):
    authors = repository(AuthorRepository)
    places = repository(Places)


async def stored(database: Database, name: str) -> UUID:
    async with Work(database) as work:
        author = await work.authors.add(Author(name=name, rank=0))
        await work.commit()
    return author.id


async def test_changes_that_count_up_lose_none(committed_database: Database) -> None:
    key = await stored(committed_database, "counter")

    async def count() -> None:
        async with Work(committed_database) as work:
            await work.authors.update(key, {"rank": Author.rank + 1})
            await work.commit()

    await asyncio.gather(*(count() for _ in range(40)))
    async with Work(committed_database) as work:
        assert (await work.authors.get(key)).rank == 40


@pytest.mark.unhappy
async def test_of_many_who_take_a_name_one_gets_it(committed_database: Database) -> None:
    async def take(name: str) -> DuplicateError | None:
        try:
            async with Work(committed_database) as work:
                await work.authors.add(Author(name=name))
                await work.commit()
        except DuplicateError as error:
            return error
        return None

    for number in range(5):
        outcomes = await asyncio.gather(*(take(f"author {number}") for _ in range(20)))
        refused = [error for error in outcomes if error is not None]
        assert len(refused) == 19
        assert {(error.constraint, error.columns) for error in refused} == {
            ("uq_authors_name", ("name",))
        }
    async with Work(committed_database) as work:
        assert await work.authors.count() == 5


@pytest.mark.unhappy
async def test_of_many_who_delete_a_row_one_did(committed_database: Database) -> None:
    key = await stored(committed_database, "one")

    async def delete() -> bool:
        try:
            async with Work(committed_database) as work:
                await work.authors.delete(key)
                await work.commit()
        except NotFoundError:
            return False
        return True

    assert sorted(await asyncio.gather(*(delete() for _ in range(10)))) == [False] * 9 + [True]


@pytest.mark.unhappy
async def test_who_locks_reads_what_the_one_before_wrote(committed_database: Database) -> None:
    key = await stored(committed_database, "counter")

    async def count() -> None:
        async with Work(committed_database) as work:
            author = await work.authors.locked().get(key)
            await work.authors.update(author, {"rank": (author.rank or 0) + 1})
            await work.commit()

    await asyncio.gather(*(count() for _ in range(20)))
    async with Work(committed_database) as work:
        assert (await work.authors.get(key)).rank == 20


@pytest.mark.unhappy
async def test_places_are_given_to_one_each_by_who_skips_what_is_locked(
    committed_database: Database,
) -> None:
    async with Work(committed_database) as work:
        await work.places.add_many({"row": 1, "seat": seat} for seat in range(10))
        await work.commit()

    async def take() -> int | None:
        async with Work(committed_database) as work:
            place = await work.places.locked(skip_locked=True).first(Place.taken.is_(False))
            if place is None:
                return None
            await work.places.update(place, {"taken": True})
            await asyncio.sleep(0)
            await work.commit()
            return place.seat

    taken = [
        seat for seat in await asyncio.gather(*(take() for _ in range(10))) if seat is not None
    ]
    assert len(taken) == len(set(taken)) > 0


@pytest.mark.unhappy
async def test_who_will_not_wait_is_told_at_once(committed_database: Database) -> None:
    key = await stored(committed_database, "held")
    async with Work(committed_database) as holder, Work(committed_database) as other:
        await holder.authors.locked().get(key)
        with pytest.raises(LockTimeoutError):
            await other.authors.locked(nowait=True).get(key)


@pytest.mark.unhappy
async def test_changes_of_the_same_rows_in_opposite_orders_do_not_block_each_other(
    committed_database: Database,
) -> None:
    async with Work(committed_database) as work:
        # so many that they are looked up by their keys, each when its turn comes
        await work.places.add_many(
            {"row": row, "seat": seat} for row in range(200) for seat in range(40)
        )
        await work.commit()

    async def change(seats: list[int]) -> None:
        async with Work(committed_database) as work:
            changes = [{"row": 1, "seat": seat, "taken": True} for seat in seats]
            assert await work.places.update_many(changes) == (40, [])
            await work.commit()

    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with Work(committed_database) as holder, committed_database.session() as watcher:
        await holder.places.locked().get((1, 20))  # both have begun, and stop here
        upward = asyncio.create_task(change(list(range(40))))
        while await watcher.scalar(waiting) < 1:
            await watcher.rollback()
        downward = asyncio.create_task(change(list(reversed(range(40)))))
        while await watcher.scalar(waiting) < 2:
            await watcher.rollback()
        await holder.commit()
        await asyncio.gather(upward, downward)
