"""Numbers that the workers of one server keep together, so that each can show those of all.

The files are those of prometheus_client's multi-process mode, which also adds them up; ours stand
beside its own without being the same.
"""

import os
import re
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["SharedFiles", "is_alive"]

_OURS = re.compile(r"_bedplate-(\d+)-[0-9a-f]+\.db")


class SharedFiles:
    """What this process writes of its numbers, and how those of all are read.

    Args:
        folder: where; only these processes write to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, MmapedDict] = {}

    def start_anew(self) -> None:
        """Go on with files of this process's own; what was written stays as it is."""
        for file in self._open.values():
            file.close()
        self._lock = threading.Lock()
        self._open = {}

    def key(self, name: str, suffix: str, labels: dict[str, str], text: str) -> str:
        """Give the key under which a cell is written."""
        return str(mmap_key(name, name + suffix, list(labels), list(labels.values()), text))

    def write(self, kind: str, key: str, value: float) -> None:
        """Write one cell.

        Args:
            kind: ``histogram``, ``counter`` or ``gauge_livesum``, the sum over processes that live.
            key: what ``key`` gave.
            value: the number.
        """
        with self._lock:
            file = self._open.get(kind)
            if file is None:
                file = self._open[kind] = self._begin(kind)
            file.write_value(key, value, 0.0)

    def _begin(self, kind: str) -> MmapedDict:
        """Make a file under a name that none had before, and show it once it can be read."""
        path = self.folder / f"{kind}_bedplate-{os.getpid()}-{secrets.token_hex(4)}.db"
        hidden = path.with_suffix(".new")
        file = MmapedDict(str(hidden))
        hidden.rename(path)
        return file

    def collect(self) -> Iterable[Metric]:
        """Give the numbers of all processes; gauges of those that have ended are gone."""
        for path in self.folder.glob("gauge_live*.db"):
            match = _OURS.search(path.name)
            if match is not None and not is_alive(int(match[1])):
                path.unlink(missing_ok=True)
        metrics: Iterable[Metric] = MultiProcessCollector(None, str(self.folder)).collect()
        return metrics


def is_alive(process: int) -> bool:
    """Tell whether there is such a process, whoever owns it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
