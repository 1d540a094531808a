"""Conditions that a client may choose: declared by the repository, filled in by the request."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

from bedplate.repositories.keys import mapper_of

__all__ = [
    "Filter",
    "at_least",
    "at_most",
    "contains",
    "equals",
    "filter_named",
    "greater_than",
    "is_null",
    "less_than",
    "one_of",
    "starts_with",
]

type Filter = Callable[[Any], ColumnElement[bool]]
"""Makes a condition of the value that a client gave."""

type Column[T] = InstrumentedAttribute[T] | ColumnElement[T]


def equals(column: Column[Any]) -> Filter:
    """Keep rows whose column has the value."""
    return lambda value: column == value


def one_of(column: Column[Any]) -> Filter:
    """Keep rows whose column has one of the values."""

    def condition(values: Iterable[Any]) -> ColumnElement[bool]:
        return column.in_(list(values))

    return condition


def at_least(column: Column[Any]) -> Filter:
    """Keep rows whose column is the value or more."""
    return lambda value: column >= value


def at_most(column: Column[Any]) -> Filter:
    """Keep rows whose column is the value or less."""
    return lambda value: column <= value


def greater_than(column: Column[Any]) -> Filter:
    """Keep rows whose column is more than the value."""
    return lambda value: column > value


def less_than(column: Column[Any]) -> Filter:
    """Keep rows whose column is less than the value."""
    return lambda value: column < value


def contains(column: Column[Any]) -> Filter:
    """Keep rows whose column holds the text anywhere, in any case; ``%`` and ``_`` are plain."""
    return lambda text: column.icontains(text, autoescape=True)


def starts_with(column: Column[Any]) -> Filter:
    """Keep rows whose column begins with the text, in any case; ``%`` and ``_`` are plain."""
    return lambda text: column.istartswith(text, autoescape=True)


def is_null(column: Column[Any]) -> Filter:
    """Keep rows whose column is empty when true is given, filled when false is given."""
    return lambda empty: column.is_(None) if empty else column.is_not(None)


_BY_ENDING: dict[str, Callable[[Column[Any]], Filter]] = {
    "": equals,
    "_is": equals,
    "_contains": contains,
    "_min": at_least,
    "_max": at_most,
    "_from": at_least,
    "_before": less_than,
}


@lru_cache(1024)
def filter_named(model: type[DeclarativeBase], name: str) -> Filter | None:
    """Give the filter that a name says: a column and what is asked of it; None if it says none.

    ``status`` is equal (or ``limit_is``, where the bare name is that of a page's parameter), ``total_min`` and ``total_max`` are inclusive, ``placed_at_from`` is
    inclusive, ``placed_at_before`` is not, ``title_contains`` holds the text in any case.

    Args:
        model: whose columns are meant.
        name: of a client's parameter.
    """
    attributes = mapper_of(model).column_attrs
    for ending, make in _BY_ENDING.items():
        attribute = name.removesuffix(ending)
        if name.endswith(ending) and attribute in attributes:
            return make(getattr(model, attribute))
    return None
