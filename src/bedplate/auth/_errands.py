"""Work that goes on after its caller was answered, so that the answer's time tells nothing."""

import asyncio
from collections.abc import Awaitable, Callable

from bedplate.errors import MailUnavailableError
from bedplate.logging import get_logger

_log = get_logger(__name__)


class Errands:
    """A bounded number of tasks, none of whose errors reaches anybody but the log.

    Args:
        limit: how many run or wait at once.
    """

    def __init__(self, limit: int = 100) -> None:
        self._limit = limit
        self._running: set[asyncio.Task[None]] = set()

    def start[**P](
        self, errand: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Begin an errand and return at once.

        Raises:
            MailUnavailableError: too many are under way.
        """
        if len(self._running) >= self._limit:
            raise MailUnavailableError
        task = asyncio.get_running_loop().create_task(_run(errand, *args, **kwargs))
        self._running.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._running.discard)

    async def finish(self) -> None:
        """Wait until all are done."""
        while self._running:
            await asyncio.wait(self._running)


async def _run[**P](
    errand: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs
) -> None:
    try:
        await errand(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - nobody waits for it
        _log.error("errand_failed", errand=errand.__name__, error_type=type(error).__name__)
