"""Principals remembered for a moment, where a look-up for each request is too much."""

import pickle
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from bedplate.auth.claims import AccessClaims


class _Entry(NamedTuple):
    until: float
    account: bytes


class SessionCache[U]:
    """Remembers the accounts of sessions that were looked up just now, in this process.

    The price: a session that ends, and a role that is taken away, go on for as long as the period.
    Each answer is a copy of its own, so that no request sees what another one changes.

    Args:
        period: how long an account is remembered.
        size: how many are at most; the longest unused ones go first.
        clock: gives seconds that never go back.
    """

    def __init__(
        self,
        period: timedelta,
        *,
        size: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._period = period.total_seconds()
        self._size = size
        self._clock = clock
        self._entries: OrderedDict[tuple[UUID, UUID, int], _Entry] = OrderedDict()

    def get(self, claims: AccessClaims) -> U | None:
        """Give the account, or None if it must be looked up."""
        key = _key(claims)
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        found: Any = pickle.loads(entry.account)  # noqa: S301 - written below, never left here
        account: U = found
        return account

    def put(self, claims: AccessClaims, account: U) -> None:
        """Remember an account that was looked up."""
        until = self._clock() + self._period
        self._entries[_key(claims)] = _Entry(until, pickle.dumps(account))
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)


def _key(claims: AccessClaims) -> tuple[UUID, UUID, int]:
    return claims.session_id, claims.subject, claims.version
