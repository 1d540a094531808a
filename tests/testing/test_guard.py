"""bedplate.testing.guard"""

from collections.abc import Iterator

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from bedplate.database import Database
from bedplate.testing.guard import check_name, guard_engines, unguard_engines, unguarded
from bedplate.testing.postgres import Postgres, Schema


@pytest.fixture
def guarded() -> Iterator[None]:
    guard_engines()
    yield
    unguard_engines()


async def test_a_test_database_is_let_through(guarded: None, committed_database: Database) -> None:
    await committed_database.ping()


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["app", "postgres", "test_bedplate_test_", "", None])
def test_any_other_name_fails_the_test(name: str | None) -> None:
    with pytest.raises(pytest.fail.Exception, match="tests may use only"):
        check_name(name)


@pytest.mark.unhappy
@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
@pytest.mark.parametrize("name", ["app", ""])
async def test_no_engine_reaches_any_other_database(guarded: None, driver: str, name: str) -> None:
    engine = create_async_engine(f"postgresql+{driver}://nobody@localhost:1/{name}")
    with pytest.raises(pytest.fail.Exception, match="tests may use only"):
        async with engine.connect():
            pass


@pytest.mark.unhappy
async def test_a_new_database_is_made_while_guarded(
    guarded: None, postgres: Postgres, schema: Schema
) -> None:
    made = await postgres.create(schema)
    await made.ping()
    await postgres.drop(made)


@pytest.mark.unhappy
def test_being_unguarded_ends_with_its_block(guarded: None) -> None:
    from bedplate.testing import guard

    with unguarded():
        assert guard._unguarded.get()
    assert not guard._unguarded.get()
