"""Positions in an order: the condition for all that comes after one, and its form as bytes."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy import BindParameter, ColumnElement, and_, false, literal, or_, tuple_

from bedplate.errors import InvalidCursorError
from bedplate.repositories.ordering import SortKey

__all__ = ["Position", "beyond", "two_stretches"]


class Position(NamedTuple):
    """A place between two rows: just after, or just before, a row with these values."""

    values: tuple[Any, ...]
    backward: bool = False
    inclusive: bool = False
    """Whether a row with just these values is beyond the place too."""

    def opposite(self) -> "Position":
        """Give the same place, seen in the other direction."""
        return Position(self.values, not self.backward, not self.inclusive)

    def dump(self) -> bytes:
        """Give it as bytes.

        Raises:
            TypeError: when a column of this type cannot be in a cursor.
        """
        flags = int(self.backward) | int(self.inclusive) << 1
        written = [flags, *[v if type(v) in _AS_IT_IS else _to_json(v) for v in self.values]]
        return to_json(written, inf_nan_mode="constants")

    @classmethod
    def load(cls, payload: bytes, keys: Sequence[SortKey]) -> "Position":
        """Read what ``dump`` gave.

        Raises:
            InvalidCursorError: when it does not fit the order.
        """
        try:
            flags, *values = from_json(payload)
            loaded = tuple(_from_json(value, key) for value, key in zip(values, keys, strict=True))
            position = cls(loaded, bool(flags & 1), bool(flags & 2))
        except _UNREADABLE as error:
            raise InvalidCursorError from error
        if not all(map(SortKey.holds, keys, loaded)):
            raise InvalidCursorError
        return position


def beyond(keys: Sequence[SortKey], position: Position) -> ColumnElement[bool]:
    """Give the condition for the rows that come after a position in an order.

    Args:
        keys: the order in which the rows are walked, so reversed for a backward position.
        position: where to begin; a value may be a parameter that is never NULL.
    """
    if _has_row_value_form(keys, position.values):
        return _row_value_form(keys, position)
    return _expanded_form(keys, position)


def two_stretches(
    keys: Sequence[SortKey], position: Position
) -> tuple[ColumnElement[bool], ColumnElement[bool]] | None:
    """Give what ``beyond`` gives in two parts, if no index can begin a scan with the whole.

    That is so where rows that are empty in the first column follow on others, or others on them:
    the first part is what is left of the one kind, the second all of the other.
    """
    first, value = keys[0], position.values[0]
    if not first.nullable or (value is None) != first.nulls_first:
        return None
    if value is None:
        left = beyond(keys[1:], position._replace(values=position.values[1:]))
        return and_(first.expression.is_(None), left), first.expression.is_not(None)
    filled = [replace(first, nullable=False), *keys[1:]]
    return beyond(filled, position), first.expression.is_(None)


def _has_row_value_form(keys: Sequence[SortKey], values: Sequence[Any]) -> bool:
    """PostgreSQL compares rows column by column, one way for all, and knows no NULLs there."""
    return all(
        key.descending == keys[0].descending and not key.nullable and value is not None
        for key, value in zip(keys, values, strict=True)
    )


def _row_value_form(keys: Sequence[SortKey], position: Position) -> ColumnElement[bool]:
    literals = [_bound(key, value) for key, value in zip(keys, position.values, strict=True)]
    if len(keys) == 1:
        return _compare(keys[0], keys[0].expression, literals[0], inclusive=position.inclusive)
    row = tuple_(*(key.expression for key in keys))
    return _compare(keys[0], row, tuple_(*literals), inclusive=position.inclusive)


def _expanded_form(keys: Sequence[SortKey], position: Position) -> ColumnElement[bool]:
    """Say it column by column: further on in this one, or level here and further on in the next."""
    condition: ColumnElement[bool] | None = None
    for key, value in reversed(list(zip(keys, position.values, strict=True))):
        level: ColumnElement[bool] | None = None
        if condition is not None:
            level = and_(_level(key, value), condition)
        elif position.inclusive:
            level = _level(key, value)
        condition = _any_of(_further(key, value), level)
    if condition is None:  # the last of all rows
        return false()
    first, value = keys[0], position.values[0]
    if value is None or (first.nullable and not first.nulls_first):
        return condition
    # Implied by the rest, but this is what an index can begin its scan with.
    return and_(_compare(first, first.expression, _bound(first, value), inclusive=True), condition)


def _any_of(*conditions: ColumnElement[bool] | None) -> ColumnElement[bool] | None:
    said = [condition for condition in conditions if condition is not None]
    return or_(*said) if said else None


def _further(key: SortKey, value: Any) -> ColumnElement[bool] | None:  # noqa: ANN401
    if value is None:
        return key.expression.is_not(None) if key.nulls_first else None
    further = _compare(key, key.expression, _bound(key, value), inclusive=False)
    if key.nullable and not key.nulls_first:
        return or_(further, key.expression.is_(None))
    return further


def _level(key: SortKey, value: Any) -> ColumnElement[bool]:  # noqa: ANN401
    if value is None:
        return key.expression.is_(None)
    return key.expression == _bound(key, value)


def _compare(
    key: SortKey, left: ColumnElement[Any], right: ColumnElement[Any], *, inclusive: bool
) -> ColumnElement[bool]:
    if key.descending:
        return left <= right if inclusive else left < right
    return left >= right if inclusive else left > right


def _bound(key: SortKey, value: Any) -> ColumnElement[Any]:  # noqa: ANN401
    return value if isinstance(value, BindParameter) else literal(value, key.expression.type)


# Whatever bytes can make of reading them; the last one where nothing tells an enum's class.
_UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    NotImplementedError,
)
_AS_IT_IS = {type(None), bool, int, float, str}

# Longest types first where one is a kind of the other: a datetime is a date too.
_WRITERS: dict[type, tuple[str, Callable[[Any], str]]] = {
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda value: str(value // timedelta(microseconds=1))),
    UUID: ("uuid", lambda value: value.hex),
    Decimal: ("decimal", str),
    bytes: ("bytes", lambda value: b64encode(value).decode("ascii")),
}
_READERS: dict[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda text: timedelta(microseconds=int(text)),
    "uuid": lambda text: UUID(int=int(text, 16)),
    "decimal": Decimal,
    "bytes": b64decode,
}


def _to_json(value: Any) -> Any:  # noqa: ANN401
    kind = type(value)
    if kind not in _WRITERS:
        if isinstance(value, Enum):
            return {"enum": value.name}
        if isinstance(value, bool | int | float | str):
            return value
        kind = next((known for known in _WRITERS if isinstance(value, known)), kind)
    if kind in _WRITERS:
        tag, write = _WRITERS[kind]
        return {tag: write(value)}
    raise TypeError(f"a {type(value).__name__} cannot be in a cursor; sort by another column")


def _from_json(value: Any, key: SortKey) -> Any:  # noqa: ANN401
    if not isinstance(value, dict):
        return value
    ((tag, text),) = value.items()
    if tag == "enum":
        return key.expression.type.python_type[text]
    return _READERS[tag](text)
