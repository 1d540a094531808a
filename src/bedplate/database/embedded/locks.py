"""Advisory file locks (flock): held by an open file, so the kernel frees them after a kill -9."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bedplate.database.embedded.errors import EmbeddedPostgresError

_PAUSE = 0.02


def open_lock(path: Path) -> int:
    """Open a lock file, making it if missing, and give its descriptor, not yet locked."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock if that is possible at once, and tell whether it was."""
    import fcntl  # not on Windows

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path, *, timeout: float) -> Iterator[None]:
    """Hold a lock file exclusively for the length of a block.

    Args:
        path: the lock file, made if missing.
        timeout: seconds to wait for another holder.

    Raises:
        EmbeddedPostgresError: another process held it all that time.
    """
    import fcntl  # not on Windows

    descriptor = open_lock(path)
    try:
        deadline = time.monotonic() + timeout
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    "Another process has been starting or stopping the embedded PostgreSQL for"
                    f" {timeout:.0f} s; it holds {path}."
                )
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            # A process forked meanwhile shares this open file: closing alone would not unlock.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)
