"""The rows of a question, and what stands in them beside what was asked for."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.ext.asyncio import AsyncSession

from bedplate.database.direct import fetch
from bedplate.repositories.forms import Question

__all__ = ["Beside", "only", "rows_of", "value_of"]


class Beside[T](NamedTuple):
    """What was made of rows that hold more than it takes."""

    items: Sequence[T]
    rows: Sequence[Sequence[Any]]
    width: int
    """How many values of a row an item is made of."""

    def at(self, number: int) -> tuple[Any, ...]:
        """Give the values that stand beside an item."""
        return tuple(self.rows[number][self.width :])


async def rows_of(session: AsyncSession, question: Question) -> Sequence[Sequence[Any]]:
    """Give all rows, straight from the driver where that can be."""
    if question.is_kept:
        direct = await fetch(session, *question.sent)
        if direct is not None:
            return direct
    rows: Sequence[Sequence[Any]] = (await session.execute(*question.sent)).all()
    return rows


def only(rows: Sequence[Sequence[Any]]) -> Sequence[Any] | None:
    """Give the only row, or None.

    Raises:
        sqlalchemy.exc.MultipleResultsFound: when there are several.
    """
    if len(rows) > 1:
        raise MultipleResultsFound("several rows were found where one was asked for")
    return rows[0] if rows else None


async def value_of(session: AsyncSession, question: Question) -> Any:  # noqa: ANN401 - of any type
    """Give the first value of the first row, or None."""
    rows = await rows_of(session, question)
    return rows[0][0] if rows else None
