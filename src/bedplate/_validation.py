"""Messages of pydantic that are safe to show: none repeats the value it is about."""

import re
from collections.abc import Mapping
from typing import get_args

from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

_FIXED_MESSAGES = frozenset(get_args(ErrorType)) - {
    "assertion_error", "union_tag_invalid", "value_error",
}  # fmt: skip
_WORD = re.compile(r"\w{4,}")


def safe_message(fault: ErrorDetails, *, fixed: frozenset[str] = frozenset()) -> str:
    """Give the message of a validation error, or a plain one where it repeats the input.

    Args:
        fault: one entry of ``ValidationError.errors()``.
        fixed: further error types whose messages never depend on the input.
    """
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if fault["type"] in _FIXED_MESSAGES or fault["type"] in fixed:
        return message
    return "is not valid" if _repeats(message, fault.get("input")) else message


def _repeats(message: str, value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_repeats(message, item) for item in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(_repeats(message, item) for item in value)
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    text = "" if value is None else str(value).strip()
    return bool(text) and (text in message or any(word in message for word in _WORD.findall(text)))
