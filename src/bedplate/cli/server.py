"""uvicorn, told to announce itself when it accepts and to leave in good order."""

import asyncio
import logging
import signal
import socket
import threading
import time
from dataclasses import dataclass
from types import FrameType

from bedplate._extras import missing_extra
from bedplate.cli.application import Application, WatchedApp
from bedplate.cli.boundary import guarded, ignore_signals, leave_at_once
from bedplate.cli.collector import collector_paused, settle_collector
from bedplate.cli.console import note, say
from bedplate.cli.errors import ExitCode
from bedplate.cli.sockets import refused
from bedplate.context import current_context
from bedplate.logging import get_logger

try:
    import uvicorn
except ImportError as error:
    raise missing_extra("cli", "uvicorn") from error

GRACE = 20.0
"""Seconds that requests in flight may take after the listener has closed."""
_UNWINDING = 1.0  # seconds that what was cut off may take to clean up behind itself

_records = logging.getLogger("uvicorn.error")
_log = get_logger("bedplate.serve")
_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Announcer:
    """What the server says: lines for people, or records where logs are for machines."""

    address: str
    docs: bool
    as_log: bool
    workers: int = 1
    silent: bool = False
    """Whether another process speaks for this one."""

    def serving(self) -> None:
        """Say that connections are accepted."""
        if self.silent:
            return
        several = self.workers > 1
        if self.as_log:
            _log.info(
                "serving", address=self.address, **({"workers": self.workers} if several else {})
            )
            return
        say(f"Serving on {self.address}" + (f" with {self.workers} workers" if several else ""))
        if self.docs:
            say(f"API documentation on {self.address}/docs")
        say("Stop it with Ctrl+C.")

    def stopping(self) -> None:
        """Say that no more connections are accepted."""
        if self.silent:
            return
        if self.as_log:
            _log.info("stopping", address=self.address)
        else:
            note("Stopping: requests in flight finish first.")

    def worker_died(self, process: int | None, exit_code: int | None) -> None:
        """Say that one of several processes has ended by itself, and is replaced.

        Args:
            process: its number.
            exit_code: how it ended; below 0 the number of a signal.
        """
        if self.as_log:
            _log.warning("worker_died", process=process, exit_code=exit_code)
        else:
            note(f"Worker {process} has ended ({exit_code}); another one takes its place.")


class Server(uvicorn.Server):
    """One process that serves one application on a socket that is bound already."""

    def __init__(
        self,
        application: Application,
        announcer: Announcer,
        *,
        drain: float,
        grace: float = GRACE,
        debug: bool,
    ) -> None:
        """Prepare; nothing is imported or started yet, so that this can go to another process.

        Args:
            application: makes the application.
            announcer: is told when connections are accepted, and when no more are.
            drain: seconds to go on accepting after SIGTERM while readiness already answers 503,
                so that whoever balances the load has time to look elsewhere.
            grace: seconds that requests in flight may take after that.
            debug: whether failures show their traceback.
        """
        super().__init__(
            uvicorn.Config(
                application,
                factory=True,
                lifespan="auto",
                log_config=None,  # the application's own logging shows uvicorn's records
                access_log=False,  # the application writes its own
                server_header=False,
                timeout_graceful_shutdown=grace,  # type: ignore[arg-type] # it waits for any number
            )
        )
        self._announcer = announcer
        self._drain = drain
        self._debug = debug
        self._leave_at: float | None = None
        self._cut_off = False
        self.hangs = False
        """Whether requests were cut off: a thread of theirs may go on, which nothing can end."""
        self._loop: asyncio.AbstractEventLoop | None = None

    @collector_paused()
    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, until a signal ends it; for a process of its own."""
        exit_code = guarded(lambda: self.run_here(sockets or []), debug=self._debug)
        if self.hangs:
            leave_at_once()
        if exit_code != ExitCode.DONE:
            raise SystemExit(exit_code)

    def run_here(self, sockets: list[socket.socket]) -> int:
        """Serve until a signal ends it, and give the exit code.

        Raises:
            CommandError: the application does not start, or the port was taken meanwhile.
        """
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self.handle_exit)  # uvicorn does it for the other two
        _records.setLevel(logging.CRITICAL)  # a failed start is told by our exception
        try:
            self._run(sockets)
        except SystemExit as exit_:  # how uvicorn says that the application did not start
            watched = self._watched()
            if watched is not None and not self.started:
                raise watched.describe_failure() from exit_
            raise
        finally:
            ignore_signals(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        return ExitCode.DONE

    def _run(self, sockets: list[socket.socket]) -> None:
        """Run the loop, and close it without waiting for what does not end."""
        runner = asyncio.Runner(loop_factory=self.config.get_loop_factory())
        try:
            runner.run(self.serve(sockets))
        finally:
            closing = threading.Thread(target=runner.close, daemon=True)
            closing.start()
            closing.join(_UNWINDING if self.hangs else None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then accept connections and say so."""
        self._loop = asyncio.get_running_loop()
        self._listen_once_started(sockets or [])
        try:
            await super().startup(sockets)
        except OSError as error:
            await self.lifespan.shutdown()
            host, port = (sockets or [])[0].getsockname()[:2]
            raise refused(error, host, port) from error
        _records.setLevel(logging.WARNING)  # we tell the rest ourselves
        if not self.should_exit:
            settle_collector()
            self._announcer.serving()

    def _listen_once_started(self, sockets: list[socket.socket]) -> None:
        """Listen before the loop does: uvloop says nothing of a port that was taken meanwhile."""
        start = self.lifespan.startup

        async def start_and_listen() -> None:
            await start()
            if not self.lifespan.should_exit:
                for listener in sockets:
                    listener.listen(self.config.backlog)

        self.lifespan.startup = start_and_listen

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener, let requests in flight finish, end the application."""
        self._announcer.stopping()
        tasks = set(self.server_state.tasks)
        await super().shutdown(sockets)
        cut_off = {task for task in tasks if task.cancelling()}
        if cut_off:
            self.hangs = True
            await self._leave_behind(cut_off)

    async def _leave_behind(self, tasks: "set[asyncio.Task[None]]") -> None:
        """Wait a moment for requests that were cut off, and record those that go on."""
        _, left = await asyncio.wait(tasks, timeout=_UNWINDING)
        for task in left:
            context = task.get_context().run(current_context)
            _log.error("request left behind", request_id=context.request_id if context else None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave: readiness first, then, after the drain, the listener.

        A second Ctrl+C cuts off the requests in flight, a third one the application's own end too.
        The signal is not raised again afterwards: a server that ended in good order has succeeded.
        """
        del frame
        if self._leave_at is None:
            watched = self._watched()
            if watched is not None:
                watched.begin_shutdown()
            # these answer until the next tick, when uvicorn makes them anew from those
            self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]
            self.config.encoded_headers = [*self.config.encoded_headers, _CLOSE]
            self._leave_at = time.monotonic() + (self._drain if sig == signal.SIGTERM else 0)
        elif sig == signal.SIGINT:
            self.force_exit = self._cut_off
            self._cut_off = self.should_exit
            self._leave_at = time.monotonic()
            if self._cut_off and self._loop is not None:
                self._loop.call_soon_threadsafe(self._cut_requests_off)
        self.should_exit = self.should_exit or self._is_due() or not self.started

    async def on_tick(self, counter: int) -> bool:
        """Leave when it is time to."""
        if self._is_due():
            self.should_exit = True
        return await super().on_tick(counter)

    def _cut_requests_off(self) -> None:
        for task in self.server_state.tasks:
            task.cancel("cut off by a second Ctrl+C")

    def _watched(self) -> WatchedApp | None:
        """Look for our layer through those that uvicorn puts around it."""
        app: object = getattr(self.config, "loaded_app", None)
        while app is not None and not isinstance(app, WatchedApp):
            app = getattr(app, "app", None)
        return app

    def _is_due(self) -> bool:
        return self._leave_at is not None and time.monotonic() >= self._leave_at
