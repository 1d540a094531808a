"""Numbers that the workers of one server keep together, so that each can show those of all.

The files are those of prometheus_client's multi-process mode, which also adds them up; ours stand
beside its own without being the same.
"""

import os
import re
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["SharedFiles", "is_alive"]

_OURS = re.compile(r"_bedplate-(\d+)-[0-9a-f]+\.db")
_LOCK, _JOURNAL = "bedplate.lock", "bedplate.merging"
_NOBODY = 0  # the process of a file into which others were merged
_ADDED_UP = ("histogram", "counter")


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
        """Give the numbers of all processes.

        Of those that have ended, gauges are gone, and the rest is merged into one file: workers that
        come and go leave no more behind than one does.
        """
        with _locked(self.folder):
            self._finish_merging()
            for path in self._of_the_ended("gauge_livesum"):
                path.unlink(missing_ok=True)
            for kind in _ADDED_UP:
                ended = self._of_the_ended(kind)
                if len(ended) > 1:
                    self._merge(kind, ended)
            metrics: Iterable[Metric] = MultiProcessCollector(None, str(self.folder)).collect()
        return metrics

    def _of_the_ended(self, kind: str) -> list[Path]:
        found = [(path, _OURS.search(path.name)) for path in self.folder.glob(f"{kind}_*.db")]
        return [path for path, ours in found if ours is not None and not is_alive(int(ours[1]))]

    def _merge(self, kind: str, ended: list[Path]) -> None:
        """Put files that nobody writes to into one; cut off anywhere, no number is lost or doubled."""
        sums: dict[str, float] = {}
        for path in ended:
            for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)):
                sums[key] = sums.get(key, 0.0) + value
        merged = self.folder / f"{kind}_bedplate-{_NOBODY}-{secrets.token_hex(4)}.db"
        file = MmapedDict(str(merged.with_suffix(".new")))
        for key, value in sums.items():
            file.write_value(key, value, 0.0)
        file.close()
        plan = self.folder / f"{_JOURNAL}.new"
        plan.write_text("\n".join(path.name for path in (merged, *ended)), encoding="utf-8")
        plan.rename(self.folder / _JOURNAL)
        merged.with_suffix(".new").rename(merged)
        self._finish_merging()

    def _finish_merging(self) -> None:
        """Remove what was merged, if the result is there; else what had begun."""
        journal = self.folder / _JOURNAL
        if not journal.exists():
            return
        merged, *ended = (
            self.folder / name for name in journal.read_text(encoding="utf-8").split("\n")
        )
        for path in ended if merged.exists() else [merged.with_suffix(".new")]:
            path.unlink(missing_ok=True)
        journal.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time read and merge."""
    import fcntl  # not on Windows, where nothing is shared

    with (folder / _LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_alive(process: int) -> bool:
    """Tell whether there is such a process, whoever owns it; 0 is none."""
    if process == _NOBODY:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
