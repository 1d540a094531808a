"""How often somebody may try, counted before anything expensive and the same for who is unknown.

Three counters, in this order, so that who is refused by one does not use up the next: a network, an
account from one network, an account from everywhere; without an address the last alone. Success
is given back: what adds up is failures. What is counted is an HMAC: a dump of the counters names
neither accounts nor addresses.
"""

import hmac
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from pydantic import SecretStr

from bedplate._networks import network_of
from bedplate.auth.emails import normalise_email
from bedplate.auth.keys import derive_key
from bedplate.errors import ConfigurationError, InvalidDataError, ThrottledError, UnavailableError
from bedplate.logging import get_logger

__all__ = [
    "FallbackThrottleStore",
    "Hit",
    "Limit",
    "Limits",
    "Throttle",
    "ThrottleStore",
    "network_of",
]

_LABEL = "bedplate/throttle"
_LONGEST = 1024
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts in a period.

    Args:
        attempts: at least 1.
        period: at least a second.

    Raises:
        ConfigurationError: it is less.
    """

    attempts: int
    period: timedelta

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.period < timedelta(seconds=1):
            raise ConfigurationError("A limit is at least one attempt in at least a second.")

    @property
    def interval(self) -> timedelta:
        """After how long one more attempt is allowed, once all are used up."""
        return timedelta(microseconds=self.period // timedelta(microseconds=1) // self.attempts)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one action."""

    network: Limit = Limit(100, timedelta(minutes=15))
    account_and_network: Limit = Limit(10, timedelta(minutes=15))
    account: Limit = Limit(50, timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class Hit:
    """One attempt at one counter."""

    key: str
    limit: Limit


class ThrottleStore(Protocol):
    """Where attempts are counted, atomically, by all instances of a service."""

    async def hit(self, hits: Sequence[Hit]) -> float:
        """Count an attempt at each counter in turn, up to the first that is used up.

        Returns:
            0, or in how many seconds that counter allows the next attempt.
        """
        ...

    async def forget(self, hits: Sequence[Hit]) -> None:
        """Set counters back."""
        ...

    async def give_back(self, hit: Hit) -> None:
        """Take one counted attempt back, as if it had not been made."""
        ...


class FallbackThrottleStore:
    """Counts in one store, and in another one while the first does not answer.

    With Redis first and this process's memory second, people can log in while Redis is down, and
    each instance still holds to the limits by itself.

    Args:
        first: counts as long as it answers.
        second: counts meanwhile.
    """

    def __init__(self, first: ThrottleStore, second: ThrottleStore) -> None:
        self._first = first
        self._second = second

    async def hit(self, hits: Sequence[Hit]) -> float:
        """Count an attempt at each counter in turn, up to the first that is used up."""
        try:
            return await self._first.hit(hits)
        except UnavailableError:
            _log.error("throttle_store_unavailable", counted_in=type(self._second).__name__)
        return await self._second.hit(hits)

    async def forget(self, hits: Sequence[Hit]) -> None:
        """Set counters back, in both."""
        with suppress(UnavailableError):
            await self._first.forget(hits)
        await self._second.forget(hits)

    async def give_back(self, hit: Hit) -> None:
        """Take one counted attempt back, in both."""
        with suppress(UnavailableError):
            await self._first.give_back(hit)
        await self._second.give_back(hit)


class Throttle:
    """Admits attempts at one action, up to its limits.

    Args:
        store: counts.
        key: the key of the HMAC, from ``derive_key``.
        action: what is attempted; each action is counted apart.
        limits: how often it may be.
    """

    def __init__(
        self, store: ThrottleStore, key: bytes, *, action: str, limits: Limits | None = None
    ) -> None:
        self._store = store
        self._key = key
        self._action = action
        self._limits = limits or Limits()

    @classmethod
    def from_secret(
        cls,
        store: ThrottleStore,
        secret_key: SecretStr | str,
        *,
        action: str,
        limits: Limits | None = None,
    ) -> "Throttle":
        """Derive the key from SECRET_KEY; a new secret begins to count anew.

        Args:
            store: counts.
            secret_key: the service's secret.
            action: what is attempted.
            limits: how often it may be.
        """
        return cls(store, derive_key(secret_key, _LABEL), action=action, limits=limits)

    async def admit(self, email: str, address: str | None = None) -> None:
        """Count an attempt, and let it pass if it is within the limits.

        Args:
            email: whose account, whether there is one or not; however spelled.
            address: the client's IP address, from a proxy that is trusted; None if unknown.

        Raises:
            ThrottledError: it is beyond a limit, with the seconds until the next is allowed.
        """
        wait = await self._store.hit(self._hits(email, address))
        if wait > 0:
            _log.warning("throttled", action=self._action)
            raise ThrottledError(retry_after=math.ceil(wait))

    async def forgive(self, email: str, address: str | None = None) -> None:
        """Set an account's counters back, since whoever tried knew the password.

        A network gets its one attempt back and no more: who knows one password guesses no others
        for it, and the many people of one office do not use its attempts up.

        Args:
            email: as it was admitted.
            address: as it was admitted.
        """
        hits = self._hits(email, address)
        await self._store.forget(hits[-2:])  # without an address there is one
        for of_network in hits[:-2]:
            await self._store.give_back(of_network)

    def _hits(self, email: str, address: str | None) -> list[Hit]:
        account = _one_spelling(email)
        of_account = Hit(self._hash("account", account), self._limits.account)
        if address is None:  # no address is no network: its few attempts would be everybody's
            return [of_account]
        network = network_of(address)
        return [
            Hit(self._hash("network", network), self._limits.network),
            Hit(
                self._hash("account+network", account, network),
                self._limits.account_and_network,
            ),
            of_account,
        ]

    def _hash(self, *parts: str) -> str:
        counted = "\0".join((self._action, *parts)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, counted, "sha256").hex()


def _one_spelling(email: str) -> str:
    try:
        return normalise_email(email)
    except InvalidDataError:
        return email[:_LONGEST].strip().casefold()
