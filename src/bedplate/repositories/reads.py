"""The reads of one model: what each one gives, and with how many statements."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

from sqlalchemy import ColumnExpressionArgument, Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm.interfaces import ORMOption

from bedplate.errors import NotFoundError
from bedplate.pagination import CursorCodec, CursorPage, CursorParams, Page, PageParams
from bedplate.repositories import statements
from bedplate.repositories.filters import Filter
from bedplate.repositories.forms import Question, asked
from bedplate.repositories.keys import has_one_of_keys, identity_of
from bedplate.repositories.keyset import Position
from bedplate.repositories.listing import Listing, Sortable
from bedplate.repositories.ordering import Order, OrderBy
from bedplate.repositories.scope import Scope

__all__ = ["BATCH", "Found", "Reads"]

BATCH: Mapping[str, Any] = {"execution_options": {"yield_per": 1000}}
"""How many rows of a stream are fetched at a time."""

type Condition = ColumnExpressionArgument[bool]
"""What SQLAlchemy takes in ``where``."""


class Found[M](NamedTuple):
    """The rows that were found, in the order asked for, and the keys that were not."""

    rows: Sequence[M]
    missing: Sequence[Any]


class Reads[M: DeclarativeBase, T](ABC):
    """Reads the rows of one model, each as a ``T``; ``get`` raises where ``find`` gives None.

    Args:
        session: where the statements run; it is never committed here.
        cursors: signs the cursors of ``cursor_page``.
    """

    model: type[M]
    """The model, named by the subclass."""

    sortable: ClassVar[Sortable] = {}
    """What clients may sort by, by name, besides the columns that a request's class names."""

    filterable: ClassVar[Mapping[str, Filter]] = {}
    """What clients may filter by, by name, where the name does not say it: see filter_named."""

    def __init__(self, session: AsyncSession, *, cursors: CursorCodec | None = None) -> None:
        self.session = session
        self._cursors = cursors
        self._options: tuple[ORMOption, ...] = ()
        self._lock: dict[str, Any] | None = None

    @cached_property
    def _scope(self) -> Scope:
        """Give the scope, when it is first needed: the session may be a mock until then."""
        return Scope.of(self.model, self.session)

    def locked(self, *, skip_locked: bool = False, nowait: bool = False) -> Self:
        """Give the same reads, locking what it reads until the end of the transaction.

        Args:
            skip_locked: leave out rows that somebody else holds.
            nowait: raise LockTimeoutError instead of waiting for them.
        """
        view = copy(self)
        view._lock = {"of": self.model, "skip_locked": skip_locked, "nowait": nowait}
        return view

    def where(self, *conditions: Condition) -> Self:
        """Give the same reads of those rows alone that meet all conditions.

        On a repository it holds for what is changed and deleted too: another row counts as not
        there. What is added is not looked at.
        """
        view = copy(self)
        view._scope = self._scope.narrowed(conditions)
        return view

    async def find(self, key: object) -> T | None:
        """Give the row with this key, or None. One statement."""
        values = statements.key_values(self._identity(key))
        one_row = statements.one_row(self.model, self._columns)
        return await self._one_or_none(self._asked(one_row).given(values))

    async def get(self, key: object) -> T:
        """Give the row with this key. One statement.

        Raises:
            NotFoundError: when there is none.
        """
        return self._found(await self.find(key))

    async def get_many(self, keys: Iterable[object]) -> Found[T]:
        """Give the rows with these keys, and the keys that have none. One statement."""
        wanted = {self._identity(key): key for key in keys}
        if not wanted:
            return Found([], [])
        condition = has_one_of_keys(self.model, list(wanted))
        by_identity = await self._by_identity(self._asked(self._rows, condition))
        return Found(
            [by_identity[identity] for identity in wanted if identity in by_identity],
            [key for identity, key in wanted.items() if identity not in by_identity],
        )

    async def first(self, *conditions: Condition, order_by: Sequence[OrderBy] = ()) -> T | None:
        """Give the first row that meets all conditions, or None. One statement."""
        first = statements.first_row(self.model, self._columns)
        return await self._one_or_none(self._asked(first, *conditions, order_by=order_by))

    async def one(self, *conditions: Condition) -> T:
        """Give the only row that meets all conditions. One statement.

        Raises:
            NotFoundError: when there is none.
            sqlalchemy.exc.MultipleResultsFound: when there are several.
        """
        two = statements.two_rows(self.model, self._columns)
        return self._found(await self._one_or_none(self._asked(two, *conditions)))

    async def list(
        self,
        *conditions: Condition,
        order_by: Sequence[OrderBy] = (),
        limit: int | None = None,
    ) -> Sequence[T]:
        """Give all rows that meet all conditions, at most ``limit``. One statement."""
        if limit is None:
            return await self._all(self._asked(self._rows, *conditions, order_by=order_by))
        some = statements.some_rows(self.model, self._columns)
        question = self._asked(some, *conditions, order_by=order_by)
        return await self._all(question.given({statements.LIMIT: limit}))

    async def stream(
        self, *conditions: Condition, order_by: Sequence[OrderBy] = ()
    ) -> AsyncIterator[T]:
        """Give all rows that meet all conditions one by one, by a cursor of the server.

        One statement; 1,000 rows are fetched at a time, so that any number of them takes the same
        memory. The cursor is closed with the transaction at the latest.

        Raises:
            RuntimeError: where each statement is a transaction, as in ``uow.read_only()``; use
                ``uow.snapshot()`` there.
        """
        await self._demand_transaction()
        question = self._asked(self._rows, *conditions, order_by=order_by)
        async with aclosing(self._batches(question)) as batches:
            async for batch in batches:
                for row in batch:
                    yield row

    async def _demand_transaction(self) -> None:
        """Refuse where a cursor would not outlive its own statement; nothing is sent."""
        connection = await self.session.connection(bind_arguments={"mapper": self.model})
        raw = await connection.get_raw_connection()
        if getattr(raw.dbapi_connection, "autocommit", False):
            raise RuntimeError("stream needs a transaction: use uow.snapshot()")

    async def exists(self, *conditions: Condition) -> bool:
        """Tell whether a row meets all conditions; stops at the first. One statement."""
        return await self._any((*conditions, *self._scope.conditions))

    async def _any(self, every: tuple[Condition, ...]) -> bool:
        """Tell whether a row meets all conditions, those of the scope among them."""
        seen = statements.whether_any_seen if self._scope.is_narrowing else None
        make = seen or statements.whether_any(self.model)
        question = asked(make, statements.any_row(self.model), every)
        await self._send_pending()  # not all lines of SQLAlchemy do it for what has no entity
        return bool(await self.session.scalar(*question))

    async def count(self, *conditions: Condition) -> int:
        """Count the rows that meet all conditions. One statement."""
        every = (*conditions, *self._scope.conditions)
        question = asked(statements.narrowed, statements.number_of_rows(self.model), every)
        return await self.session.scalar(*question) or 0

    async def page(self, params: PageParams, *conditions: Condition) -> Page[T]:
        """Give a page by offset. One statement, two with total.

        Args:
            params: limit, offset, and the declared sort and filters that the client chose.
            conditions: what holds for every row besides.

        Raises:
            InvalidDataError: when the client sorts by what is not declared.
        """
        listing = self._listing(params)
        conditions = (*conditions, *listing.conditions)
        further = params.offset > 0
        statement = statements.page_by_offset(
            self.model, self._columns, listing.order, further=further
        )
        window = {statements.LIMIT: params.limit + 1}
        if further:
            window[statements.OFFSET] = params.offset
        rows = await self._all(self._asked(statement, *conditions).given(window))
        return Page(
            items=list(rows[: params.limit]),
            limit=params.limit,
            offset=params.offset,
            has_more=len(rows) > params.limit,
            total=await self.count(*conditions) if params.total else None,
        )

    async def cursor_page(self, params: CursorParams, *conditions: Condition) -> CursorPage[T]:
        """Give a page by cursor, at the same cost at any depth. One statement, two with total.

        Args:
            params: limit, cursor, and the declared sort and filters that the client chose.
            conditions: what holds for every row besides.

        Raises:
            InvalidCursorError: when the cursor is not one of this listing.
            InvalidDataError: when the client sorts by what is not declared.
        """
        if self._cursors is None:
            raise RuntimeError("cursor_page needs a CursorCodec: pass cursors= to the constructor")
        listing = self._listing(params)
        signature = listing.signature() + self._scope.signature
        start = (
            None
            if params.cursor is None
            else Position.load(self._cursors.decode(params.cursor, signature), listing.order.keys)
        )
        conditions = (*conditions, *listing.conditions)
        rows, before, after = await self._walk(listing, start, params.limit, conditions)
        codec = self._cursors
        return CursorPage(
            items=list(rows),
            next_cursor=codec.encode(after.dump(), signature) if after else None,
            previous_cursor=codec.encode(before.dump(), signature) if before else None,
            has_more=after is not None,
            total=await self.count(*conditions) if params.total else None,
        )

    async def _walk(
        self,
        listing: Listing,
        start: Position | None,
        limit: int,
        conditions: tuple[Condition, ...],
    ) -> tuple[Sequence[T], Position | None, Position | None]:
        """Give the rows of a page, and the places before and after it if they lead anywhere."""
        backward = start is not None and start.backward
        order = listing.order.reversed() if backward else listing.order
        found, place = await self._stretch(order, start, limit + 1, conditions)
        page = found[:limit]
        ahead = Position(place(len(page) - 1), backward) if len(found) > limit else None
        behind = None
        if start is not None:
            behind = Position(place(0), not backward) if page else start.opposite()
        return (page[::-1], ahead, behind) if backward else (page, behind, ahead)

    async def _stretch(
        self, order: Order, start: Position | None, count: int, conditions: tuple[Condition, ...]
    ) -> tuple[Sequence[T], Callable[[int], tuple[Any, ...]]]:
        """Give rows from a position on, and what gives the place of each by its number."""
        # The places are the database's own values, which a loaded entity need not have.
        columns = (*self._columns, *(key.expression for key in order.keys))
        question = self._page_from(columns, order, start, count, conditions)
        found = await self._beside(question)
        return [row for row, _ in found], lambda number: found[number][1]

    def _page_from(
        self,
        columns: tuple[Any, ...],
        order: Order,
        start: Position | None,
        count: int,
        conditions: tuple[Condition, ...],
    ) -> Question:
        every = (*conditions, *self._scope.conditions)
        question = statements.page_from(self.model, columns, order, start, every)
        return self._dressed(question.given({statements.LIMIT: count}))

    async def _send_pending(self) -> None:
        """Flush what is pending, as the ORM does before statements of its own."""
        session = self.session.sync_session
        if session.autoflush and not session._is_clean():
            await self.session.flush()

    def _listing(self, params: PageParams | CursorParams) -> Listing:
        return Listing.of(self.model, params, self.sortable, self.filterable)

    @property
    def _rows(self) -> Select[Any]:
        return statements.rows(self.model, self._columns)

    def _asked(
        self, statement: Select[Any], *conditions: Condition, order_by: Sequence[OrderBy] = ()
    ) -> Question:
        """Give a statement with what holds for all reads."""
        every = (*conditions, *self._scope.conditions)
        return self._dressed(asked(statements.narrowed, statement, every, order_by))

    def _dressed(self, question: Question) -> Question:
        """Give a question with what its reader loads besides, and locks."""
        statement = question.statement
        options = (*self._options, *self._scope.loading(more=bool(self._options)))
        if not (options or self._lock):
            return question
        if options:
            statement = statement.options(*options)
        if self._lock is not None:
            # What was read before the lock may be out of date.
            statement = statement.with_for_update(**self._lock).execution_options(
                populate_existing=True
            )
        return Question(statement, question.values)

    @property
    @abstractmethod
    def _columns(self) -> tuple[Any, ...]:
        """Give what is selected to make a ``T`` of it."""

    @abstractmethod
    async def _all(self, question: Question) -> Sequence[T]:
        """Give all rows of a statement."""

    @abstractmethod
    def _batches(self, question: Question) -> AsyncGenerator[Sequence[T]]:
        """Give the rows of a statement by a cursor of the server, some at a time."""

    @abstractmethod
    async def _one_or_none(self, question: Question) -> T | None:
        """Give its only row."""

    @abstractmethod
    async def _beside(self, question: Question) -> Sequence[tuple[T, tuple[Any, ...]]]:
        """Give all its rows, each beside the values that it selects besides ``_columns``."""

    @abstractmethod
    async def _by_identity(self, question: Question) -> Mapping[tuple[Any, ...], T]:
        """Give all its rows by the values of their keys."""

    def _found(self, row: T | None) -> T:
        if row is None:
            raise NotFoundError(resource=self.model.__name__)
        return row

    def _identity(self, key: object) -> tuple[Any, ...]:
        return identity_of(self.model, key)
