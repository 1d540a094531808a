"""The reads of one model: what each one gives, and with how many statements."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from functools import cached_property
from typing import Any, NamedTuple, Self

from sqlalchemy import ColumnExpressionArgument, Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm.interfaces import ORMOption

from bedplate.errors import NotFoundError
from bedplate.repositories import statements
from bedplate.repositories.forms import Maker, Question, asked
from bedplate.repositories.keys import has_one_of_keys, identity_of
from bedplate.repositories.ordering import OrderBy
from bedplate.repositories.rows import Beside, value_of
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
    """

    model: type[M]
    """The model, named by the subclass."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
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
        return bool(await value_of(self.session, question))

    async def count(self, *conditions: Condition) -> int:
        """Count the rows that meet all conditions. One statement."""
        every = (*conditions, *self._scope.conditions)
        question = asked(statements.narrowed, statements.number_of_rows(self.model), every)
        return await value_of(self.session, question) or 0

    async def _send_pending(self) -> None:
        """Flush what is pending, as the ORM does before statements of its own."""
        session = self.session.sync_session
        if session.autoflush and not session._is_clean():
            await self.session.flush()

    @property
    def _rows(self) -> Select[Any]:
        return statements.rows(self.model, self._columns)

    def _asked(
        self,
        statement: Select[Any],
        *conditions: Condition,
        order_by: Sequence[OrderBy] = (),
        make: Maker = statements.narrowed,
    ) -> Question:
        """Give a statement with what holds for all reads."""
        every = (*conditions, *self._scope.conditions)
        return self._dressed(asked(make, statement, every, order_by))

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
    async def _beside(self, question: Question) -> Beside[T]:
        """Give all its rows, each with the values that it selects besides ``_columns``."""

    @abstractmethod
    async def _by_identity(self, question: Question) -> Mapping[tuple[Any, ...], T]:
        """Give all its rows by the values of their keys."""

    def _found(self, row: T | None) -> T:
        if row is None:
            raise NotFoundError(resource=self.model.__name__)
        return row

    def _identity(self, key: object) -> tuple[Any, ...]:
        return identity_of(self.model, key)
