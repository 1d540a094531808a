"""Clocks: of the wall, or of the work that this process and its server processes really did.

A machine is shared: what others do on it makes the wall's clock run ahead, and not the second kind.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

type Clock = Callable[[], float]
"""Gives seconds from some moment on."""


def wall() -> float:
    """Give what a clock on the wall says."""
    return perf_counter()


def busy(pid: int) -> Clock:
    """Give the processor time of this process and of another one.

    Args:
        pid: the process of PostgreSQL that serves one connection, on this machine.
    """
    path = f"/proc/{pid}/schedstat"  # nanoseconds on a processor come first

    def clock() -> float:
        with open(path, "rb") as file:  # noqa: PTH123 - it is part of what is measured
            server = int(file.read().split(maxsplit=1)[0])
        return process_time() + server / 1e9

    return clock


def can_see(pid: int) -> bool:
    """Tell whether ``busy`` works for a process: on Linux, and on this machine."""
    path = Path(f"/proc/{pid}/comm")
    return path.exists() and "postgres" in path.read_text(encoding="utf-8")
