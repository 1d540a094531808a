"""Whether the process lives, may get traffic, and has started: for load balancers and orchestrators."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bedplate.asgi.types import Receive, Scope, Send
from bedplate.logging import get_logger

type Check = Callable[[], Awaitable[object]]
"""Something that returns when a dependency answers, and raises when it does not."""

type Status = Literal["ok", "failed", "timeout", "starting", "shutting_down"]
type Probe = Callable[[], Awaitable[HealthReport]]

_log = get_logger("bedplate.health")


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What a probe answers; it names the checks and never tells why one failed."""

    status: Status
    checks: Mapping[str, Status] = field(default_factory=dict)

    @property
    def http_status(self) -> int:
        """200 if all is well, else 503."""
        return 200 if self.status == "ok" else 503

    def body(self) -> bytes:
        """Give the JSON document of the answer."""
        return json.dumps({"status": self.status, "checks": dict(self.checks)}).encode()


class Health:
    """The three probes over one set of checks."""

    def __init__(
        self,
        checks: Mapping[str, Check] | None = None,
        *,
        time_limit: float = 1.0,
        remember: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the checks.

        Args:
            checks: what must answer for the service to be of use, by name.
            time_limit: seconds that each check may take; they run together.
            remember: seconds for which an outcome is given again without checking.
            clock: gives seconds that never go back.
        """
        self.checks = dict(checks or {})
        self.shutting_down = False
        self._time_limit = time_limit
        self._remember = remember
        self._clock = clock
        self._started = False
        self._running: asyncio.Task[HealthReport] | None = None
        self._known: tuple[float, HealthReport] | None = None

    def begin_shutdown(self) -> None:
        """Turn ``ready`` to 503 for good, so that no new traffic is sent here."""
        self.shutting_down = True

    async def live(self) -> HealthReport:
        """Tell that the process can answer at all; looks at no dependency."""
        return HealthReport("ok")

    async def ready(self) -> HealthReport:
        """Tell whether traffic should come here now."""
        if self.shutting_down:
            return HealthReport("shutting_down")
        if self._known and self._clock() - self._known[0] < self._remember:
            return self._known[1]
        if self._running is None or self._running.get_loop() is not asyncio.get_running_loop():
            self._running = asyncio.create_task(self._run_checks())
        # shielded: probes share one run, and one that hangs up must not end it for the others
        return await asyncio.shield(self._running)

    async def startup(self) -> HealthReport:
        """Tell whether the service was ready at least once."""
        if not self._started:
            report = await self.ready()
            if report.status != "ok":
                return HealthReport("starting", report.checks)
        return HealthReport("ok")

    async def _run_checks(self) -> HealthReport:
        try:
            report = await self._check_all()
        finally:
            self._running = None
        self._started = self._started or report.status == "ok"
        self._known = (self._clock(), report)
        return report

    async def _check_all(self) -> HealthReport:
        tasks = {name: asyncio.ensure_future(_begin(check)) for name, check in self.checks.items()}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=self._time_limit)
        outcomes = {name: self._outcome(name, task) for name, task in tasks.items()}
        all_well = all(outcome == "ok" for outcome in outcomes.values())
        return HealthReport("ok" if all_well else "failed", outcomes)

    def _outcome(self, name: str, task: "asyncio.Future[object]") -> Status:
        if not task.done():
            task.cancel()
            task.add_done_callback(_forget)
            _log.warning("health check timed out", check=name, seconds=self._time_limit)
            return "timeout"
        if task.cancelled():
            return "failed"
        if (error := task.exception()) is not None:
            _log.warning("health check failed", check=name, error=error)
            return "failed"
        return "ok"


class ProbeApp:
    """A probe as an ASGI application."""

    def __init__(self, probe: Probe) -> None:
        """Keep the probe, one of the methods of ``Health``."""
        self.probe = probe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer 200 or 503 with a JSON document that no cache may store."""
        report = await self.probe()
        body = report.body()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send(
            {"type": "http.response.start", "status": report.http_status, "headers": headers}
        )
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )


async def _begin(check: Check) -> object:
    return await check()


def _forget(task: "asyncio.Future[object]") -> None:
    """Look at the late outcome of a check, so that asyncio does not complain about it."""
    if not task.cancelled():
        task.exception()
