"""Errors by SQLSTATE and constraint, the same with both drivers."""

import gc
from typing import Any

import pytest
from sqlalchemy import (
    CHAR,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    delete,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from bedplate.database import Database, errors, translate_errors
from bedplate.database.facts import Facts
from bedplate.errors import (
    BedplateError,
    BrokenReferenceError,
    DatabaseUnavailableError,
    DuplicateError,
    InvalidDataError,
    LockTimeoutError,
    QueryTimeoutError,
    RetryableError,
    StillReferencedError,
)
from bedplate.models import NAMING_CONVENTION

SECRET = "978-SECRET"
LONG = "a_column_whose_name_leaves_no_room_for_that_of_its_constraint"
METADATA = MetaData(naming_convention=NAMING_CONVENTION)
SHELVES = Table("shelves", METADATA, Column("id", Integer, primary_key=True))
BOOKS = Table(
    "books",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("isbn", String(13), unique=True),
    Column("title", String(20), nullable=False, server_default="untitled"),
    Column("pages", Integer, CheckConstraint("pages > 0", name="pages_positive")),
    Column("shelf_id", ForeignKey("shelves.id")),
    Column("late_shelf_id", ForeignKey("shelves.id", deferrable=True, initially="DEFERRED")),
    Column(LONG, Integer, unique=True),
)
CODES = Table("codes", METADATA, Column("code", CHAR(3), primary_key=True))
# An application that gives its constraints no names: PostgreSQL chooses them.
OTHERS = MetaData()
UNNAMED = Table(
    "unnamed",
    OTHERS,
    Column("id", Integer, primary_key=True),
    Column("one", Integer),
    Column("two", Integer, CheckConstraint("two > 0")),
    UniqueConstraint("one", "two"),
)


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return METADATA


@pytest.fixture
async def session(database: Database) -> Any:
    async with database.session() as opened:
        yield opened


async def caught(session: AsyncSession, statement: Any) -> BedplateError:
    with pytest.raises(BedplateError) as info:
        await session.execute(statement)
    assert SECRET not in str(info.value)
    assert SECRET not in info.value.message
    return info.value


async def test_a_session_goes_on_after_an_error_in_a_savepoint(session: AsyncSession) -> None:
    await session.execute(insert(SHELVES).values(id=1))
    with pytest.raises(DuplicateError):
        async with session.begin_nested():
            await session.execute(insert(SHELVES).values(id=1))
    assert (await session.scalars(select(SHELVES.c.id))).all() == [1]


async def test_translating_twice_is_as_good_as_once(database: Database) -> None:
    translate_errors(database.engine)
    translate_errors(database.engine)
    async with database.session() as session:
        await session.execute(insert(SHELVES).values(id=1))
        assert isinstance(await caught(session, insert(SHELVES).values(id=1)), DuplicateError)


@pytest.mark.unhappy
def test_an_engine_at_the_address_of_a_dead_one_is_translated_too() -> None:
    addresses, outlived = set(), []
    for _ in range(50):
        engine = create_async_engine("postgresql+asyncpg:///none")
        translate_errors(engine)
        listeners = engine.dialect.dispatch.handle_error
        assert [each for each in listeners if each.__module__ == errors.__name__]
        addresses.add(id(engine.sync_engine))
        outlived.append(listeners)  # by which SQLAlchemy still knows the engine's address
        del engine
        gc.collect(1)
    assert len(addresses) < 50  # else this shows nothing


@pytest.mark.unhappy
async def test_a_duplicate_names_constraint_and_columns(session: AsyncSession) -> None:
    await session.execute(insert(BOOKS).values(id=1, isbn=SECRET))
    error = await caught(session, insert(BOOKS).values(id=2, isbn=SECRET))
    assert isinstance(error, DuplicateError)
    assert (error.constraint, error.columns) == ("uq_books_isbn", ("isbn",))


@pytest.mark.unhappy
async def test_a_duplicate_key_names_the_key(session: AsyncSession) -> None:
    await session.execute(insert(BOOKS).values(id=1))
    error = await caught(session, insert(BOOKS).values(id=1))
    assert isinstance(error, DuplicateError)
    assert (error.constraint, error.columns) == ("pk_books", ("id",))


@pytest.mark.unhappy
async def test_a_name_that_the_database_cuts_off_is_found(session: AsyncSession) -> None:
    await session.execute(insert(BOOKS).values({"id": 1, LONG: 1}))
    error = await caught(session, insert(BOOKS).values({"id": 2, LONG: 1}))
    assert isinstance(error, DuplicateError)
    assert error.columns == (LONG,)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("values", "columns"),
    [({"id": 1, "one": 2, "two": 2}, ("id",)), ({"id": 2, "one": 1, "two": 1}, ("one", "two"))],
)
async def test_constraints_without_a_name_are_found(
    session: AsyncSession, values: dict[str, int], columns: tuple[str, ...]
) -> None:
    await (await session.connection()).run_sync(OTHERS.create_all)
    await session.execute(insert(UNNAMED).values(id=1, one=1, two=1))
    error = await caught(session, insert(UNNAMED).values(values))
    assert isinstance(error, DuplicateError)
    assert error.columns == columns


@pytest.mark.unhappy
async def test_plain_sql_gives_the_same_errors(session: AsyncSession) -> None:
    await session.execute(text("INSERT INTO books (id) VALUES (1)"))
    error = await caught(session, text("INSERT INTO books (id) VALUES (1)"))
    assert isinstance(error, DuplicateError)
    assert (error.constraint, error.columns) == ("pk_books", ())


@pytest.mark.unhappy
async def test_a_failing_look_up_of_names_does_not_hide_the_error(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("bedplate.database.facts._columns", fail)
    await session.execute(insert(SHELVES).values(id=1))
    error = await caught(session, insert(SHELVES).values(id=1))
    assert isinstance(error, DuplicateError)
    assert error.constraint == "pk_shelves"


@pytest.mark.unhappy
async def test_an_upsert_that_meets_one_row_twice_is_invalid(session: AsyncSession) -> None:
    same = upsert(CODES).on_conflict_do_update(index_elements=["code"], set_={"code": "x"})
    for statement in (
        same.values([{"code": "x"}, {"code": "x "}]),
        same.from_select(["code"], select(literal("x")).union_all(select(literal("x ")))),
    ):
        async with session.begin_nested() as savepoint:
            error = await caught(session, statement)
            await savepoint.rollback()
        assert isinstance(error, InvalidDataError)
        assert error.message == "The same row is given twice."


@pytest.mark.unhappy
async def test_a_subquery_of_several_rows_is_a_fault_of_the_program(session: AsyncSession) -> None:
    several = select(literal(1)).union_all(select(literal(2))).scalar_subquery()
    with pytest.raises(DBAPIError) as info:
        await session.execute(select(several))
    assert info.value.orig is not None
    assert getattr(info.value.orig, "sqlstate", None) == "21000"


@pytest.mark.unhappy
async def test_a_reference_to_nothing_is_broken(session: AsyncSession) -> None:
    error = await caught(session, insert(BOOKS).values(id=1, shelf_id=9))
    assert isinstance(error, BrokenReferenceError)
    assert error.constraint == "fk_books_shelf_id_shelves"


@pytest.mark.unhappy
async def test_what_is_referenced_cannot_be_deleted(session: AsyncSession) -> None:
    await session.execute(insert(SHELVES).values(id=1))
    await session.execute(insert(BOOKS).values(id=1, shelf_id=1))
    assert isinstance(await caught(session, delete(SHELVES)), StillReferencedError)


@pytest.mark.unhappy
async def test_a_check_names_its_constraint(session: AsyncSession) -> None:
    error = await caught(session, insert(BOOKS).values(id=1, pages=0, isbn=SECRET))
    assert isinstance(error, InvalidDataError)
    assert error.constraint == "ck_books_pages_positive"


@pytest.mark.unhappy
async def test_a_missing_value_names_its_field(session: AsyncSession) -> None:
    error = await caught(session, insert(BOOKS).values(id=1, title=None, isbn=SECRET))
    assert isinstance(error, InvalidDataError)
    assert error.field == "title"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "values",
    [
        {"title": "nul\0byte"},
        {"title": "lone surrogate \ud800"},
        {"title": 21 * "x"},
        {"pages": 2**31},
        {"pages": -(2**63) - 1},
        {"pages": 10**30},
        {"isbn": SECRET + "too long"},
    ],
    ids=["nul", "surrogate", "long", "int32", "int64", "huge", "secret"],
)
async def test_a_value_that_cannot_be_stored_is_invalid_data(
    session: AsyncSession, values: dict[str, object]
) -> None:
    error = await caught(session, insert(BOOKS).values(id=1, **values))
    assert type(error) is InvalidDataError


@pytest.mark.unhappy
@pytest.mark.parametrize("value", ["nul\0byte", "lone surrogate \ud800"], ids=["nul", "surrogate"])
async def test_a_value_that_cannot_be_asked_for_is_invalid_data(
    session: AsyncSession, value: str
) -> None:
    assert type(await caught(session, select(BOOKS).where(BOOKS.c.title == value))) is (
        InvalidDataError
    )


@pytest.mark.unhappy
@pytest.mark.parametrize("value", [2**31, 2**63, 10**30])
async def test_a_key_out_of_range_is_invalid_data(session: AsyncSession, value: int) -> None:
    assert type(await caught(session, select(BOOKS).where(BOOKS.c.id == value))) is InvalidDataError


@pytest.mark.unhappy
async def test_text_that_is_no_number_is_invalid_data(session: AsyncSession) -> None:
    assert type(await caught(session, text("SELECT 'abc'::int"))) is InvalidDataError


@pytest.mark.unhappy
async def test_an_index_entry_that_is_too_large_is_invalid_data(session: AsyncSession) -> None:
    await session.execute(text("CREATE TABLE notes (body text UNIQUE)"))
    noise = text(
        "INSERT INTO notes SELECT string_agg(md5(i::text), '') FROM generate_series(1, 400) i"
    )
    assert type(await caught(session, noise)) is InvalidDataError


@pytest.mark.unhappy
@pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "SELEC 1", "SELECT nobody"])
async def test_a_programming_error_stays_one(session: AsyncSession, statement: str) -> None:
    with pytest.raises(ProgrammingError):
        await session.execute(text(statement))


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("08006", DatabaseUnavailableError),
        ("23001", StillReferencedError),
        ("23P01", DuplicateError),
        ("25P03", DatabaseUnavailableError),
        ("40001", RetryableError),
        ("40P01", RetryableError),
        ("53300", DatabaseUnavailableError),
        ("55P03", LockTimeoutError),
        ("57014", QueryTimeoutError),
        ("57P01", DatabaseUnavailableError),
        ("57P03", DatabaseUnavailableError),
    ],
)
def test_each_sqlstate_has_its_error(sqlstate: str, expected: type[BedplateError]) -> None:
    assert type(errors.domain_error(Exception(), facts=Facts(sqlstate=sqlstate))) is expected


@pytest.mark.unhappy
@pytest.mark.parametrize("sqlstate", ["42601", "42P01", "25P02", "0A000", "XX000"])
def test_other_sqlstates_stay_what_they_are(sqlstate: str) -> None:
    assert errors.domain_error(Exception(), facts=Facts(sqlstate=sqlstate)) is None


@pytest.mark.unhappy
async def test_a_deferred_constraint_fails_at_commit(committed_database: Database) -> None:
    async with committed_database.session() as session:
        await session.execute(insert(BOOKS).values(id=1, late_shelf_id=9))
        with pytest.raises(BrokenReferenceError):
            await session.commit()


@pytest.mark.unhappy
async def test_a_plan_that_a_migration_made_stale_can_be_tried_again(
    committed_database: Database,
) -> None:
    if committed_database.engine.driver != "asyncpg":
        return  # psycopg's server-side plans are made by name after five uses, and renewed
    async with committed_database.session() as one, committed_database.session() as other:
        statement = select(SHELVES)
        await one.execute(statement)
        await one.commit()
        await other.execute(text("ALTER TABLE shelves ALTER id TYPE bigint"))
        await other.commit()
        with pytest.raises(RetryableError):
            await one.execute(statement)
        await one.rollback()
        await one.execute(statement)
