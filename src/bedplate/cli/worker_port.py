"""The port of a worker, on the loop of its jobs: probes that a loop that hangs does not answer, and metrics."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, override

import uvicorn

from bedplate.asgi.answer import answer_problem
from bedplate.asgi.problems import status_problem
from bedplate.asgi.types import ASGIApp, Receive, Scope, Send
from bedplate.cli.sockets import bind
from bedplate.health import Health, ProbeApp
from bedplate.metrics.metrics import Metrics
from bedplate.metrics.setup import Exposed, metrics_of
from bedplate.settings import ServiceSettings

if TYPE_CHECKING:
    from bedplate.jobs import Worker

__all__ = ["answering", "metrics_of_worker"]


def metrics_of_worker(settings: ServiceSettings) -> Exposed:
    """Make the metrics of a worker, which are shown on its own port and on no other.

    Raises:
        MissingExtraError: the settings name a backend whose extra is not installed.
    """
    shown = {"metrics_port": None, "metrics_open": True}
    exposed = metrics_of(settings.model_copy(update=shown))
    if exposed.endpoint is not None and settings.worker_port is None:
        return Exposed(Metrics(None, traces=exposed.metrics.traces), None, exposed.companions)
    return exposed


@asynccontextmanager
async def answering(
    worker: "Worker[object]", settings: ServiceSettings, exposed: Exposed
) -> AsyncGenerator[Health]:
    """Answer on WORKER_PORT, if there is one, for as long as the worker runs.

    Args:
        worker: is ready while it is connected to its queue.
        settings: say where.
        exposed: what is measured.

    Raises:
        CommandError: the port cannot be had.
    """

    async def queue() -> None:
        if not worker.ready:
            raise ConnectionError("the worker is not connected to its queue")

    health = Health({"queue": queue})
    if settings.worker_port is None:
        yield health
        return
    with bind(settings.worker_host, settings.worker_port) as listener:
        listener.listen()  # who asks before the loop runs waits for it
        server = _Server(
            uvicorn.Config(
                _app(health, exposed.endpoint),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
            )
        )
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it is no server to speak of
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield health
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    @contextmanager
    @override
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the worker."""
        yield


def _app(health: Health, metrics: ASGIApp | None) -> ASGIApp:
    pages: dict[str, ASGIApp] = {
        "/health/live": ProbeApp(health.live),
        "/health/ready": ProbeApp(health.ready),
        "/health/startup": ProbeApp(health.startup),
    }
    if metrics is not None:
        pages["/metrics"] = metrics

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        page = pages.get(scope.get("path", ""))
        if page is None or scope["type"] != "http":
            await answer_problem(status_problem(404), scope, receive, send)
        elif scope["method"] not in {"GET", "HEAD"}:
            refused = status_problem(405, headers={"allow": "GET, HEAD"})
            await answer_problem(refused, scope, receive, send)
        else:
            await page(scope, receive, send)

    return app
