"""A new entity by one INSERT: all is as a flush leaves it, whatever becomes of the transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, NoReturn, override

import pytest
from pytest_mock import MockerFixture
from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.exc import PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from tests.repositories.library import Author, AuthorRepository, Book, BookRepository

from bedplate.database import Database
from bedplate.errors import DatabaseUnavailableError, DuplicateError, InvalidDataError
from bedplate.repositories import Repository

type Counter = Callable[[Database], AbstractContextManager[list[str]]]
type Add = Callable[[AsyncSession, Any], Awaitable[object]]


async def by_itself(session: AsyncSession, entity: Any) -> None:
    class Rows(Repository[Any]):
        model = type(entity)

    await Rows(session).add(entity)


async def by_flush(session: AsyncSession, entity: Any) -> None:
    session.add(entity)
    await session.flush()


@pytest.fixture(params=[by_itself, by_flush])
def add(request: pytest.FixtureRequest) -> Add:
    """Give both ways: what a test says of one holds for the other."""
    way: Add = request.param
    return way


@pytest.fixture
async def session(committed_database: Database) -> AsyncIterator[AsyncSession]:
    async with committed_database.session() as opened:
        yield opened


async def goes_on_after_a_rollback(session: AsyncSession, add: Add) -> None:
    with pytest.raises(PendingRollbackError):
        await session.execute(select(Author))
    await session.rollback()
    await add(session, Author(name="Eve"))
    await session.commit()
    assert (await session.scalars(select(Author.name))).all() == ["Eve"]


async def test_one_statement_stores_it_and_tells_what_the_database_filled_in(
    session: AsyncSession,
    committed_database: Database,
    count_statements: Counter,
    mocker: MockerFixture,
) -> None:
    ada, flush = Author(name="Ada", rank=None), mocker.spy(Session, "flush")
    with count_statements(committed_database) as statements:
        await by_itself(session, ada)
    assert ([each.split()[0] for each in statements], flush.call_count) == (["INSERT"], 0)
    assert (ada.rank, ada.active, ada.created_at is not None) == (None, True, True)
    assert (inspect(ada).persistent, ada in session.dirty) == (True, False)
    assert await session.get(Author, ada.id) is ada
    ada.name = "Ada L."
    await session.commit()
    assert await session.scalar(select(Author.name)) == "Ada L."


async def test_where_everything_is_given_nothing_is_filled_in(
    session: AsyncSession, add: Add
) -> None:
    ada = Author(name="Ada", rank=1, active=False)
    await add(session, ada)
    names = ("id", "name", "rank", "active", "created_at", "updated_at")
    copy = Author(**{name: getattr(ada, name) for name in names})
    await session.delete(ada)
    await session.flush()
    await add(session, copy)
    assert await session.scalar(select(func.count()).select_from(Author)) == 1


@pytest.mark.unhappy
async def test_a_rollback_makes_it_new_again(session: AsyncSession, add: Add) -> None:
    ada = Author(name="Ada")
    await add(session, ada)
    await session.rollback()
    assert (inspect(ada).transient, ada.name) == (True, "Ada")
    await add(session, ada)
    await session.commit()
    assert await session.scalar(select(Author.name)) == "Ada"


@pytest.mark.unhappy
async def test_a_savepoint_takes_back_its_own_alone(session: AsyncSession, add: Add) -> None:
    ada, bob = Author(name="Ada"), Author(name="Bob")
    await add(session, ada)
    savepoint = await session.begin_nested()
    await add(session, bob)
    await savepoint.rollback()
    assert (inspect(ada).persistent, inspect(bob).transient) == (True, True)
    await session.commit()
    assert (await session.scalars(select(Author.name))).all() == ["Ada"]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"name": "Ada"}, DuplicateError),
        ({"name": "x" * 51}, InvalidDataError),
        ({"name": "Bob", "created_at": datetime(2026, 1, 1)}, InvalidDataError),  # noqa: DTZ001
        ({"name": None}, InvalidDataError),
    ],
)
async def test_after_an_error_nothing_goes_on_without_a_rollback(
    session: AsyncSession,
    committed_database: Database,
    count_statements: Counter,
    add: Add,
    wrong: dict[str, Any],
    expected: type[Exception],
) -> None:
    await add(session, Author(name="Ada"))
    bob = Author(**wrong)
    with count_statements(committed_database) as statements, pytest.raises(expected):
        await add(session, bob)
    assert len(statements) <= 1
    assert inspect(bob).transient
    with pytest.raises(PendingRollbackError):
        await session.commit()
    await goes_on_after_a_rollback(session, add)


@pytest.mark.unhappy
async def test_an_error_in_a_savepoint_leaves_the_rest(session: AsyncSession, add: Add) -> None:
    await add(session, Author(name="Ada"))
    with pytest.raises(DuplicateError):
        async with session.begin_nested():
            await add(session, Author(name="Ada"))
    await add(session, Author(name="Bob"))
    await session.commit()
    assert (await session.scalars(select(Author.name))).all() == ["Ada", "Bob"]


@pytest.mark.unhappy
async def test_a_connection_that_is_lost_is_told_once(
    session: AsyncSession, committed_database: Database, add: Add
) -> None:
    pid = await session.scalar(text("SELECT pg_backend_pid()"))
    async with committed_database.session() as other:
        await other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with pytest.raises(DatabaseUnavailableError):
        await add(session, Author(name="Ada"))
    await goes_on_after_a_rollback(session, add)


@pytest.mark.unhappy
async def test_who_is_cancelled_holds_no_lock(
    session: AsyncSession, committed_database: Database, add: Add
) -> None:
    async with committed_database.session() as other:
        await other.execute(text("LOCK TABLE authors"))
        adding = asyncio.ensure_future(add(session, Author(name="Ada")))
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not await other.scalar(waiting):
            pass
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        await other.rollback()
    assert not session.new
    await goes_on_after_a_rollback(session, add)


@pytest.mark.unhappy
async def test_what_a_trigger_keeps_out_is_no_silent_loss(session: AsyncSession) -> None:
    for statement in (
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER no BEFORE INSERT ON authors FOR EACH ROW EXECUTE FUNCTION nothing()",
    ):
        await session.execute(text(statement))
    with pytest.raises(RuntimeError, match="a trigger or a rule"):
        await by_itself(session, Author(name="Ada"))


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["before_flush", "after_flush", "after_flush_postexec"])
async def test_who_listens_to_flushes_hears_of_it(session: AsyncSession, name: str) -> None:
    heard: list[object] = []
    event.listen(session.sync_session, name, lambda *_: heard.append(name))
    await by_itself(session, Author(name="Ada"))
    assert heard == [name]


@pytest.mark.unhappy
async def test_who_listens_to_what_is_filled_in_hears_of_it(session: AsyncSession) -> None:
    heard: list[object] = []

    def filled_in(_author: Author, _context: object, names: list[str]) -> None:
        heard.extend(names)

    event.listen(Author, "refresh_flush", filled_in)
    try:
        await by_itself(session, Author(name="Ada"))
    finally:
        event.remove(Author, "refresh_flush", filled_in)
    assert "active" in heard


@pytest.mark.unhappy
async def test_a_flush_of_your_own_is_called(session: AsyncSession) -> None:
    class Own(Session):
        @override
        def flush(self, objects: Any = None) -> NoReturn:
            raise RuntimeError("not now")

    async with AsyncSession(session.bind, sync_session_class=Own) as own:
        with pytest.raises(RuntimeError, match="not now"):
            await by_itself(own, Author(name="Ada"))
        own.expunge_all()


@pytest.mark.unhappy
async def test_who_listens_to_inserts_hears_of_it_and_changes_it(
    session: AsyncSession, mocker: MockerFixture
) -> None:
    def before(_mapper: object, _connection: object, author: Any) -> None:
        author.rank, author.name = 7, func.lower(author.name)

    heard: list[Any] = []

    def after(_mapper: object, _connection: object, author: Author) -> None:
        heard.append((author.id, author.rank, author.name))

    event.listen(Author, "before_insert", before)
    event.listen(Author, "after_insert", after)
    try:
        ada, flush = Author(name="Ada"), mocker.spy(Session, "flush")
        await by_itself(session, ada)
    finally:
        event.remove(Author, "before_insert", before)
        event.remove(Author, "after_insert", after)
    assert (heard, flush.call_count) == ([(ada.id, 7, "ada")], 0)
    assert await session.scalar(select(Author.rank)) == 7


@pytest.mark.unhappy
async def test_what_comes_with_it_is_stored_too(session: AsyncSession) -> None:
    bob, book = Author(name="Bob"), Book(title="Notes")
    session.add(bob)  # pending
    await by_itself(session, Author(name="Ada"))
    assert inspect(bob).persistent
    await by_itself(session, Author(name="Eva", books=[book]))
    assert inspect(book).persistent
    await BookRepository(session).add(Book(title="More", author=bob))
    by_sql = Author(name=func.upper("eve"))
    await by_itself(session, by_sql)
    await session.commit()
    assert {*await session.scalars(select(Author.name))} == {"Bob", "Ada", "Eva", "EVE"}
    assert {*await session.scalars(select(Book.title))} == {"Notes", "More"}


@pytest.mark.unhappy
async def test_what_is_stored_already_is_not_stored_twice(session: AsyncSession, add: Add) -> None:
    ada = Author(name="Ada")
    for _ in range(2):
        await add(session, ada)
    ada.rank = 3
    await add(session, ada)
    await session.commit()
    async with AsyncSession(session.bind) as another:
        await add(another, await another.merge(ada))
        await another.commit()
    assert await AuthorRepository(session).count() == 1
