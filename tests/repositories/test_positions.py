"""Positions as bytes: every type of column that can be sorted by comes back as it was."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Enum as EnumColumn
from sqlalchemy import Integer, column

from bedplate.errors import InvalidCursorError
from bedplate.repositories.keyset import Position
from bedplate.repositories.ordering import SortKey


class Mood(Enum):
    GOOD = 1
    BAD = 2


class Colour(StrEnum):
    RED = "r"


def has_one_meaning(moment: datetime) -> bool:
    """Python holds a time that a clock shows twice unequal to itself in UTC (PEP 495)."""
    return moment.replace(fold=0).utcoffset() == moment.replace(fold=1).utcoffset()


PLAIN = SortKey(column("x", Integer), descending=False, nulls_first=False, nullable=True)
OF_ANY_TYPE = SortKey(column("x"), descending=False, nulls_first=False, nullable=True)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.datetimes(timezones=st.none() | st.timezones()).filter(has_one_meaning)
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.binary()
)


@given(st.lists(VALUES, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_a_position_comes_back_as_it_was(
    values: list[Any], backward: bool, inclusive: bool
) -> None:
    position = Position(tuple(values), backward, inclusive)
    back = Position.load(position.dump(), [OF_ANY_TYPE] * len(values))
    assert back == position
    assert [type(value) for value in back.values] == [type(value) for value in values]


@pytest.mark.unhappy
@pytest.mark.parametrize("member", [Mood.BAD, Colour.RED])
def test_members_of_an_enum_come_back_as_members(member: Enum) -> None:
    key = SortKey(column("x", EnumColumn(type(member))), False, False, False)
    back = Position.load(Position((member,)).dump(), [key])
    assert back.values == (member,)
    assert type(back.values[0]) is type(member)


@pytest.mark.unhappy
@pytest.mark.parametrize("value", [[1], {"a": 1}, object(), 1j])
def test_other_values_are_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        Position((value,)).dump()


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"nonsense",
        b"\xff",
        b"[]",
        b"[0]",
        b"[0,1,2]",
        b'["a",1]',
        b"{}",
        b'[0,{"uuid":"x"}]',
        b'[0,{"decimal":"x"}]',
        b'[0,{"datetime":"x"}]',
        b'[0,{"unknown":"x"}]',
        b'[0,{"enum":"RED"}]',
        b'[0,{"uuid":1}]',
        b'[0,{"a":"b","c":"d"}]',
        b"[0,{}]",
    ],
)
@pytest.mark.parametrize("key", [PLAIN, OF_ANY_TYPE])
def test_bytes_that_do_not_fit_the_order_are_refused(payload: bytes, key: SortKey) -> None:
    with pytest.raises(InvalidCursorError):
        Position.load(payload, [key])


@pytest.mark.unhappy
def test_a_member_that_an_enum_has_lost_is_refused() -> None:
    key = SortKey(column("x", EnumColumn(Colour)), False, False, False)
    with pytest.raises(InvalidCursorError):
        Position.load(b'[0,{"enum":"BLUE"}]', [key])


@pytest.mark.unhappy
def test_kinds_of_moments_are_not_confused() -> None:
    values = (
        datetime.fromisoformat("2026-01-01"),
        date(2026, 1, 1),
        time(1),
        timedelta(1),
        Decimal("1.10"),
    )
    back = Position.load(Position(values).dump(), [OF_ANY_TYPE] * 5)
    assert [str(value) for value in back.values] == [str(value) for value in values]
