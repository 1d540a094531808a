"""bedplate._validation"""

from typing import Any

import pytest
from pydantic import SecretStr

from bedplate._validation import safe_message


def fault(kind: str, message: str, value: Any) -> Any:
    return {"type": kind, "loc": (), "msg": message, "input": value}


def test_messages_of_pydantics_own_are_kept() -> None:
    kept = safe_message(fault("greater_than_equal", "Input should be at least 18", 1))
    assert kept == "Input should be at least 18"


def test_messages_of_validators_are_kept_while_they_quote_nothing() -> None:
    kept = safe_message(fault("value_error", "Value error, must be even", 3))
    assert kept == "must be even"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "value",
    ["canary", ["x", "canary"], {"a": {"b": "canary"}}, SecretStr("canary"), ("canary",), "the canary bird", {"canary"}],
)  # fmt: skip
def test_messages_that_repeat_any_part_of_the_input_are_replaced(value: Any) -> None:
    assert safe_message(fault("value_error", "Value error, canary is bad", value)) == "is not valid"


@pytest.mark.unhappy
@pytest.mark.parametrize("kind", ["assertion_error", "union_tag_invalid", "custom_of_a_service"])
def test_kinds_that_may_quote_are_not_trusted(kind: str) -> None:
    assert safe_message(fault(kind, "Assertion failed, 'canary' found", "canary")) == "is not valid"


@pytest.mark.unhappy
def test_kinds_that_the_caller_vouches_for_are_kept() -> None:
    kept = safe_message(fault("own", "holds *", "*"), fixed=frozenset({"own"}))
    assert kept == "holds *"


@pytest.mark.unhappy
@pytest.mark.parametrize("value", [None, "", "  "])
def test_nothing_repeats_nothing(value: Any) -> None:
    assert safe_message(fault("value_error", "Value error, empty", value)) == "empty"
