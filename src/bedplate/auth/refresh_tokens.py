"""Refresh tokens: opaque, single-use, and known to the database by their hash alone."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta

from pydantic import SecretStr

from bedplate.auth.keys import derive_key
from bedplate.errors import ConfigurationError

NONCE_LENGTH = 16
_LENGTH = 32
_LABEL = "bedplate/refresh-successor"
_TOKEN = re.compile(r"[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)


class RefreshTokens:
    """Makes refresh tokens, and says how long they and their sessions live.

    A successor is derived from its predecessor, a stored nonce and a key that is not in the
    database: who presents the predecessor again gets the same successor, and a dump of the tables
    yields none.

    Args:
        keys: derive successors; the first makes new ones, the others recognise those made before a
            change of the secret.
        idle: how long a refresh token is valid.
        absolute: how long a session lasts, however often it is refreshed.
        grace: how long after its use a token is answered with the same successor again, for clients
            that refresh twice at once or lose an answer.

    Raises:
        ConfigurationError: there is no key, or the times are not 0 <= grace < idle <= absolute.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        *,
        idle: timedelta = timedelta(days=14),
        absolute: timedelta = timedelta(days=90),
        grace: timedelta = timedelta(seconds=10),
    ) -> None:
        if not keys:
            raise ConfigurationError("Refresh tokens need a key.")
        if not timedelta(0) <= grace < idle <= absolute:
            raise ConfigurationError("Refresh tokens need 0 <= grace < idle <= absolute.")
        self._keys = tuple(keys)
        self.idle = idle
        self.absolute = absolute
        self.grace = grace

    @classmethod
    def from_secret(
        cls,
        secret_key: SecretStr | str,
        previous: Sequence[SecretStr | str] = (),
        *,
        idle: timedelta = timedelta(days=14),
        absolute: timedelta = timedelta(days=90),
        grace: timedelta = timedelta(seconds=10),
    ) -> "RefreshTokens":
        """Derive the keys from SECRET_KEY and SECRET_KEY_PREVIOUS.

        Args:
            secret_key: the service's secret.
            previous: its former secrets.
            idle: as for the class.
            absolute: as for the class.
            grace: as for the class.
        """
        keys = [derive_key(secret, _LABEL) for secret in (secret_key, *previous)]
        return cls(keys, idle=idle, absolute=absolute, grace=grace)

    def new(self) -> str:
        """Make the first token of a session: 32 random bytes as 43 characters."""
        return _write(secrets.token_bytes(_LENGTH))

    def successor(self, token: str, nonce: bytes) -> str:
        """Derive the token that follows.

        Args:
            token: the token that was presented.
            nonce: random bytes that are stored beside the token's hash.
        """
        return _succeed(self._keys[0], token, nonce)

    def recognise(self, token: str, nonce: bytes, successor_hash: bytes) -> str | None:
        """Derive the successor that was given out before, or None if its key is gone.

        Args:
            token: the token that is presented again.
            nonce: the nonce stored beside its hash.
            successor_hash: the stored hash of its successor.
        """
        for key in self._keys:
            successor = _succeed(key, token, nonce)
            if hmac.compare_digest(hash_token(successor) or b"", successor_hash):
                return successor
        return None

    def __repr__(self) -> str:
        return f"RefreshTokens(idle={self.idle}, absolute={self.absolute}, grace={self.grace})"


def hash_token(token: str) -> bytes | None:
    """Give the hash under which a token is stored, or None for what cannot be a token."""
    if not _TOKEN.fullmatch(token):
        return None
    return hashlib.sha256(token.encode()).digest()


def _succeed(key: bytes, token: str, nonce: bytes) -> str:
    return _write(hmac.digest(key, nonce + token.encode(), "sha256"))


def _write(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
