"""JSON without what parsers disagree about: duplicate names, NaN, other encodings than UTF-8."""

import json
from typing import Any


def loads_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object (RFC 8259, as narrowed by RFC 7493).

    Args:
        data: the object in UTF-8, without a byte order mark.

    Raises:
        ValueError: it is anything else; the message carries nothing of the data.
    """
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return value
    raise ValueError("This is not a strict JSON object.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("A name stands there twice.")
    return members


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON.")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)
