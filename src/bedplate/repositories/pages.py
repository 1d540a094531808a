"""Pages of one model's rows, by offset and by cursor."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from bedplate.pagination import CursorCodec, CursorPage, CursorParams, Page, PageParams
from bedplate.repositories import page_statements, statements
from bedplate.repositories.filters import Filter
from bedplate.repositories.forms import Maker, Question
from bedplate.repositories.keyset import Position
from bedplate.repositories.listing import Listing, Sortable
from bedplate.repositories.ordering import Order
from bedplate.repositories.reads import Condition, Reads
from bedplate.repositories.rows import Beside

__all__ = ["Pages", "Stretch"]


class Stretch[M](NamedTuple):
    """Rows in an order, from a position on."""

    rows: Sequence[M]
    place: Callable[[int], tuple[Any, ...]]
    """Gives the values of the order's keys in a row, by its number."""
    total: int | None
    """How many rows there are in front of them, among them and behind, where that is asked."""


class Pages[M: DeclarativeBase, T](Reads[M, T]):
    """Reads the rows of one model by page, each row as a ``T``.

    Args:
        session: where the statements run; it is never committed here.
        cursors: signs the cursors of ``cursor_page``.
    """

    sortable: ClassVar[Sortable] = {}
    """What clients may sort by, by name, besides the columns that a request's class names."""

    filterable: ClassVar[Mapping[str, Filter]] = {}
    """What clients may filter by, by name, where the name does not say it: see filter_named."""

    def __init__(self, session: AsyncSession, *, cursors: CursorCodec | None = None) -> None:
        super().__init__(session)
        self._cursors = cursors

    async def page(self, params: PageParams, *conditions: Condition) -> Page[T]:
        """Give a page by offset. One statement; two with the total of a page without rows.

        Args:
            params: limit, offset, and the declared sort and filters that the client chose.
            conditions: what holds for every row besides.

        Raises:
            InvalidDataError: when the client sorts by what is not declared.
        """
        listing = self._listing(params)
        conditions = (*conditions, *listing.conditions)
        further = params.offset > 0
        statement = page_statements.page_by_offset(
            self.model, self._columns, listing.order, further=further
        )
        window = {statements.LIMIT: params.limit + 1}
        if further:
            window[page_statements.OFFSET] = params.offset
        make: Maker = statements.narrowed
        if params.total:
            make = page_statements.with_total(self.model, make)
        question = self._asked(statement, *conditions, make=make).given(window)
        rows, total = await self._all_and_total(question, conditions, counted=params.total)
        return Page(
            items=list(rows[: params.limit]),
            limit=params.limit,
            offset=params.offset,
            has_more=len(rows) > params.limit,
            total=total,
        )

    async def cursor_page(self, params: CursorParams, *conditions: Condition) -> CursorPage[T]:
        """Give a page by cursor, at the same cost at any depth, but for its total.

        One statement; two with the total of a page without rows.

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
        found, before, after = await self._walk(listing, start, params, conditions)
        codec = self._cursors
        return CursorPage(
            items=list(found.rows),
            next_cursor=codec.encode(after.dump(), signature) if after else None,
            previous_cursor=codec.encode(before.dump(), signature) if before else None,
            has_more=after is not None,
            total=found.total,
        )

    async def _walk(
        self,
        listing: Listing,
        start: Position | None,
        params: CursorParams,
        conditions: tuple[Condition, ...],
    ) -> tuple[Stretch[T], Position | None, Position | None]:
        """Give the rows of a page, and the places before and after it if they lead anywhere."""
        backward = start is not None and start.backward
        order = listing.order.reversed() if backward else listing.order
        found = await self._stretch(order, start, params, conditions)
        page = found.rows[: params.limit]
        more = len(found.rows) > params.limit
        ahead = Position(found.place(len(page) - 1), backward) if more else None
        behind = None
        if start is not None:
            behind = Position(found.place(0), not backward) if page else start.opposite()
        if backward:
            return found._replace(rows=page[::-1]), ahead, behind
        return found._replace(rows=page), behind, ahead

    async def _stretch(
        self,
        order: Order,
        start: Position | None,
        params: CursorParams,
        conditions: tuple[Condition, ...],
    ) -> Stretch[T]:
        """Give the rows of a page from a position on, and one more if there is one."""
        # The places are the database's own values, which a loaded entity need not have.
        width = len(order.keys)
        columns = (*self._columns, *(key.expression for key in order.keys))
        found = await self._beside(self._page_from(columns, order, start, params, conditions))
        return Stretch(
            rows=found.items,
            place=lambda number: found.at(number)[:width],
            total=await self._total(found, conditions) if params.total else None,
        )

    def _page_from(
        self,
        columns: tuple[Any, ...],
        order: Order,
        start: Position | None,
        params: CursorParams,
        conditions: tuple[Condition, ...],
    ) -> Question:
        every = (*conditions, *self._scope.conditions)
        question = page_statements.page_from(
            self.model, columns, order, start, every, counted=params.total
        )
        return self._dressed(question.given({statements.LIMIT: params.limit + 1}))

    async def _all_and_total(
        self, question: Question, conditions: tuple[Condition, ...], *, counted: bool
    ) -> tuple[Sequence[T], int | None]:
        """Give all rows of a statement, and the total where it gives that too."""
        if not counted:
            return await self._all(question), None
        found = await self._beside(question)
        return found.items, await self._total(found, conditions)

    async def _total(self, found: Beside[T], conditions: tuple[Condition, ...]) -> int:
        """Give the total that the rows of a page have beside them; without rows, ask for it."""
        return found.at(0)[-1] if found.items else await self.count(*conditions)

    def _listing(self, params: PageParams | CursorParams) -> Listing:
        return Listing.of(self.model, params, self.sortable, self.filterable)
