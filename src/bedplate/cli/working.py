"""A worker of a project: made, told of signals, and ended in good order."""

import asyncio
import os
import signal
import threading
from typing import TYPE_CHECKING

from bedplate.cli.boundary import ignore_signals
from bedplate.cli.console import note, say
from bedplate.cli.database import open_project
from bedplate.cli.errors import ExitCode
from bedplate.cli.loading import told_in_a_line
from bedplate.cli.project import Project
from bedplate.logging import configure_logging, get_logger

if TYPE_CHECKING:
    from bedplate.health import Health
    from bedplate.jobs import Worker

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LAST_RESORT = 60.0
_log = get_logger("bedplate.jobs")


def work(project: Project, *, once: bool) -> None:
    """Run the jobs of a project until a signal ends it.

    Args:
        project: whose jobs; its folder becomes the working directory.
        once: whether to end when no job waits.

    Raises:
        CommandError: the database, its migrations or the service's code stand in the way.
        ConfigurationError: the settings do, or the database has no tables for jobs.
    """
    with open_project(project) as opened:
        opened.ensure_migrated()
        settings = opened.settings
        configure_logging(settings.log_level, json=settings.logs_as_json)
        from bedplate.cli.worker_port import answering, metrics_of_worker

        exposed = metrics_of_worker(settings)
        with told_in_a_line("The worker cannot be made"):
            worker = project.load_worker()(exposed.metrics)

        async def run() -> None:
            async with answering(worker, settings, exposed) as health:
                await _run(worker, health, once=once, as_log=settings.logs_as_json)

        try:
            for companion in exposed.companions:
                companion.open()
            asyncio.run(run())
        finally:
            ignore_signals(*_SIGNALS)
            for companion in reversed(exposed.companions):
                companion.close()


async def _run(worker: "Worker[object]", health: "Health", *, once: bool, as_log: bool) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if as_log:
            _log.info("stopping")
        else:
            note("Stopping: jobs under way end first.")
        health.begin_shutdown()
        worker.stop()
        # a handler that swallows its cancellation would keep the process for ever
        hung = threading.Timer(_LAST_RESORT, os._exit, (ExitCode.FAILURE,))
        hung.daemon = True
        hung.start()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    if once:
        await worker.run_waiting()
        return
    if as_log:
        _log.info("working")
    else:
        say("Running jobs as they come. Stop it with Ctrl+C.")
    await worker.run()
