"""Where the workers of one server find each other, without anybody telling them.

uvicorn, granian and hypercorn start their workers by ``multiprocessing``, so that these have the
same parent. Gunicorn forks by itself: there PROMETHEUS_MULTIPROC_DIR says where.
"""

import multiprocessing
import os
import shutil
import stat
import tempfile
from pathlib import Path

from bedplate.logging import get_logger
from bedplate.metrics.shared_files import is_alive

__all__ = ["VARIABLE", "shared_folder"]

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that prometheus_client reads too."""

_log = get_logger(__name__)
_OWNER_ONLY = 0o700


def shared_folder() -> Path | None:
    """Give the folder in which the numbers of all workers are kept; None where one process serves.

    If it cannot be had, that is logged and each worker counts for itself.
    """
    named = os.environ.get(VARIABLE)
    parent = multiprocessing.parent_process()
    try:
        if named:
            folder = Path(named)
            folder.mkdir(parents=True, exist_ok=True)
            return folder
        if parent is None or parent.pid is None:
            return None
        return _folder_of(parent.pid)
    except OSError as error:
        _log.warning(
            "each worker counts for itself: no folder to share", error=type(error).__name__
        )
        return None


def _folder_of(parent: int) -> Path:
    """Make the folder of a server's workers, and remove those of servers that have ended."""
    above = Path(tempfile.gettempdir()) / f"bedplate-metrics-{os.getuid()}"
    _make_private(above)
    name = f"{parent}-{_birth(parent)}"
    for other in above.iterdir():
        process, _, birth = other.name.partition("-")
        if process.isdecimal() and not (is_alive(int(process)) and birth == _birth(int(process))):
            shutil.rmtree(other, ignore_errors=True)
    folder = above / name
    _make_private(folder)
    return folder


def _make_private(folder: Path) -> None:
    """Make a folder that nobody else can look into; one of somebody else's is refused."""
    folder.mkdir(mode=_OWNER_ONLY, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError
    if stat.S_IMODE(found.st_mode) != _OWNER_ONLY:
        folder.chmod(_OWNER_ONLY)


def _birth(process: int) -> str:
    """Give when a process began, so that another one with its number is not taken for it."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux, or gone
        return "0"
    return text.rpartition(")")[2].split()[19]  # proc(5): field 22, in clock ticks since boot
