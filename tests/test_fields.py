"""Kinds of values: what passes, what is made of it, and that the schema tells it."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from bedplate.fields import Amount, Integer, JsonObject, Line, Prose, amount_of, line_of

SHORT = Annotated[str, line_of(3)]
RATE = Annotated[Decimal, amount_of(5, 4)]
SHARE = Annotated[Decimal, amount_of(4, 4)]


@pytest.mark.parametrize(
    ("kind", "value", "passed"),
    [
        (Line, "  Ada  Lovelace ", "Ada  Lovelace"),
        (Line, "x" * 200, "x" * 200),
        (SHORT, " abc ", "abc"),
        (Prose, " two\nlines ", " two\nlines "),
        (Integer, -(2**63), -(2**63)),
        (Amount, "9999999999999999.99", Decimal("9999999999999999.99")),
        (Amount, 12, Decimal(12)),
        (RATE, "0.1234", Decimal("0.1234")),
        (SHARE, "0", Decimal(0)),
        (SHARE, "-0.9999", Decimal("-0.9999")),
        (JsonObject, {"a": [1, None, {"b": True}]}, {"a": [1, None, {"b": True}]}),
    ],
)
def test_what_the_database_can_hold_passes(kind: Any, value: object, passed: object) -> None:
    assert TypeAdapter(kind).validate_python(value) == passed


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((Line, value) for value in ("", " ", "\t\n", "two\nlines", "x" * 201, 7, None)),
        (SHORT, "abcd"),
        *((Prose, value) for value in ("", " \n", "x" * 20_001)),
        *((Integer, number) for number in (2**63, -(2**63) - 1, "many", 1.5)),
        *((Amount, value) for value in ("1.234", "10000000000000000", "NaN", "inf", "1E+1000000")),
        (RATE, "12.1234"),
        *((SHARE, value) for value in ("1", "-1", "0.12345", "1.0", "NaN", "inf")),
        (JsonObject, []),
        (JsonObject, "x"),
        (JsonObject, {"a": object()}),
    ],
)
def test_what_it_cannot_hold_is_refused(kind: Any, value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


@pytest.mark.unhappy
def test_the_documentation_tells_the_bounds() -> None:
    told = TypeAdapter(Line).json_schema()
    assert (told["minLength"], told["maxLength"]) == (1, 200)
    assert "pattern" in told
    assert TypeAdapter(Prose).json_schema()["maxLength"] == 20_000
    assert TypeAdapter(Integer).json_schema()["minimum"] == -(2**63)
