"""Reads that give entities, with what they load besides, and their projections."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from copy import copy
from typing import Any, Self, overload, override

from sqlalchemy.orm import DeclarativeBase, QueryableAttribute
from sqlalchemy.orm.interfaces import ORMOption

from bedplate.pagination import CursorParams
from bedplate.repositories.forms import Question
from bedplate.repositories.keys import identity_of
from bedplate.repositories.keyset import Position
from bedplate.repositories.loaded import entities
from bedplate.repositories.ordering import Order
from bedplate.repositories.pages import Pages, Stretch
from bedplate.repositories.places import attributes_of
from bedplate.repositories.projections import Projection
from bedplate.repositories.reads import BATCH, Condition
from bedplate.repositories.rows import Beside
from bedplate.repositories.shapes import Schema, Shape, shape_of_columns, shape_of_schema

__all__ = ["EntityReads"]


class EntityReads[M: DeclarativeBase](Pages[M, M]):
    """Reads the rows of one model as entities of the session.

    Args:
        session: where the statements run; it is never committed here.
        cursors: signs the cursors of ``cursor_page``.
    """

    def with_options(self, *options: ORMOption) -> Self:
        """Give the same repository, loading more with each entity, such as ``selectinload``."""
        view = copy(self)
        view._options = (*self._options, *options)
        return view

    def select_as[S: Schema](self, schema: type[S]) -> Projection[S]:
        """Give the same rows as values of a schema; only its columns are read.

        A pydantic model validates what comes back: at the cost of ``model_construct``, a wrong
        type is an error and not a surprise further on.

        Args:
            schema: a pydantic model, dataclass or NamedTuple whose fields are columns, column
                properties or hybrid properties of the model.

        Raises:
            TypeError: when a field is none of these, or the repository has loader options. A row
                that does not fit the schema raises it when it is read.
        """
        return self._project(shape_of_schema(self.model, schema))

    @overload
    def select_columns[A](self, a: QueryableAttribute[A], /) -> Projection[tuple[A]]: ...
    @overload
    def select_columns[A, B](
        self, a: QueryableAttribute[A], b: QueryableAttribute[B], /
    ) -> Projection[tuple[A, B]]: ...
    @overload
    def select_columns[A, B, C](
        self, a: QueryableAttribute[A], b: QueryableAttribute[B], c: QueryableAttribute[C], /
    ) -> Projection[tuple[A, B, C]]: ...
    @overload
    def select_columns[A, B, C, D](
        self,
        a: QueryableAttribute[A],
        b: QueryableAttribute[B],
        c: QueryableAttribute[C],
        d: QueryableAttribute[D],
        /,
    ) -> Projection[tuple[A, B, C, D]]: ...
    @overload
    def select_columns[A, B, C, D, E](
        self,
        a: QueryableAttribute[A],
        b: QueryableAttribute[B],
        c: QueryableAttribute[C],
        d: QueryableAttribute[D],
        e: QueryableAttribute[E],
        /,
    ) -> Projection[tuple[A, B, C, D, E]]: ...
    @overload
    def select_columns[A, B, C, D, E, F](
        self,
        a: QueryableAttribute[A],
        b: QueryableAttribute[B],
        c: QueryableAttribute[C],
        d: QueryableAttribute[D],
        e: QueryableAttribute[E],
        f: QueryableAttribute[F],
        /,
    ) -> Projection[tuple[A, B, C, D, E, F]]: ...
    @overload
    def select_columns(self, *columns: QueryableAttribute[Any]) -> Projection[tuple[Any, ...]]: ...
    def select_columns(self, *columns: QueryableAttribute[Any]) -> Projection[Any]:
        """Give the same rows as tuples of some columns; only these are read.

        Args:
            columns: attributes of the model, such as ``User.id``.

        Raises:
            TypeError: when one is not a column of the model, or the repository has loader options.
        """
        return self._project(shape_of_columns(self.model, columns))

    def _project[S](self, shape: Shape[S]) -> Projection[S]:
        if self._options:
            raise TypeError("loader options are for entities; a projection has none")
        return Projection(self, shape)

    @property
    @override
    def _columns(self) -> tuple[Any, ...]:
        return (self.model,)

    @override
    async def _all(self, question: Question) -> Sequence[M]:
        found = await self.session.scalars(*question.sent)
        return (found.unique() if self._may_repeat() else found).all()

    @override
    async def _batches(self, question: Question) -> AsyncGenerator[Sequence[M]]:
        result = await self.session.stream_scalars(*question.sent, **BATCH)
        try:
            async for batch in result.partitions():
                yield batch
        finally:
            await result.close()

    @override
    async def _one_or_none(self, question: Question) -> M | None:
        if self._may_repeat():
            return (await self.session.scalars(*question.sent)).unique().one_or_none()
        row: M | None = (await self.session.execute(*question.sent)).scalar_one_or_none()
        return row

    def _may_repeat(self) -> bool:
        """Tell whether a row may come more than once, joined to others that are loaded with it."""
        return bool(self._options) or self._scope.traits.joins_more

    @override
    async def _stretch(
        self,
        order: Order,
        start: Position | None,
        params: CursorParams,
        conditions: tuple[Condition, ...],
    ) -> Stretch[M]:
        names = attributes_of(self.model, order)
        if names is not None and self._loads_anew():
            question = self._page_from(self._columns, order, start, params, conditions)
            rows, total = await self._all_and_total(question, conditions, counted=params.total)
            if not rows or rows[0].__dict__.keys() >= set(names):
                return Stretch(
                    rows, lambda number: tuple(map(rows[number].__dict__.__getitem__, names)), total
                )
        return await super()._stretch(order, start, params, conditions)

    def _loads_anew(self) -> bool:
        """Tell whether rows become new entities as they are; one loaded before may differ."""
        return not (self._options or self.session.new or entities(self.session, self.model))

    @override
    async def _beside(self, question: Question) -> Beside[M]:
        result = await self.session.execute(*question.sent)
        rows = (result.unique(lambda row: id(row[0])) if self._may_repeat() else result).all()
        return Beside([row[0] for row in rows], rows, 1)

    @override
    async def _by_identity(self, question: Question) -> Mapping[tuple[Any, ...], M]:
        return {identity_of(self.model, row): row for row in await self._all(question)}
