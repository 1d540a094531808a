"""The order of a listing: which columns, which way, and where the empty ones stand."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Self

from sqlalchemy import ColumnElement, Enum, TypeDecorator, UnaryExpression
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.types import TypeEngine

from bedplate.repositories.keys import primary_key

__all__ = ["Order", "OrderBy", "SortKey", "column_of", "order_of"]

type OrderBy = ColumnElement[Any] | InstrumentedAttribute[Any]
"""A column, or a column with ``.desc()``, ``.nulls_first()`` and the like."""

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_MODIFIERS = {
    operators.asc_op: ("descending", False),
    operators.desc_op: ("descending", True),
    operators.nulls_first_op: ("nulls_first", True),
    operators.nulls_last_op: ("nulls_first", False),
}


@dataclass(frozen=True, slots=True)
class SortKey:
    """One part of an order."""

    expression: ColumnElement[Any]
    descending: bool
    nulls_first: bool
    nullable: bool

    @classmethod
    def parse(cls, element: OrderBy) -> Self:
        """Read what SQLAlchemy takes in ``order_by``; PostgreSQL's defaults fill the gaps."""
        expression: Any = (
            element.__clause_element__() if isinstance(element, InstrumentedAttribute) else element
        )
        said: dict[str, bool] = {}
        while isinstance(expression, UnaryExpression) and expression.modifier in _MODIFIERS:
            name, value = _MODIFIERS[expression.modifier]
            said.setdefault(name, value)
            expression = expression.element
        descending = said.get("descending", False)
        return cls(
            expression=expression,
            descending=descending,
            nulls_first=said.get("nulls_first", descending),
            nullable=bool(getattr(expression, "nullable", True)),
        )

    def reversed(self) -> "SortKey":
        """Give the exact opposite, which the same index serves."""
        return SortKey(self.expression, not self.descending, not self.nulls_first, self.nullable)

    def render(self) -> ColumnElement[Any]:
        """Give it for ``order_by``; the place of NULLs is named only where it is not the usual."""
        rendered: ColumnElement[Any] = (
            self.expression.desc() if self.descending else self.expression.asc()
        )
        if not self.nullable or self.nulls_first == self.descending:
            return rendered
        return rendered.nulls_first() if self.nulls_first else rendered.nulls_last()

    def holds(self, value: object) -> bool:
        """Tell whether a row can have such a value here: another type of column had others."""
        if value is None:
            return True
        process, kinds = _values_of(self.expression.type)
        try:
            sent = value if process is None else process(value)
        except Exception:  # noqa: BLE001 - a service's own type raises what it likes
            return False
        return isinstance(sent, kinds) and (kinds is not _WHOLE or _is_whole(sent))

    def describe(self) -> list[object]:
        """Name it for a signature."""
        return [
            str(self.expression.compile(dialect=_DIALECT)),
            repr(self.expression.type),
            self.descending,
            self.nulls_first,
        ]


_WHOLE = (int, Decimal)
"""What an expression of whole numbers gives: PostgreSQL makes their sum a ``numeric``."""


def _is_whole(value: Any) -> bool:  # noqa: ANN401 - one of those
    return type(value) is not bool and (isinstance(value, int) or value.is_finite())


@lru_cache(1024)
def _values_of(
    kind: TypeEngine[Any],
) -> tuple[Callable[[Any], Any] | None, type[Any] | tuple[type[Any], ...]]:
    """Give what makes a value of a type ready to be sent, and of which kinds it is then."""
    found = kind.dialect_impl(_DIALECT)
    process = found.bind_processor(_DIALECT) if isinstance(kind, TypeDecorator | Enum) else None
    while isinstance(found, TypeDecorator):
        found = found.load_dialect_impl(_DIALECT)
    if isinstance(found, Enum):
        return process, str
    try:
        expected = found.python_type
    except NotImplementedError:
        return process, object
    return process, _WHOLE if expected is int else expected


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """An order without ties, with all that a statement and a signature need of it."""

    keys: tuple[SortKey, ...]
    description: str
    rendered: tuple[ColumnElement[Any], ...]

    @classmethod
    def of(cls, keys: Iterable[SortKey]) -> "Order":
        """Make it of its parts."""
        kept = tuple(keys)
        described = json.dumps([key.describe() for key in kept])
        return cls(kept, described, tuple(key.render() for key in kept))

    def reversed(self) -> "Order":
        """Give the exact opposite, the same each time: statements are kept by it."""
        return _reversed(self)


@lru_cache(1024)
def _reversed(order: Order) -> Order:
    return Order.of(key.reversed() for key in order.keys)


@lru_cache(1024)
def order_of(
    model: type[DeclarativeBase], order_by: tuple[OrderBy, ...], *, backward: bool = False
) -> Order:
    """Give an order without ties: the primary key decides last, in the direction of the rest.

    Args:
        model: whose rows.
        order_by: what SQLAlchemy takes in ``order_by``.
        backward: whether to give the exact opposite.
    """
    keys = [SortKey.parse(element) for element in order_by]
    named = {column_of(key.expression) for key in keys}
    descending = keys[-1].descending if keys else False
    breakers = [column for column in primary_key(model) if column not in named]
    keys += [SortKey(column, descending, descending, nullable=False) for column in breakers]
    return Order.of(key.reversed() if backward else key for key in keys)


def column_of(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    """Strip the annotations by which SQLAlchemy tells an attribute from its column."""
    return expression._deannotate() if isinstance(expression, ColumnClause) else expression
