"""Pages of a listing: by offset, or by a signed cursor that costs the same at any depth."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bedplate.errors import InvalidCursorError

__all__ = ["CursorCodec", "CursorPage", "CursorParams", "Page", "PageParams", "sort_by"]

MAX_LIMIT = 100
MAX_OFFSET = 1_000_000
MAX_CURSOR = 4096
"""Longest cursor that is looked at, in characters."""


def sort_by(default: str, *others: str) -> Any:  # noqa: ANN401 - the default of a field
    """Declare the ``sort`` of a listing: columns of the model, or what the repository declares.

    ::

        class OrderListParams(CursorParams):
            sort: str = sort_by("-created_at", "total")  # either of them, in both directions

    Args:
        default: the order when the client asks for none; with a ``-`` before it descending.
        others: by what else a client may sort.
    """
    names = dict.fromkeys(name.removeprefix("-") for name in (default, *others))
    both = [*names, *(f"-{name}" for name in names)]
    pattern = f"^-?({'|'.join(map(re.escape, names))})$"
    return Field(default=default, pattern=pattern, json_schema_extra={"enum": list(both)})


class PageParams(BaseModel):
    """What a client asks of a listing by offset; subclass it to declare sort and filters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=50, ge=1, le=MAX_LIMIT, description="How many items.")
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET, description="How many items to pass over.")
    total: bool = Field(default=False, description="Whether to count all items.")


class CursorParams(BaseModel):
    """What a client asks of a listing by cursor; subclass it to declare sort and filters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=50, ge=1, le=MAX_LIMIT, description="How many items.")
    cursor: str | None = Field(
        default=None, max_length=MAX_CURSOR, description="next_cursor or previous_cursor of a page."
    )
    total: bool = Field(default=False, description="Whether to count all items.")


class Page[T](BaseModel):
    """One page of a listing by offset."""

    model_config = ConfigDict(arbitrary_types_allowed=True, from_attributes=True)

    items: list[T]
    limit: int
    offset: int
    has_more: bool
    total: int | None = None

    def map[U](self, convert: Callable[[T], U]) -> "Page[U]":
        """Give the same page of converted items."""
        return Page(
            items=[convert(item) for item in self.items],
            limit=self.limit,
            offset=self.offset,
            has_more=self.has_more,
            total=self.total,
        )


class CursorPage[T](BaseModel):
    """One page of a listing by cursor; a cursor that is None has nothing behind it."""

    model_config = ConfigDict(arbitrary_types_allowed=True, from_attributes=True)

    items: list[T]
    next_cursor: str | None = None
    previous_cursor: str | None = None
    has_more: bool = False
    total: int | None = None

    def map[U](self, convert: Callable[[T], U]) -> "CursorPage[U]":
        """Give the same page of converted items."""
        return CursorPage(
            items=[convert(item) for item in self.items],
            next_cursor=self.next_cursor,
            previous_cursor=self.previous_cursor,
            has_more=self.has_more,
            total=self.total,
        )


class CursorCodec:
    """Signs a position in a listing, so that only positions this service gave come back.

    A cursor is readable (Base64) but not forgeable: version, keyed BLAKE2b (RFC 7693 section 2.9),
    payload. The context, which names the listing, is signed and not carried.

    Args:
        key: at least 16 bytes; a new key makes all earlier cursors invalid.
    """

    _VERSION = b"\x01"
    _SIGNATURE_BYTES = 16

    def __init__(self, key: bytes) -> None:
        if len(key) < self._SIGNATURE_BYTES:
            raise ValueError(f"the key has {len(key)} bytes; at least 16 are needed")
        # Of any length, and of no use for anything else.
        self._key = hashlib.blake2b(key, digest_size=32, person=b"bedplate.cursors").digest()

    def encode(self, payload: bytes, context: bytes) -> str:
        """Give the cursor of a position.

        Args:
            payload: the position.
            context: what the position is bound to: the listing, its order and its filters.
        """
        raw = self._VERSION + self._sign(payload, context) + payload
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")

    def decode(self, cursor: str, context: bytes) -> bytes:
        """Give back the position of a cursor.

        Raises:
            InvalidCursorError: when it is not one that ``encode`` gave for this context.
        """
        if len(cursor) > MAX_CURSOR:
            raise InvalidCursorError
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidCursorError from error
        start = len(self._VERSION) + self._SIGNATURE_BYTES
        version, signature, payload = raw[:1], raw[1:start], raw[start:]
        if version != self._VERSION or not hmac.compare_digest(
            signature, self._sign(payload, context)
        ):
            raise InvalidCursorError
        return payload

    def _sign(self, payload: bytes, context: bytes) -> bytes:
        message = self._VERSION + len(context).to_bytes(8, "big") + context + payload
        return hashlib.blake2b(message, key=self._key, digest_size=self._SIGNATURE_BYTES).digest()
