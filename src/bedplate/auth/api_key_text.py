"""The text of an API key: recognised by scanners and people, worthless when misspelt."""

import base64
import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass, field

from bedplate.errors import ConfigurationError

_BYTES = 32
_SHOWN = 4
_PREFIX = re.compile(r"[a-z][a-z0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made; its text is known this once."""

    text: str = field(repr=False)
    key_hash: bytes = field(repr=False)
    hint: str
    """The first and the last characters, by which its owner knows it again."""


class ApiKeyFormat:
    """Makes and recognises keys: the prefix, ``_``, 43 random characters, 8 of a checksum.

    Args:
        prefix: what every key of the service begins with: 2 to 16 small letters and digits.

    Raises:
        ConfigurationError: the prefix is of another form.
    """

    def __init__(self, prefix: str) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise ConfigurationError("The prefix of API keys is 2 to 16 small letters and digits.")
        self._prefix = f"{prefix}_"
        self._key = re.compile(
            rf"{prefix}_([\w-]{{42}}[AEIMQUYcgkosw048])([0-9a-f]{{8}})", re.ASCII
        )

    def new(self) -> NewApiKey:
        """Make a key of 32 random bytes."""
        secret = base64.urlsafe_b64encode(secrets.token_bytes(_BYTES)).rstrip(b"=").decode()
        text = f"{self._prefix}{secret}{self._checksum(secret)}"
        hint = f"{text[: len(self._prefix) + _SHOWN]}...{text[-_SHOWN:]}"
        return NewApiKey(text, _hash(text), hint)

    def looks_like(self, text: str) -> bool:
        """Tell a key of this service, right or wrong, from an access token."""
        return text.startswith(self._prefix)

    def hash(self, text: str) -> bytes | None:
        """Give the hash under which a key is stored, or None for what cannot be one."""
        parts = self._key.fullmatch(text)
        if parts is None or self._checksum(parts[1]) != parts[2]:
            return None
        return _hash(text)

    def _checksum(self, secret: str) -> str:
        return f"{zlib.crc32((self._prefix + secret).encode()):08x}"


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()  # 256 random bits: nothing to guess
