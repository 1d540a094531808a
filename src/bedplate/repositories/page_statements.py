"""The statements of pages: by offset and by position, with the total beside the rows or without."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    Integer,
    Select,
    bindparam,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import DeclarativeBase

from bedplate.repositories.forms import Maker, Question, asked
from bedplate.repositories.keys import primary_key
from bedplate.repositories.keyset import Position, beyond, two_stretches
from bedplate.repositories.ordering import Order
from bedplate.repositories.statements import LIMIT, bound, narrowed, number_of_rows, rows

__all__ = ["OFFSET", "page_by_offset", "page_from", "with_total"]

# Names of parameters that no column and no condition of a service has.
_PLACE = "bedplate_place_{}"
OFFSET = "bedplate_offset"

_once = lru_cache(1024)


@_once
def with_total(model: type[DeclarativeBase], make: Maker) -> Maker:
    """Give what makes the same, and beside each of its rows how many meet the conditions.

    It is a part of the statement and not one of its own: it is counted once, at the same moment as
    the rows are read, and costs no way to the database and back.
    """

    def make_both(
        base: Select[Any], conditions: Sequence[Any], order_by: Sequence[Any]
    ) -> Select[Any]:
        # not of the row beside which it stands, although it is of the same table
        total = number_of_rows(model).where(*conditions).correlate(None).scalar_subquery()
        return make(base, conditions, order_by).add_columns(total)

    return make_both


@_once
def page_by_offset(
    model: type[DeclarativeBase], columns: tuple[Any, ...], order: Order, *, further: bool
) -> Select[Any]:
    """Give rows in an order, LIMIT of them, and after OFFSET others if it is one further on."""
    page = _page(model, columns, order)
    return page.offset(bindparam(OFFSET, type_=Integer)) if further else page


def page_from(
    model: type[DeclarativeBase],
    columns: tuple[Any, ...],
    order: Order,
    start: Position | None,
    conditions: Sequence[ColumnExpressionArgument[bool]],
    *,
    counted: bool,
) -> Question:
    """Give LIMIT rows in an order, from a position on, that meet all conditions.

    Args:
        model: whose rows.
        columns: what is given of each.
        order: the way in which the rows are walked.
        start: where to begin.
        conditions: what the rows meet.
        counted: whether each row has beside it how many there are, from any position.
    """
    make: Maker = narrowed
    values: Mapping[str, Any] = {}
    if start is not None:
        filled = tuple(value is not None for value in start.values)
        make, values = _from_place(model, order, filled, start.inclusive), _page_values(start)
    if counted:
        make = with_total(model, make)
    return asked(make, _page(model, columns, order), conditions).given(values)


@_once
def _page(model: type[DeclarativeBase], columns: tuple[Any, ...], order: Order) -> Select[Any]:
    return rows(model, columns).order_by(*order.rendered).limit(bindparam(LIMIT, type_=Integer))


@_once
def _from_place(
    model: type[DeclarativeBase],
    order: Order,
    filled: tuple[bool, ...],
    inclusive: bool,  # noqa: FBT001 - part of what decides the text
) -> Maker:
    """Give what narrows a page to the rows from a place on."""
    place = _place(order, filled, inclusive)
    if two_stretches(order.keys, place) is None:
        further = beyond(order.keys, place)
        return lambda page, conditions, _: narrowed(page.where(further), conditions, ())
    return lambda page, conditions, _: narrowed(
        page.where(_in_two_stretches(model, order, place, conditions)), conditions, ()
    )


def _place(order: Order, filled: tuple[bool, ...], inclusive: bool) -> Position:  # noqa: FBT001
    """Give a position whose values are those of ``_page_values``."""
    values = tuple(
        bound(_PLACE, number, key.expression) if has_value else None
        for number, (key, has_value) in enumerate(zip(order.keys, filled, strict=True))
    )
    return Position(values, inclusive=inclusive)


def _in_two_stretches(
    model: type[DeclarativeBase],
    order: Order,
    place: Position,
    conditions: Sequence[ColumnExpressionArgument[bool]],
) -> ColumnElement[bool]:
    """Give the condition for the LIMIT rows from a place on, each part of which has its index."""
    key = primary_key(model)
    stretches = two_stretches(order.keys, place) or ()
    ends = [_page(model, key, order).where(stretch, *conditions) for stretch in stretches]
    both = union_all(*ends).subquery("bedplate_page")
    column = tuple_(*key) if len(key) > 1 else key[0]
    return column.in_(select(*both.c))


def _page_values(start: Position) -> dict[str, Any]:
    """Give the parameters for the position of ``page_from``."""
    return {
        _PLACE.format(number): value
        for number, value in enumerate(start.values)
        if value is not None
    }
