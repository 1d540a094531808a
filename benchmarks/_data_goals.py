"""The operations that are compared: what each is given, and how it shall compare."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from _data_table import key_of, name_of, new_rows

MANY = 1000


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table."""

    name: str
    title: str
    inputs: Callable[[int, int], Sequence[Any]]
    """Gives so many inputs for a table with so many rows."""
    by_hand: float
    """Most times as long as the best of what is written by hand."""
    advanced: float
    """Least times as fast as Advanced Alchemy."""
    most_calls: int = 200


_numbers = itertools.count()


def _picked(count: int, rows: int) -> list[int]:
    return random.sample(range(rows), count)


def _change(count: int) -> list[dict[str, Any]]:
    return [
        {"price": Decimal(random.randrange(10**6)) / 100, "quantity": random.randrange(10**4)}
        for _ in range(count)
    ]


def _keys(count: int, rows: int) -> Sequence[Any]:
    return [key_of(number) for number in _picked(count, rows)]


def _names(count: int, rows: int) -> Sequence[Any]:
    return [name_of(number) for number in _picked(count, rows)]


def _nothing(count: int, _: int) -> Sequence[Any]:
    return [None] * count


def _new(count: int, _: int = 0) -> list[dict[str, Any]]:
    return new_rows([f"new {next(_numbers)}" for _ in range(count)])


def _half_new(count: int, rows: int) -> list[dict[str, Any]]:
    stored = new_rows([name_of(number) for number in _picked((count + 1) // 2, rows)])
    given = [*stored, *_new(count // 2)]
    random.shuffle(given)
    return given


def _changes(count: int, rows: int) -> Sequence[Any]:
    return list(zip(_keys(count, rows), _change(count), strict=True))


def _changed_rows(count: int, rows: int) -> Sequence[Any]:
    return [{"id": key, **change} for key, change in _changes(count, rows)]


def _offsets(count: int, rows: int) -> Sequence[Any]:
    return [random.randrange(min(1000, rows)) for _ in range(count)]


def _depths(count: int, rows: int) -> Sequence[Any]:
    deep = min(50_000, rows // 2)
    return [deep + random.randrange(1000) for _ in range(count)]


def _many(one: Callable[[int, int], Sequence[Any]]) -> Callable[[int, int], Sequence[Any]]:
    return lambda count, rows: [one(MANY, rows) for _ in range(count)]


OPERATIONS = (
    Operation("get", "get one by key", _keys, 1.10, 1.0),
    Operation("find_by_name", "find one by a unique column", _names, 1.10, 1.0),
    Operation("exists", "exists, 99 % match", _nothing, 1.10, 8.0),
    Operation("add", "add one", _new, 1.10, 1.0),
    Operation("update", "update one", _changes, 1.10, 1.7),
    Operation("upsert", "upsert one", _half_new, 1.10, 1.0),
    Operation("delete", "delete one", _keys, 1.10, 1.0),
    Operation("page_with_total", "page of 50 with total", _offsets, 1.10, 3.0),
    Operation("page_deep", "page of 50 at depth 50,000", _depths, 1.15, 15.0, 20),
    Operation("add_many", "add_many, 1,000 rows", _many(_new), 1.15, 5.0, 4),
    Operation("update_many", "update_many, 1,000 rows", _many(_changed_rows), 1.15, 4.0, 4),
    Operation("upsert_many", "upsert_many, 1,000 rows", _many(_half_new), 1.15, 10.0, 4),
    Operation("delete_many", "delete_many, 1,000 rows", _many(_keys), 1.10, 1.9, 4),
)
