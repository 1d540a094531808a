"""Many new rows of models that few services have: never fewer, never others than the ORM stores."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import MetaData, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from tests.repositories.oddities import (
    AnimalRepository,
    Bus,
    BusRepository,
    Cat,
    CatRepository,
    CountedRepository,
    Model,
    Named,
    NamedRepository,
    Note,
    NoteRepository,
    Point,
    Spot,
    SpotRepository,
    Ticket,
    TicketRepository,
    Tracked,
    TrackedRepository,
)

from bedplate.database import Database
from bedplate.errors import RetryableError
from bedplate.repositories import Repository

type Counter = Callable[[Database], AbstractContextManager[list[str]]]

MANY = 150


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.session() as opened:
        yield opened


def describe(entity: Model) -> list[str]:
    names = inspect(type(entity)).attrs.keys()
    return [f"{name}={getattr(entity, name)}" for name in names]


@pytest.fixture(params=[3, MANY], ids=["few", "many"])
def number(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


async def test_rows_of_a_class_that_shares_its_table_are_of_that_class(
    session: AsyncSession, number: int
) -> None:
    cats = CatRepository(session)
    keys = await cats.add_many({"name": f"c{i}"} for i in range(number))
    found = await AnimalRepository(session).get_many(keys)
    assert {type(animal) for animal in found.rows} == {Cat}
    assert [(cat.name, cat.lives) for cat in found.rows] == [(f"c{i}", 1) for i in range(number)]


@pytest.mark.parametrize(
    "entity",
    [
        Cat(name="Tom"),
        Bus(seats=3),
        Spot(point=Point(1, 2)),
        Named(name="Ada"),
        Ticket(label="a"),
        Tracked(name="x"),
        Note(),
    ],
    ids=lambda entity: type(entity).__name__,
)
async def test_one_entity_is_stored_with_all_that_it_is(
    session: AsyncSession, entity: Model
) -> None:
    class Rows(Repository[Any]):
        model = type(entity)

    await Rows(session).add(entity)
    await session.commit()
    found = describe(entity)
    await session.refresh(entity)
    assert describe(entity) == found


async def test_defaults_of_sql_and_names_that_need_care(session: AsyncSession, number: int) -> None:
    tickets = TicketRepository(session)
    keys = await tickets.add_many({"label": f"t%s{i}"} for i in range(number))
    again = await tickets.add_many({"label": f"u{i}", "number": -i} for i in range(number))
    whole = [{"label": f"v{i}", "number": 10**6 + i, "share": "%(half)s"} for i in range(number)]
    third = await tickets.add_many(whole)
    assert again == [-i for i in range(number)]
    assert third == [10**6 + i for i in range(number)]
    assert keys == list(range(keys[0], keys[0] + number))
    found = await tickets.get_many([*keys, third[0]])
    assert [row.label for row in found.rows] == [*(f"t%s{i}" for i in range(number)), "v0"]
    assert [row.share for row in found.rows] == [*(["FULL"] * number), "%(half)s"]


@pytest.mark.unhappy
async def test_rows_of_a_class_with_a_table_of_its_own_are_stored_in_both(
    session: AsyncSession, number: int
) -> None:
    buses = BusRepository(session)
    keys = await buses.add_many({"seats": i} for i in range(number))
    found = await buses.get_many(keys)
    assert {type(bus) for bus in found.rows} == {Bus}
    assert [bus.seats for bus in found.rows] == list(range(number))
    with pytest.raises(TypeError, match="Bus has no column 'wheels'"):
        await buses.add_many([{"seats": 1, "wheels": 4}])


@pytest.mark.unhappy
async def test_a_default_that_asks_for_its_context_is_given_it(
    session: AsyncSession, number: int
) -> None:
    named = NamedRepository(session)
    await named.add_many({"name": f"{i % 10}{i}"} for i in range(number))
    assert {row.initial for row in await named.list(Named.name.startswith("1"))} == {"1"}
    assert await named.count() == number


@pytest.mark.unhappy
async def test_composite_attributes_are_stored(session: AsyncSession, number: int) -> None:
    spots = SpotRepository(session)
    keys = await spots.add_many({"point": Point(i, -i)} for i in range(number))
    assert (await spots.get(keys[-1])).point == Point(number - 1, 1 - number)
    assert await spots.count(Spot.point == Point(2, -2)) == 1


@pytest.mark.unhappy
async def test_a_version_of_your_own_making_is_made_for_each_row(
    session: AsyncSession, number: int
) -> None:
    tracked = TrackedRepository(session)
    await tracked.add_many({"name": str(i)} for i in range(number))
    assert len({row.etag for row in await tracked.list()}) == number
    with pytest.raises(TypeError, match="the version counts itself up"):
        await tracked.add_many([{"name": "x", "etag": "mine"}])


@pytest.mark.unhappy
async def test_rows_may_hold_nothing_but_what_the_database_fills_in(
    session: AsyncSession, number: int
) -> None:
    notes = NoteRepository(session)
    keys = await notes.add_many({} for _ in range(number))
    assert len(set(keys)) == number
    assert {note.text for note in (await notes.get_many(keys)).rows} == {"empty"}


@pytest.mark.unhappy
async def test_keys_that_the_database_alone_may_make_are_refused(
    session: AsyncSession, number: int
) -> None:
    counted = CountedRepository(session)
    with pytest.raises(DBAPIError):
        async with session.begin_nested():
            await counted.add_many({"id": i, "name": str(i)} for i in range(number))
    assert len(await counted.add_many({"name": str(i)} for i in range(number))) == number


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE named RENAME TO hidden; CREATE VIEW named AS SELECT * FROM hidden",
        "ALTER TABLE spots ENABLE ROW LEVEL SECURITY",
        "CREATE RULE aside AS ON INSERT TO spots WHERE new.x < 0 DO INSTEAD NOTHING",
    ],
    ids=["view", "policies", "rule"],
)
async def test_a_table_that_takes_no_copy_is_inserted_into(
    database: Database, count_statements: Counter, change: str
) -> None:
    async with database.engine.connect() as connection:
        for statement in change.split(";"):
            await connection.execute(text(statement))
        session = AsyncSession(connection, join_transaction_mode="create_savepoint")
        repository: Any = NamedRepository(session) if "named" in change else SpotRepository(session)
        rows = (
            [{"name": str(i), "initial": "i"} for i in range(MANY)]
            if "named" in change
            else [{"x": i, "y": i} for i in range(MANY)]
        )
        with count_statements(database) as statements:
            await repository.add_many(rows)
        assert {statement.split()[0] for statement in statements} <= {"SELECT", "INSERT"}
        assert await repository.count() == MANY
        await session.close()
        await connection.rollback()


@pytest.mark.unhappy
async def test_a_table_that_takes_no_copy_any_more_is_asked_about_again(
    committed_database: Database,
) -> None:
    async with committed_database.session() as session:
        spots = SpotRepository(session)
        await spots.add_many({"x": i, "y": i} for i in range(MANY))
        await session.execute(text("ALTER TABLE spots RENAME TO hidden"))
        await session.execute(text("CREATE VIEW spots AS SELECT * FROM hidden"))
        await session.commit()
        with pytest.raises(RetryableError):
            await spots.add_many({"x": i, "y": i} for i in range(MANY))
        await session.rollback()
        await spots.add_many({"x": i, "y": i} for i in range(MANY))
        assert await spots.count() == 2 * MANY


@pytest.mark.unhappy
async def test_rows_that_a_trigger_keeps_out_are_no_silent_loss(
    session: AsyncSession, number: int
) -> None:
    await session.execute(
        text(
            "CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RETURN CASE WHEN new.name = '1' THEN NULL ELSE new END; END $$"
        )
    )
    await session.execute(
        text(
            "CREATE TRIGGER keep_out BEFORE INSERT ON counted"
            " FOR EACH ROW EXECUTE FUNCTION keep_out()"
        )
    )
    with pytest.raises(RuntimeError, match="a trigger or a rule"):
        await CountedRepository(session).add_many({"name": str(i)} for i in range(number))
