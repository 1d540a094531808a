"""What a new password must not be: short, common, or the owner's address (NIST SP 800-63B-4)."""

import re
import unicodedata
from functools import cache
from importlib.resources import files
from itertools import pairwise

from bedplate.errors import WeakPasswordError

MINIMUM_LENGTH = 12
MAXIMUM_BYTES = 1024
_SURELY_LONGER = 4 * MAXIMUM_BYTES
MINIMUM_DISTINCT_CHARACTERS = 5
_SHORTEST_NAME = 4
_LEET = str.maketrans("0134578@$!", "oleastbasi")
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def check_password_strength(
    password: str, *, email: str | None = None, minimum_length: int = MINIMUM_LENGTH
) -> None:
    """Refuse a password that is guessed early; no mixture of character classes is asked for.

    Args:
        password: the new password.
        email: the address of the account, which the password must not repeat.
        minimum_length: in characters; NIST asks for 15 where a password is the only factor.

    Raises:
        WeakPasswordError: it is too short, too long, too repetitive, too common, or the address.
    """
    normalised = normalise_password(password)
    if normalised is None:
        raise _weak(f"The password is longer than {MAXIMUM_BYTES} bytes.")
    text = normalised.lower()
    if len(text) < minimum_length:
        raise _weak(f"The password needs at least {minimum_length} characters.")
    if len(set(text)) < MINIMUM_DISTINCT_CHARACTERS or _is_run(text):
        raise _weak("The password repeats too few characters.")
    if any(guess in _common() for guess in _guesses(text)):
        raise _weak("The password is one of the most common ones.")
    if email and _repeats_address(text, email.lower()):
        raise _weak("The password repeats the e-mail address.")


def normalise_password(password: str) -> str | None:
    """Give the one spelling (NFC) of a password, or None if it is longer than ``MAXIMUM_BYTES``."""
    # the time grows with the square of the combining characters; NFC is at least a quarter as long
    if len(password) > _SURELY_LONGER or _size(password) > _SURELY_LONGER:
        return None
    text = unicodedata.normalize("NFC", password)
    return text if _size(text) <= MAXIMUM_BYTES else None


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _weak(message: str) -> WeakPasswordError:
    return WeakPasswordError(message, field="password")


def _is_run(text: str) -> bool:
    """Tell whether each character follows the one before, as in abcdefghijkl and 987654321098."""
    steps = {(ord(after) - ord(before)) % 10 for before, after in pairwise(text)}
    return len(steps) == 1


def _guesses(text: str) -> set[str]:
    """Give the common passwords that this one is an obvious variation of."""
    plain = {text, _EDGES.sub("", text), text.replace(" ", "")}
    plain |= {guess.translate(_LEET) for guess in plain}
    plain |= {_EDGES.sub("", guess) for guess in plain}
    return plain | {_unit(guess) for guess in plain if guess}


def _unit(text: str) -> str:
    """Give what a text consists of repetitions of, or the text itself."""
    return text[: (text + text).index(text, 1)]


def _repeats_address(text: str, email: str) -> bool:
    name = email.partition("@")[0]
    if text in {email, name}:
        return True
    rest = text.replace(email, "").replace(name, "") if len(name) >= _SHORTEST_NAME else text
    return len(rest) <= len(text) // 2  # the address and little else


@cache
def _common() -> frozenset[str]:
    listed = files("bedplate.auth").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in listed.splitlines() if line and not line.startswith("#"))
