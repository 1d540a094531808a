"""Make any value safe to write: no secrets, no control characters, only JSON's types, bounded."""

import itertools
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from bedplate.logging.keys import is_sensitive_key
from bedplate.logging.patterns import REDACTED, redact_patterns

MAX_DEPTH = 6
MAX_ITEMS = 100
MAX_TEXT = 4_000
MAX_TRACEBACK = 30_000
MAX_SCANNED = 300_000
_BIGGEST_INT = 2**63
_LONGEST_INT_BITS = 512
_MAX_KNOWN_KEYS = 4096
_MAX_KEY = 256
_MAX_KNOWN_TEXTS = 4096
_MAX_KNOWN_LENGTH = 64

type Json = str | int | float | bool | list[Json] | dict[str, Json] | None

# C0 and C1 controls, line and paragraph separators, text-direction overrides, lone surrogates
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_CONTROLS_BUT_NEWLINE = re.compile(_CONTROLS.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
_LAST_OF_LATIN_1 = 0xFF
_NAMED_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

# bounded memories: the same names and short values come again and again
_known_keys: dict[object, tuple[str, bool]] = {}
_known_safe: set[str] = set()


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if code > _LAST_OF_LATIN_1:
        return f"\\u{code:04x}"
    return _NAMED_ESCAPES.get(character) or f"\\x{code:02x}"


def redact_text(text: str) -> str:
    """Hide what looks like a secret, escape control characters, cut what is too long."""
    if text in _known_safe:
        return text
    if len(text) > MAX_SCANNED:
        return f"<{len(text)} characters>"
    redacted = redact_patterns(text)
    if len(redacted) > MAX_TEXT:  # after the patterns: half a secret would not be recognised
        redacted = _shorten(redacted, MAX_TEXT)
    if not redacted.isprintable():
        redacted = _CONTROLS.sub(_escape, redacted)
    if redacted == text and len(text) <= _MAX_KNOWN_LENGTH:
        if len(_known_safe) >= _MAX_KNOWN_TEXTS:
            _known_safe.clear()
        _known_safe.add(text)
    return redacted


def redact_traceback(text: str) -> str:
    """Like ``redact_text``, but lines stay lines."""
    if len(text) > MAX_SCANNED:
        return f"<{len(text)} characters>"
    text = redact_patterns(text)
    if len(text) > MAX_TRACEBACK:
        text = _shorten(text, MAX_TRACEBACK)
    return _CONTROLS_BUT_NEWLINE.sub(_escape, text)


def _shorten(text: str, limit: int) -> str:
    half = limit // 2
    return f"{text[:half]} [...{len(text) - 2 * half} characters...] {text[-half:]}"


def redact(fields: Mapping[str, object]) -> dict[str, Json]:
    """Make the fields of a record safe: see the module.

    Values under sensitive names vanish whatever they are; an object of an unknown type shows its
    class only, since its repr may show anything.
    """
    safe: dict[str, Json] = {}
    redact_into(safe, fields)
    return safe


def redact_into(
    safe: dict[str, Json], fields: Mapping[str, object], depth: int = MAX_DEPTH
) -> None:
    """Add redacted fields to a record; none replaces what the record holds already."""
    if len(fields) > MAX_ITEMS:
        safe["..."] = f"{len(fields) - MAX_ITEMS} more"
        fields = dict(itertools.islice(fields.items(), MAX_ITEMS))
    for key, value in fields.items():
        name, sensitive = _known_keys.get(key) or _learn_key(key)
        while name in safe:
            name = f"field_{name}"
        kind = type(value)
        if sensitive and value is not None:
            safe[name] = REDACTED
        elif kind is str and value in _known_safe:  # the common case, without a call
            safe[name] = value
        else:
            safe[name] = redact_value(value, depth)


def _learn_key(key: object) -> tuple[str, bool]:
    text = str(key) if isinstance(key, (str, int, float, UUID)) else type(key).__name__
    learnt = (redact_text(text[:_MAX_KEY]), is_sensitive_key(text))
    if type(key) is str and len(key) <= _MAX_KEY and len(_known_keys) < _MAX_KNOWN_KEYS:
        _known_keys[key] = learnt
    return learnt


def redact_value(value: object, depth: int = MAX_DEPTH) -> Json:  # noqa: PLR0911 - one line a type
    """Make one value safe."""
    kind = type(value)
    if kind is str:
        return redact_text(value)  # type: ignore[arg-type]
    if kind is bool or value is None:
        return value  # type: ignore[return-value]
    if kind is float:
        return value if math.isfinite(value) else str(value)  # type: ignore[arg-type, return-value]
    if kind is int:
        return value if -_BIGGEST_INT <= value < _BIGGEST_INT else _big(value)  # type: ignore[operator, arg-type, return-value]
    if isinstance(value, str):  # a subclass, whose own __str__ may say anything
        return redact_text(str.__str__(value))
    if isinstance(value, (int, float)):
        return redact_value(int(value) if isinstance(value, int) else float(value), depth)
    return _redact_object(value, depth)


def _redact_object(value: object, depth: int) -> Json:
    if isinstance(value, Enum):
        return redact_value(value.value, depth)
    if isinstance(value, (UUID, Decimal, datetime, date, time, timedelta, PurePath)):
        return redact_text(str(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, BaseException):
        return redact_text(f"{type(value).__name__}: {value}")
    return _redact_container(value, depth)


def _redact_container(value: object, depth: int) -> Json:
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return f"<{type(value).__name__}>"
    if depth == 0:
        return "[too deep]"
    if isinstance(value, Mapping):
        nested: dict[str, Json] = {}
        redact_into(nested, value, depth - 1)
        return nested
    items = [
        redact_value(item, depth - 1) for _, item in zip(range(MAX_ITEMS), value, strict=False)
    ]
    return [*items, f"{len(value) - MAX_ITEMS} more"] if len(value) > MAX_ITEMS else items


def _big(number: int) -> str:
    return (
        str(number) if number.bit_length() < _LONGEST_INT_BITS else f"<{number.bit_length()} bits>"
    )
