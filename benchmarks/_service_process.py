"""Servers as processes of their own, and what the kernel knows of them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import perf_counter, sleep
from typing import Self

PATIENCE = 60
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server on a port, from the start of its process to the end of it.

    Args:
        command: what serves.
        port: where.
        folder: where it is run.
        env: the whole of its environment.
    """

    def __init__(
        self, command: Sequence[str], port: int, folder: Path, env: Mapping[str, str]
    ) -> None:
        self.command, self.port, self.folder, self.env = command, port, folder, env
        self.start_seconds = 0.0
        self.start_cpu = 0.0

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()  # its records are written, as they are in production
        began = perf_counter()
        self._process = subprocess.Popen(
            self.command, cwd=self.folder, env=self.env, stdout=self._log, stderr=self._log
        )
        while not self._is_live():
            if self._process.poll() is not None or perf_counter() - began > PATIENCE:
                self._process.kill()
                self._log.seek(0)
                sys.exit(f"{self.command} does not serve:\n{self._log.read().decode()}")
            sleep(0.005)
        self.start_seconds = perf_counter() - began
        self.start_cpu = self.cpu()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:  # what it last said may tell why
            self._log.seek(0)
            sys.stderr.write(self._log.read().decode()[-2000:])
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._log.close()

    def cpu(self) -> float:
        """Give the seconds of processor time that all its threads have taken."""
        return cpu([self._process.pid])

    def memory(self) -> dict[str, float]:
        """Give MiB: its proportional share (PSS) of what is in memory, and all of it (RSS)."""
        lines = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines()
        found = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
        return {"pss": int(found["Pss"]) / 1024, "rss": int(found["Rss"]) / 1024}

    def _is_live(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def cpu(pids: Iterable[int]) -> float:
    """Give the seconds of processor time that processes have taken; one that ended took none."""
    return sum(map(_ticks, pids)) / _TICKS


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except FileNotFoundError:
        return 0
    return int(fields[11]) + int(fields[12])
