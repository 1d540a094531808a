"""Passwords hashed with Argon2id (RFC 9106), for who wants a memory-hard hash instead of bcrypt."""

from bedplate._extras import missing_extra
from bedplate.auth._hashing_pool import HashingPool
from bedplate.auth.passwords import (
    BcryptHasher,
    PasswordCheck,
    encode_new_password,
    encode_password,
)
from bedplate.errors import ConfigurationError

try:
    from argon2 import PasswordHasher as Argon2
    from argon2 import Type, extract_parameters
    from argon2.exceptions import Argon2Error, InvalidHashError
except ModuleNotFoundError as error:
    raise missing_extra("argon2", "argon2-cffi") from error

__all__ = ["Argon2Hasher", "BcryptFirst"]

_PREFIX = "$argon2id$"
_LEAST_MEMORY = 8192  # KiB; less is no obstacle to a graphics card


class Argon2Hasher:
    """Hashes with Argon2id in threads of its own.

    Args:
        memory: KiB that one hash takes; the default is OWASP's recommendation.
        passes: how often it goes over them.
        former: verifies bcrypt hashes that are stored already; each is made anew at its account's
            next login. Until then a login there takes bcrypt's time, not Argon2's.
        workers: how many hashes are computed at once; each takes ``memory``.
        queue_size: how many more may wait.

    Raises:
        ConfigurationError: an argument is out of range.
    """

    def __init__(
        self,
        *,
        memory: int = 19_456,
        passes: int = 2,
        former: BcryptHasher | None = None,
        workers: int = 1,
        queue_size: int = 32,
    ) -> None:
        if memory < _LEAST_MEMORY or passes < 1 or workers < 1 or queue_size < 0:
            raise ConfigurationError(
                "Argon2 takes at least 8,192 KiB, one pass over them and one worker."
            )
        self._argon2 = Argon2(time_cost=passes, memory_cost=memory, parallelism=1, type=Type.ID)
        self._former = former
        self._pool = HashingPool(workers=workers, queue_size=queue_size)

    async def hash(self, password: str) -> str:
        """Hash a new password for storage.

        Args:
            password: up to 1,024 bytes of UTF-8.

        Raises:
            WeakPasswordError: it is longer, or no text at all.
            HasherBusyError: too many are waiting.
        """
        secret = encode_new_password(password)
        return await self._pool.run(self._argon2.hash, secret)

    async def verify(self, password: str, stored: str | None) -> PasswordCheck:
        """Check a password at the cost of exactly one hash.

        Args:
            password: what somebody typed.
            stored: a hash of ours or of the former hasher; None when there is no account.

        Raises:
            HasherBusyError: too many are waiting.
        """
        if stored is not None and not stored.startswith(_PREFIX) and self._former is not None:
            check = await self._former.verify(password, stored)
            return PasswordCheck(ok=check.ok, needs_rehash=check.ok)
        return await self._pool.run(self._verify, encode_password(password), stored)

    def close(self) -> None:
        """Stop the threads, those of the former hasher too; what waits is dropped."""
        self._pool.close()
        if self._former is not None:
            self._former.close()

    def _verify(self, secret: bytes | None, stored: str | None) -> PasswordCheck:
        if secret is None or stored is None or not self._is_ours(stored):
            self._argon2.hash(secret or b"")
            return PasswordCheck(ok=False)
        try:
            self._argon2.verify(stored, secret)
        except Argon2Error:
            return PasswordCheck(ok=False)
        return PasswordCheck(ok=True, needs_rehash=self._is_cheaper(stored))

    def _is_ours(self, stored: str) -> bool:
        try:
            return stored.startswith(_PREFIX) and extract_parameters(stored).type is Type.ID
        except (InvalidHashError, ValueError):
            return False

    def _is_cheaper(self, stored: str) -> bool:
        """Tell whether a hash cost less than one does now; only ever upward."""
        then = extract_parameters(stored)
        cost = then.memory_cost * then.time_cost
        return cost < self._argon2.memory_cost * self._argon2.time_cost


class BcryptFirst:
    """Hashes with bcrypt, and verifies what Argon2 hashed too: before a move to it, and on the way back.

    An instance that does not know Argon2's hashes yet refuses whoever logged in at one that does.

    Args:
        bcrypt: hashes, and verifies its own.
        argon2: verifies its own; they stay as they are, since bcrypt is no step upward.
    """

    def __init__(self, bcrypt: BcryptHasher, argon2: Argon2Hasher) -> None:
        self._bcrypt = bcrypt
        self._argon2 = argon2

    async def hash(self, password: str) -> str:
        """Hash a new password with bcrypt.

        Args:
            password: up to 1,024 bytes of UTF-8.

        Raises:
            WeakPasswordError: it is longer, or no text at all.
            HasherBusyError: too many are waiting.
        """
        return await self._bcrypt.hash(password)

    async def verify(self, password: str, stored: str | None) -> PasswordCheck:
        """Check a password at the cost of exactly one hash.

        Args:
            password: what somebody typed.
            stored: a hash of either kind; None when there is no account to sign in to.

        Raises:
            HasherBusyError: too many are waiting.
        """
        if stored is not None and stored.startswith(_PREFIX):
            check = await self._argon2.verify(password, stored)
            return PasswordCheck(ok=check.ok)
        return await self._bcrypt.verify(password, stored)

    def close(self) -> None:
        """Stop the threads of both; what waits is dropped."""
        self._bcrypt.close()
        self._argon2.close()
