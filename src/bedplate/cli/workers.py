"""Several processes that serve one socket: uvicorn's supervisor, in our words and with our server."""

import logging
import os
import signal
import socket
import threading
import time
from multiprocessing import connection, parent_process
from typing import override

from uvicorn.supervisors.multiprocess import Multiprocess, Process

from bedplate.cli.errors import ExitCode
from bedplate.cli.server import Announcer, Server

__all__ = ["Workers"]

_records = logging.getLogger("uvicorn.error")
_LONGEST_PAUSE = 30.0
_LOOK = 0.1


class _Worker(Process):
    """A process that serves; it leaves in good order when the one that started it is gone."""

    def __init__(self, server: Server, sockets: list[socket.socket]) -> None:
        super().__init__(server.config, sockets)
        self._server = server
        self.has_served = False

    @override
    def target(self, sockets: list[socket.socket] | None = None) -> None:
        threading.Thread(target=_leave_with_the_parent, daemon=True).start()
        super().target(sockets)


def _leave_with_the_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


class Workers(Multiprocess):
    """Starts workers, replaces those that die, and ends all of them when a signal asks for it.

    The first one starts alone: what keeps an application from starting is told once. A worker that
    dies is replaced at once; one that does not start again is tried after a pause that grows.

    Args:
        server: what each worker runs, not started yet; it is told to say nothing by itself.
        announcer: told when the first worker accepts connections, when one has died, and at the end.
        sockets: bound, shared by all.
        number: of workers.
    """

    def __init__(
        self,
        server: Server,
        announcer: Announcer,
        sockets: list[socket.socket],
        *,
        number: int,
    ) -> None:
        _records.setLevel(logging.CRITICAL)  # all of it is told in our words
        server.config.workers = number
        super().__init__(server.config, sockets)
        self.processes: list[_Worker] = []  # type: ignore[assignment] # ours are of a kind of their own
        self._template = server
        self._announcer = announcer
        self._failures = 0
        self._try_again_at = 0.0
        self.exit_code: int = ExitCode.DONE

    @override
    def init_processes(self) -> None:
        first = self._start()
        self.processes.append(first)
        while not first.is_ready(timeout=1):
            self.handle_signals()
            if self.should_exit.is_set():
                return
            if not first.process.is_alive():
                self._give_up(first)
                return
            time.sleep(_LOOK)
        first.has_served = True
        self.processes += [self._start() for _ in range(self.processes_num - 1)]
        self._announcer.serving()

    @override
    def keep_subprocess_alive(self) -> None:
        for place, worker in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if not worker.has_served and worker.process.is_alive():  # it is starting
                worker.has_served = worker.is_ready(timeout=_LOOK)
                continue
            if worker.is_alive(timeout=self.config.timeout_worker_healthcheck):
                continue
            if time.monotonic() < self._try_again_at:
                continue
            self._replace(place, worker)

    def _replace(self, place: int, worker: _Worker) -> None:
        worker.kill()  # it may only have stopped to answer
        worker.join()
        if not worker.has_served:
            if not any(other.has_served for other in self.processes if other is not worker):
                self._give_up(worker)
                return
            self._failures += 1
            pause = min(_LONGEST_PAUSE, 2.0**self._failures)
            self._try_again_at = time.monotonic() + pause
        else:
            self._failures = 0
        self._announcer.worker_died(worker.pid, worker.exitcode)
        self.processes[place] = self._start()

    @override
    def terminate_all(self) -> None:
        if any(worker.has_served for worker in self.processes):
            self._announcer.stopping()
        for worker in self.processes:
            # after a Ctrl+C of a terminal they have SIGINT already; this is no second one
            worker.terminate()

    def handle_hup(self) -> None:
        """Leave, as one process does when its terminal is closed."""
        self.should_exit.set()

    def handle_ttin(self) -> None:
        """Stay as many: the connections are counted."""

    def handle_ttou(self) -> None:
        """Stay as many."""

    def _start(self) -> _Worker:
        worker = _Worker(self._template, self.sockets)
        worker.start()
        return worker

    def _give_up(self, worker: _Worker) -> None:
        """End all, with the exit code of a worker that has said why it does not start."""
        self.exit_code = max(worker.exitcode or 0, ExitCode.FAILURE)  # below 0 a signal ended it
        self.should_exit.set()
