"""Running a coroutine from code that is not asynchronous, wherever it is called."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor

__all__ = ["run_apart"]


def run_apart[T](work: Coroutine[object, object, T]) -> T:
    """Run on an event loop of its own, in another thread if this one has a loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
