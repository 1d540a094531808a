"""Passwords that are known from data breaches, asked of the range API of Have I Been Pwned.

Of a password five hexadecimal digits of its SHA-1 leave the process, which about a million
passwords share; the answer is compared here (k-anonymity).
"""

import hashlib

from bedplate._extras import missing_extra
from bedplate.auth.password_strength import normalise_password
from bedplate.errors import ConfigurationError
from bedplate.logging import get_logger

try:
    import httpx
except ImportError as error:
    raise missing_extra("http", "httpx") from error

__all__ = ["BreachedPasswords"]

PUBLIC_LIST = "https://api.pwnedpasswords.com"
_PREFIX = 5
_LARGEST_ANSWER = 1_048_576
_log = get_logger(__name__)


class BreachedPasswords:
    """Asks the public list, or a mirror of it.

    Args:
        url: where ``/range/{prefix}`` answers.
        timeout: seconds to wait for it; whoever cannot be asked refuses nobody.

    Raises:
        ConfigurationError: it is no URL.
    """

    def __init__(self, url: str = PUBLIC_LIST, *, timeout: float = 2.0) -> None:
        if not url.startswith(("https://", "http://")):
            raise ConfigurationError("The list of breached passwords has an https:// URL.")
        self._url = url.rstrip("/")
        # padding hides from who sees the size of an answer which prefix it is for
        self._client = httpx.AsyncClient(timeout=timeout, headers={"add-padding": "true"})

    async def contains(self, password: str) -> bool:
        """Tell whether a password is on the list; False, and a record, if nobody can tell now."""
        normalised = normalise_password(password)
        if normalised is None:
            return False
        secret = normalised.encode("utf-8", "surrogatepass")
        digest = hashlib.sha1(secret, usedforsecurity=False).hexdigest().upper()
        try:
            listed = await self._ask(digest[:_PREFIX])
        except (httpx.HTTPError, ValueError) as error:
            _log.warning("breach_list_unavailable", error_type=type(error).__name__)
            return False
        return digest[_PREFIX:] in listed

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, prefix: str) -> set[str]:
        """Give the rest of each listed hash that begins so."""
        body = b""
        async with self._client.stream("GET", f"{self._url}/range/{prefix}") as response:
            response.raise_for_status()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _LARGEST_ANSWER:
                    raise ValueError("The answer is too large.")
        entries = (line.partition(":") for line in body.decode("ascii").splitlines())
        return {rest.upper() for rest, _, count in entries if int(count) > 0}  # 0 is padding
