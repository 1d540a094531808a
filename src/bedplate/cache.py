"""Results of expensive reads, kept for a while: in Redis for all processes, else in this one."""

import asyncio
import time
import warnings
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from secrets import token_hex
from typing import Any, cast

from pydantic import SecretStr, TypeAdapter, ValidationError

from bedplate._extras import missing_extra
from bedplate.logging import get_logger

try:
    from cashews import Cache as Store
    from cashews.exceptions import CacheError
    from redis.exceptions import RedisError
except ImportError as error:
    raise missing_extra("cache", "cashews") from error

__all__ = ["Cache"]

_FAILURES = (CacheError, RedisError, OSError, TimeoutError)
_KEPT = b"="  # before each value: cashews reads bare digits as a number
_LOOK_AGAIN = 0.03
_log = get_logger("bedplate.cache")


class Cache:
    """Keeps results by key until they are too old, or one of their tags is forgotten.

    Of all who ask for a result that is not there one makes it, and the others wait. A result that was
    made of what a writer has changed meanwhile is never found again: it is kept under the tags as they
    were. A cache that fails is like none: its callers get results that are made anew, never an error.

    Args:
        redis_url: ``redis://...``, ``rediss://...`` or ``unix://...``; None keeps results in this process alone.
        size: how many results the process keeps at most; Redis has a limit of its own.
        prefix: begins every key, so that services can share a Redis.
        timeout: how many seconds Redis has for one answer.
        pause: for how many seconds Redis is left alone after it has failed.
        patience: for how many seconds one waits for another process to make a result.
    """

    def __init__(
        self,
        redis_url: SecretStr | str | None = None,
        *,
        size: int = 1000,
        prefix: str = "cache",
        timeout: float = 0.5,
        pause: float = 5.0,
        patience: float = 10.0,
    ) -> None:
        self._store = Store()
        if redis_url is None:
            self._store.setup("mem://", size=size, check_interval=60, pickle_type="null")
        else:
            url = redis_url.get_secret_value() if isinstance(redis_url, SecretStr) else redis_url
            self._store.setup(
                url,
                pickle_type="null",
                suppress=False,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                wait_for_connection_timeout=timeout,
            )
        self._prefix = prefix
        self._pause = pause
        self._patience = patience
        self._left_alone_until = 0.0
        self._making: dict[str, asyncio.Future[Any]] = {}

    async def get_or_make[T](
        self,
        key: str,
        make: Callable[[], Awaitable[T]],
        kind: type[T],
        *,
        lifetime: timedelta,
        tags: Sequence[str] = (),
    ) -> T:
        """Give the result that is kept, or make and keep it.

        Args:
            key: names the result, with all that it depends on: arguments, and the tenant or the
                caller if others must not see it.
            make: makes it.
            kind: its type, of those that pydantic writes and reads.
            lifetime: how long it is kept at most.
            tags: what it is made of; ``forget`` takes it away by them.

        Raises:
            Exception: whatever ``make`` raises.
        """
        while (making := self._making.get(key)) is not None:
            try:
                shared: T = await asyncio.shield(making)
            except asyncio.CancelledError:
                if not making.cancelled():
                    raise  # we are cancelled, not the one who makes it
            else:
                return shared
        making = self._making[key] = asyncio.get_running_loop().create_future()
        try:
            result: T = await self._find_or_make(
                key, make, _adapter(cast("Hashable", kind)), lifetime, tags
            )
        except BaseException as error:
            if isinstance(error, Exception):
                making.set_exception(error)
                making.exception()  # nobody else may be waiting for it
            else:
                making.cancel()
            raise
        else:
            making.set_result(result)
            return result
        finally:
            del self._making[key]

    async def forget(self, *tags: str) -> None:
        """Let no result be found any more that has one of these tags; call it after the commit.

        In a unit of work: ``uow.after_commit(lambda: cache.forget("orders"))``. If Redis does not
        answer, results are found until their lifetime ends.
        """
        versions = {self._tag(tag): token_hex(8).encode() for tag in tags}
        await self._ask(lambda: self._store.set_many(versions))

    async def close(self) -> None:
        """Close the connections to Redis."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # cashews closes in a former way
            await self._store.close()

    async def _find_or_make[T](
        self,
        key: str,
        make: Callable[[], Awaitable[T]],
        adapter: TypeAdapter[T],
        lifetime: timedelta,
        tags: Sequence[str],
    ) -> T:
        place = await self._place(key, tags)
        if place is None:
            return await make()
        mine, lock = token_hex(8), f"{place}:lock"
        deadline = time.monotonic() + self._patience
        while True:
            found = _read(await self._ask(lambda: self._store.get(place)), adapter)
            if found:
                return found[0]
            locked = await self._ask(lambda: self._store.set_lock(lock, mine, self._patience))
            if locked or locked is None or time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_AGAIN)
        try:
            result = await make()
            kept = _KEPT + adapter.dump_json(result)
            await self._ask(lambda: self._store.set(place, kept, expire=lifetime.total_seconds()))
            return result
        finally:
            if locked:
                await self._ask(lambda: self._store.unlock(lock, mine))

    async def _place(self, key: str, tags: Sequence[str]) -> str | None:
        """Give where a result is kept while its tags are as they are; None if there is no cache."""
        names = [self._tag(tag) for tag in tags]
        versions = await self._ask(lambda: self._store.get_many(*names)) if names else ()
        if versions is None:
            return None
        known = [str(version) for version in versions]
        for number, version in enumerate(versions):
            if version is None:
                known[number] = await self._begin(names[number]) or ""
        digest = sha256("\n".join([key, *known]).encode()).hexdigest()
        return f"{self._prefix}:{digest}"

    async def _begin(self, name: str) -> str | None:
        """Give a tag its first version, or that which another has just given it."""
        await self._ask(lambda: self._store.set(name, token_hex(8).encode(), exist=False))
        version = await self._ask(lambda: self._store.get(name))
        return None if version is None else str(version)

    def _tag(self, tag: str) -> str:
        return f"{self._prefix}:tag:{tag}"

    async def _ask[A](self, question: Callable[[], Awaitable[A]]) -> A | None:
        """Ask the store; None if it does not answer, or did not lately."""
        if time.monotonic() < self._left_alone_until:
            return None
        try:
            return await question()
        except _FAILURES as error:
            self._left_alone_until = time.monotonic() + self._pause
            _log.warning("cache_unavailable", error_type=type(error).__name__, pause=self._pause)
        return None


@lru_cache(maxsize=256)
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast("type[Any]", kind))


def _read[T](kept: object, adapter: TypeAdapter[T]) -> tuple[T] | None:
    """Read what was kept; what another version of the service has kept may not fit."""
    if not isinstance(kept, bytes) or not kept.startswith(_KEPT):
        return None
    try:
        return (adapter.validate_json(kept.removeprefix(_KEPT)),)
    except ValidationError:
        return None
