"""UUID version 7: sorted by time, so that new rows land at the end of their index."""

import os
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from uuid import UUID, SafeUUID

__all__ = ["uuid7"]

_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)
_STEP = 1 << 32
_TAILS = 512


class _Generator:
    """A 48-bit millisecond clock, a 42-bit counter and 32 random bits (RFC 9562 section 6.2)."""

    def __init__(self) -> None:
        self._begin_anew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        """Forget everything: a forked process must not go on with what its parent has drawn."""
        self._lock = threading.Lock()
        self._milliseconds = self._next = self._end = 0
        self._tails: Iterator[int] = iter(())

    def __call__(self) -> UUID:
        """Give a UUID that is greater than all that this process made before."""
        now = time.time_ns() // 1_000_000
        with self._lock:
            if now > self._milliseconds:
                self._begin(now)
            elif self._next == self._end:  # a clock that stands still or goes back
                self._begin(self._milliseconds + 1)
            made = self._next
            self._next += _STEP
            tail = next(self._tails, None)
            if tail is None:  # drawn together: one by one they would cost more than all the rest
                self._tails = iter(memoryview(os.urandom(4 * _TAILS)).cast("I"))
                tail = next(self._tails)
        return _from_int(made | tail)

    def _begin(self, milliseconds: int) -> None:
        """Start the counter at random, its 30th bit clear: room for 2**29 steps."""
        counter = secrets.randbits(41)
        high, low = counter >> 29, counter & 0x1FFF_FFFF
        self._milliseconds = milliseconds
        self._next = (milliseconds << 80) | _VERSION_AND_VARIANT | (high << 64) | (low << 32)
        self._end = ((self._next >> 62) + 1) << 62


def _from_int(number: int) -> UUID:
    """Make it without checks of what it is made of, as Python 3.14 makes its own."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", number)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


if sys.version_info >= (3, 14):
    from uuid import uuid7
else:
    _generate = _Generator()

    def uuid7() -> UUID:
        """Give a new UUID version 7 (RFC 9562 section 5.7), increasing within this process."""
        return _generate()
