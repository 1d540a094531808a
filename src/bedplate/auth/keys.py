"""The ring of keys that sign access tokens, and keys derived from a secret; needs no extra."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import SecretStr

from bedplate.errors import ConfigurationError
from bedplate.secret_strength import check_secret_strength, generate_secret

__all__ = [
    "Key",
    "KeyRing",
    "KeyState",
    "check_secret_strength",
    "derive_key",
    "generate_secret",
]

_HASH_LENGTH = hashlib.sha256().digest_size


class KeyState(StrEnum):
    """What a key does; each state verifies, so that keys rotate without a failed request."""

    PENDING = "pending"
    """Known to every verifier, not yet signing."""
    ACTIVE = "active"
    """Signs new tokens."""
    RETIRING = "retiring"
    """Signed tokens that may not have expired yet."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, bound to one algorithm (RFC 8725 section 3.1).

    Args:
        kid: the public name of the key, as in a token's header.
        algorithm: the only algorithm it is used with.
        material: the key itself, loaded: bytes, or a key object of ``cryptography``; in no repr.
        state: what it does.
        public: the public half of an asymmetric key.
    """

    kid: str
    algorithm: str
    material: Any = field(repr=False)
    state: KeyState = KeyState.ACTIVE
    public: Any = field(default=None, repr=False)

    @property
    def is_symmetric(self) -> bool:
        """Whether who verifies can sign, too."""
        return self.public is None

    @property
    def can_sign(self) -> bool:
        """Whether the private half is here."""
        return self.material is not self.public

    @property
    def verifying(self) -> Any:  # noqa: ANN401 - what cryptography's algorithms take
        """What signatures are checked with."""
        return self.material if self.public is None else self.public

    @classmethod
    def hs256(cls, secret: SecretStr | str, *, state: KeyState = KeyState.ACTIVE) -> "Key":
        """Make the HS256 key that consists of the secret's UTF-8 bytes.

        Args:
            secret: at least 32 random bytes, as text.
            state: what the key does.

        Raises:
            WeakSecretError: the secret is short, a placeholder, or a key of another kind.
        """
        check_secret_strength(secret)
        kid = base64.urlsafe_b64encode(derive_key(secret, "bedplate/key-id", 12)).decode()
        return cls(kid=kid, algorithm="HS256", material=_reveal(secret), state=state)


class KeyRing:
    """The keys that verify access tokens; exactly one of them signs.

    Args:
        keys: the keys, in any order.

    Raises:
        ConfigurationError: not exactly one key is active, a key stands there twice, or symmetric
            keys stand beside asymmetric ones (RFC 8725 section 2.1).
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        ring = tuple(keys)
        active = [key for key in ring if key.state is KeyState.ACTIVE]
        if len(active) != 1:
            raise ConfigurationError(f"A key ring needs exactly one active key, not {len(active)}.")
        self._by_kid = {key.kid: key for key in ring}
        if len(self._by_kid) != len(ring):
            raise ConfigurationError("The same key stands in the key ring twice.")
        if len({key.is_symmetric for key in ring}) > 1:
            raise ConfigurationError("Symmetric and asymmetric keys never share a key ring.")
        self._active = active[0]

    @classmethod
    def from_secret(
        cls, secret_key: SecretStr | str, previous: Sequence[SecretStr | str] = ()
    ) -> "KeyRing":
        """Make the ring of a service that signs with its SECRET_KEY.

        Args:
            secret_key: signs and verifies.
            previous: SECRET_KEY_PREVIOUS: they only verify.

        Raises:
            WeakSecretError: one of the secrets is too weak.
            ConfigurationError: a secret stands there twice.
        """
        retiring = [Key.hs256(secret, state=KeyState.RETIRING) for secret in previous]
        return cls([Key.hs256(secret_key), *retiring])

    @property
    def active(self) -> Key:
        """The key that signs."""
        return self._active

    @property
    def keys(self) -> tuple[Key, ...]:
        """Every key that verifies."""
        return tuple(self._by_kid.values())

    def find(self, kid: str) -> Key | None:
        """Find the key of this name; other keys are never tried."""
        return self._by_kid.get(kid)

    def __repr__(self) -> str:
        return f"KeyRing(active={self._active.kid!r}, keys={len(self._by_kid)})"


def derive_key(secret: SecretStr | str | bytes, label: str, length: int = 32) -> bytes:
    """Derive the key for one purpose from a secret (HKDF with SHA-256, RFC 5869, without salt).

    Args:
        secret: the secret to derive from.
        label: the purpose; each purpose has its own key.
        length: how many bytes, 1 to 8,160.

    Raises:
        ValueError: the length is out of range.
    """
    if not 0 < length <= 255 * _HASH_LENGTH:
        raise ValueError(f"A derived key has 1 to {255 * _HASH_LENGTH} bytes, not {length}.")
    pseudo_random_key = hmac.digest(bytes(_HASH_LENGTH), _reveal(secret), "sha256")
    derived = block = b""
    for counter in range(1, -(-length // _HASH_LENGTH) + 1):
        block = hmac.digest(pseudo_random_key, block + label.encode() + bytes([counter]), "sha256")
        derived += block
    return derived[:length]


def _reveal(secret: SecretStr | str | bytes) -> bytes:
    if isinstance(secret, bytes):
        return secret
    return (secret.get_secret_value() if isinstance(secret, SecretStr) else secret).encode()
