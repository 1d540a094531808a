"""Kinds of values that clients send, bounded so that the database can hold whatever passes."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints
from pydantic.fields import FieldInfo

__all__ = ["Amount", "Integer", "JsonObject", "Line", "Prose", "amount_of", "line_of"]


def line_of(length: int) -> StringConstraints:
    """Give the rules of a text without line ends.

    ``Annotated[str, line_of(80)]`` is a text of at most 80 characters. Blanks around it are taken
    away, and something must be left.

    Args:
        length: how many characters it may have.
    """
    return StringConstraints(
        strip_whitespace=True, min_length=1, max_length=length, pattern=r"^[^\n\r]*\S[^\n\r]*$"
    )


def amount_of(digits: int, places: int) -> FieldInfo:
    """Give the rules of a decimal number.

    ``Annotated[Decimal, amount_of(12, 4)]`` has at most 12 digits, 4 of them after the point.

    Args:
        digits: how many it may have, all together.
        places: how many of them after the point.
    """
    rules: FieldInfo
    if digits == places:  # pydantic would count the 0 of "0" as a digit before the point
        rules = Field(gt=-1, lt=1, decimal_places=places)
    else:
        rules = Field(max_digits=digits, decimal_places=places)
    return rules


Line = Annotated[str, line_of(200)]
"""A name, a title: for ``String(200)``."""

Prose = Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=r"\S")]
"""A text of any number of lines: for ``Text``."""

Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""A whole number: for ``BigInteger``."""

Amount = Annotated[Decimal, amount_of(18, 2)]
"""A sum of money, or what else is counted in hundredths: for ``Numeric(18, 2)``."""

JsonObject = dict[str, JsonValue]
"""An object of anything that JSON has: for ``JSONB``."""
