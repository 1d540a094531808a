"""Which names, by their segments, hold secrets or personal data."""

import itertools
import re
from string import digits

_SENSITIVE = {
    "accesskey", "apikey", "authorization", "bearer", "cookie", "credential", "credentials", "cvc",
    "cvv", "dsn", "email", "iban", "jwt", "otp", "passcode", "passphrase", "passwd", "password",
    "pepper", "phone", "pin", "privatekey", "pwd", "salt", "secret", "secretkey", "ssn", "token",
}  # fmt: skip
_ENDINGS = ("password", "passwords", "secret", "secrets", "token", "tokens")
_KEY_KINDS = {
    "access", "api", "auth", "encryption", "master", "private", "secret", "shared", "signing",
}  # fmt: skip
_MEASURES = {
    "age", "algorithm", "at", "bytes", "count", "enabled", "expires", "expiry", "id", "kind",
    "length", "lifetime", "limit", "ms", "ok", "present", "seconds", "size", "sub", "total", "ttl",
    "type", "valid", "verified", "version",
}  # fmt: skip

_BOUNDARY = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def is_sensitive_key(key: str) -> bool:
    """Tell whether a value under this name must not be shown.

    ``access_token``, ``X-Api-Key``, ``userPassword`` and ``password2`` are; ``token_count`` and
    ``password_changed_at`` only measure such a thing.
    """
    segments = [part.lower().rstrip(digits) or part for part in _BOUNDARY.split(key) if part]
    if not segments or segments[-1] in _MEASURES:
        return False
    if any(part in _SENSITIVE or part.removesuffix("s") in _SENSITIVE for part in segments):
        return True
    if any(part.endswith(_ENDINGS) for part in segments):  # accesstoken: run together
        return True
    return any(
        first in _KEY_KINDS and second in {"key", "keys"}
        for first, second in itertools.pairwise(segments)
    )
