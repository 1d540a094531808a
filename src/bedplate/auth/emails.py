"""One spelling for each e-mail address, so that an account is found again."""

import string
from functools import lru_cache

from bedplate._extras import missing_extra
from bedplate.errors import InvalidDataError

try:
    from email_validator import EmailNotValidError, validate_email
except ModuleNotFoundError as error:
    raise missing_extra("auth", "email-validator") from error

MAXIMUM_LENGTH = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def normalise_email(email: str) -> str:
    """Give the one spelling under which an address is stored and looked up.

    Args:
        email: what somebody typed. No message is sent, and no name server is asked.

    Raises:
        InvalidDataError: it is not an address.
    """
    normalised = _normalise(email.strip(" ")) if len(email) <= 2 * MAXIMUM_LENGTH else None
    if normalised is None or len(normalised) > MAXIMUM_LENGTH:
        raise InvalidDataError("This is not a valid e-mail address.", field="email")
    return normalised


@lru_cache(1024)  # whoever logs in is looked up, counted and forgiven by the same address
def _normalise(email: str) -> str | None:
    if not email.isprintable():  # NUL and other control characters
        return None
    try:
        address = validate_email(email, check_deliverability=False).normalized
    except (EmailNotValidError, ValueError):
        return None
    return address.translate(_LOWER)  # ASCII only: other alphabets change length and meaning
