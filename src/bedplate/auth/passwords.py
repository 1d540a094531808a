"""Passwords hashed off the event loop, at the same cost whatever is wrong with a login.

A stored hash reads ``$bedplate$1$2b$12$...``: our prefix with its version, then bcrypt's own text.
What bcrypt hashes is the base64 of HMAC-SHA-256 over the NFC-normalised password, keyed with
bcrypt's salt: 44 characters without NUL, so that neither byte 72 nor a NUL ends a password.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from typing import Protocol

from bedplate._extras import missing_extra
from bedplate.auth._hashing_pool import HashingPool
from bedplate.auth.password_strength import (
    MAXIMUM_BYTES,
    check_password_strength,
    normalise_password,
)
from bedplate.errors import ConfigurationError, WeakPasswordError

try:
    import bcrypt
except ModuleNotFoundError as error:
    raise missing_extra("auth", "bcrypt") from error

__all__ = [
    "MAXIMUM_BYTES",
    "BcryptHasher",
    "PasswordCheck",
    "PasswordHasher",
    "check_password_strength",
]

_BCRYPT_BYTES = 72
_ROUNDS = range(4, 32)
_PREFIX = "$bedplate$1"
_STORED = re.compile(
    r"(\$bedplate\$1)?"
    r"(\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu])([./A-Za-z0-9]{31})"
)


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """Whether a password is right, and whether its hash should be made anew."""

    ok: bool
    needs_rehash: bool = False


class PasswordHasher(Protocol):
    """What turns passwords into hashes; each costs the same whatever is wrong."""

    async def hash(self, password: str) -> str:
        """Hash a new password for storage."""
        ...

    async def verify(self, password: str, stored: str | None) -> PasswordCheck:
        """Check a password; ``stored`` is None when there is no account to sign in to."""
        ...


class BcryptHasher:
    """Hashes with bcrypt in threads of its own.

    Args:
        rounds: the logarithm of the cost, 4 to 31; 12 takes about a quarter of a second.
        workers: how many hashes are computed at once.
        queue_size: how many more may wait.

    Raises:
        ConfigurationError: an argument is out of range.
    """

    def __init__(self, rounds: int = 12, *, workers: int = 1, queue_size: int = 32) -> None:
        if rounds not in _ROUNDS or workers < 1 or queue_size < 0:
            raise ConfigurationError("bcrypt takes 4 to 31 rounds and at least one worker.")
        self._rounds = rounds
        self._dummy_salt = bcrypt.gensalt(rounds)
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
        return await self._pool.run(self._hash, secret)

    async def verify(self, password: str, stored: str | None) -> PasswordCheck:
        """Check a password at the cost of exactly one hash.

        Args:
            password: what somebody typed.
            stored: a hash of ours or plain bcrypt's; None when there is no account to sign in to.

        Raises:
            HasherBusyError: too many are waiting.
        """
        return await self._pool.run(self._verify, password, stored)

    def close(self) -> None:
        """Stop the threads; what waits is dropped."""
        self._pool.close()

    def _hash(self, secret: bytes) -> str:
        salt = bcrypt.gensalt(self._rounds)
        return _PREFIX + bcrypt.hashpw(_shorten(secret, salt), salt).decode()

    def _verify(self, password: str, stored: str | None) -> PasswordCheck:
        known = _STORED.fullmatch(stored or "")
        secret = encode_password(password)
        if known is None or secret is None:
            bcrypt.hashpw(_shorten(secret or b"", self._dummy_salt), self._dummy_salt)
            return PasswordCheck(ok=False)
        prefix, head, rounds, digest = known.groups()
        salt = head.encode()
        given = _shorten(secret, salt) if prefix else _as_plain_bcrypt(password)
        computed = bcrypt.hashpw(given, salt)[-len(digest) :]
        ok = hmac.compare_digest(computed, digest.encode())
        # only ever upward; what plain bcrypt did not look at may be misspelt, and ours insists on it
        outdated = int(rounds) < self._rounds if prefix else given == password.encode()
        return PasswordCheck(ok=ok, needs_rehash=ok and outdated)


def _as_plain_bcrypt(password: str) -> bytes:
    """Give the bytes that plain bcrypt looked at: as typed, 72 at most, a NUL for the end."""
    return password.encode().partition(b"\0")[0][:_BCRYPT_BYTES]


def encode_password(password: str) -> bytes | None:
    """Give the same bytes for every way to type a password, or None for what cannot be one."""
    normalised = normalise_password(password)
    try:
        return None if normalised is None else normalised.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return None


def encode_new_password(password: str) -> bytes:
    """Give the bytes of a password that is to be stored.

    Raises:
        WeakPasswordError: it is longer than can be hashed whole, or no text at all.
    """
    secret = encode_password(password)
    if secret is None:
        raise WeakPasswordError(
            f"The password is longer than {MAXIMUM_BYTES} bytes, or not text.", field="password"
        )
    return secret


def _shorten(secret: bytes, salt: bytes) -> bytes:
    return base64.b64encode(hmac.digest(salt, secret, "sha256"))
