"""UUID version 7: sorted by time, so that new rows land at the end of their index."""

import secrets
import sys
import threading
import time
from uuid import UUID

__all__ = ["uuid7"]

_MAX_COUNTER = 0x3FF_FFFF_FFFF
_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)


class _Generator:
    """A 48-bit millisecond clock, a 42-bit counter and 32 random bits (RFC 9562 section 6.2)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._counter = 0

    def __call__(self) -> UUID:
        """Give a UUID that is greater than all that this process made before."""
        now = time.time_ns() // 1_000_000
        with self._lock:
            milliseconds, counter = self._advance(now)
        return UUID(
            int=(milliseconds << 80)
            | _VERSION_AND_VARIANT
            | ((counter >> 30) << 64)
            | ((counter & 0x3FFF_FFFF) << 32)
            | secrets.randbits(32)
        )

    def _advance(self, now: int) -> tuple[int, int]:
        """Move the state on; a clock that stands still or goes back only moves the counter."""
        if now > self._milliseconds:
            self._milliseconds, self._counter = now, _fresh_counter()
        elif self._counter < _MAX_COUNTER:
            self._counter += 1
        else:
            self._milliseconds, self._counter = self._milliseconds + 1, _fresh_counter()
        return self._milliseconds, self._counter


def _fresh_counter() -> int:
    """Start at random with the top bit clear: room for 2**41 steps (RFC 9562 section 6.2)."""
    return secrets.randbits(41)


if sys.version_info >= (3, 14):
    from uuid import uuid7
else:
    _generate = _Generator()

    def uuid7() -> UUID:
        """Give a new UUID version 7 (RFC 9562 section 5.7), increasing within this process."""
        return _generate()
