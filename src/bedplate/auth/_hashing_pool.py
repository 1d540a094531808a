"""A few threads of their own for password hashing, with a bounded queue in front of them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from bedplate.errors import HasherBusyError


class HashingPool:
    """Runs slow functions away from the event loop and from the pool that everything else shares.

    Args:
        workers: how many run at once; each keeps one core busy.
        queue_size: how many more may wait.
    """

    def __init__(self, *, workers: int, queue_size: int) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="bedplate-hasher")
        self._places = BoundedSemaphore(workers + queue_size)

    async def run[**P, T](self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function when a worker is free.

        Raises:
            HasherBusyError: the queue is full.
            RuntimeError: the pool is closed.
        """
        if not self._places.acquire(blocking=False):
            raise HasherBusyError
        try:
            future = self._executor.submit(function, *args, **kwargs)
        except BaseException:
            self._places.release()
            raise
        # on the future and not in a finally: a caller that went away does not free a busy worker
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Refuse further work, drop what waits, and let what runs finish."""
        self._executor.shutdown(wait=False, cancel_futures=True)
