"""What makes a secret key acceptable, and how a new one is made."""

import re
import secrets

from pydantic import SecretStr

from bedplate.errors import WeakSecretError

MINIMUM_BYTES = 32
MINIMUM_DISTINCT_CHARACTERS = 10

_PLACEHOLDER = re.compile(
    r"change[-_ ]?(?:me|this|it)|place[-_ ]?holder|replace[-_ ]?(?:me|this|with)"
    r"|your[-_ ]?(?:own[-_ ]?)?(?:secret|key|jwt)|insecure|example|super[-_ ]?secret"
    r"|my[-_ ]?secret|secret[-_ ]?key|not[-_ ]?(?:a[-_ ]?)?secret|<[^>]*>|\$\{",
    re.IGNORECASE,
)
_KEY_DOCUMENT = re.compile(r'-----BEGIN |"kty"\s*:|^ssh-|^\s*\{')


def check_secret_strength(secret: str | SecretStr) -> None:
    """Refuse a secret key that could be guessed or was meant for something else.

    Args:
        secret: the text of SECRET_KEY; its UTF-8 bytes are the key (RFC 7518 section 3.2 asks for
            at least 32 of them).

    Raises:
        WeakSecretError: it is short, repetitive, a placeholder, or a PEM or JWK document.
    """
    text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
    if _KEY_DOCUMENT.search(text):
        raise WeakSecretError("is a PEM, SSH or JWK document, not a random secret")
    if _PLACEHOLDER.search(text):
        raise WeakSecretError("is a placeholder (make one with: bedplate secret)")
    if len(text.encode("utf-8", "surrogatepass")) < MINIMUM_BYTES:
        raise WeakSecretError(
            f"has fewer than {MINIMUM_BYTES} bytes (make one with: bedplate secret)"
        )
    if len(set(text)) < MINIMUM_DISTINCT_CHARACTERS:
        raise WeakSecretError("repeats too few characters (make one with: bedplate secret)")


def generate_secret() -> str:
    """Make a new secret key: 48 random bytes as 64 URL-safe characters."""
    return secrets.token_urlsafe(48)
