"""Reads that give less than entities: schemas or tuples of some columns, and only these are read."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import cached_property
from typing import Any, override

from bedplate.pagination import CursorParams, PageParams
from bedplate.repositories.forms import Question
from bedplate.repositories.keys import primary_key
from bedplate.repositories.listing import Listing
from bedplate.repositories.pages import Pages
from bedplate.repositories.reads import BATCH
from bedplate.repositories.rows import Beside, only, rows_of
from bedplate.repositories.scope import Scope
from bedplate.repositories.shapes import Shape

__all__ = ["Projection"]


class Projection[S](Pages[Any, S]):
    """Reads the rows of a repository, each as an ``S``; ``select_as`` and ``select_columns`` give it.

    What it gives is of no session: nothing is loaded later, and no change of it is stored.

    Args:
        source: the repository; its scope, its lock, and its declared sort and filters hold.
        shape: which columns are read, and what they are made into.
    """

    def __init__(self, source: Pages[Any, Any], shape: Shape[S]) -> None:
        super().__init__(source.session, cursors=source._cursors)
        self.model = source.model
        self._source = source
        self._shape = shape
        self._lock = source._lock

    @cached_property
    @override
    def _scope(self) -> Scope:
        return self._source._scope

    @override
    def _listing(self, params: PageParams | CursorParams) -> Listing:
        return self._source._listing(params)

    @property
    @override
    def _columns(self) -> tuple[Any, ...]:
        return self._shape.columns

    @override
    async def _all(self, question: Question) -> Sequence[S]:
        return self._shape.make(await rows_of(self.session, question))

    @override
    async def _batches(self, question: Question) -> AsyncGenerator[Sequence[S]]:
        result = await self.session.stream(*question.sent, **BATCH)
        try:
            async for batch in result.partitions():
                yield self._shape.make(batch)
        finally:
            await result.close()

    @override
    async def _one_or_none(self, question: Question) -> S | None:
        row = only(await rows_of(self.session, question))
        return None if row is None else self._shape.make([row])[0]

    @override
    async def _beside(self, question: Question) -> Beside[S]:
        rows = await rows_of(self.session, question)
        return Beside(self._shape.make(rows), rows, len(self._shape.columns))

    @override
    async def _by_identity(self, question: Question) -> Mapping[tuple[Any, ...], S]:
        with_key = question.statement.add_columns(*primary_key(self.model))
        found = await self._beside(Question(with_key, question.values))
        return {found.at(number): item for number, item in enumerate(found.items)}
