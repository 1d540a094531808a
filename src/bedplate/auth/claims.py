"""What an access token says, checked to the last character."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

MAXIMUM_LIFETIME = timedelta(minutes=10)
CLOCK_SKEW = timedelta(seconds=5)
"""How far the clock of the instance that issued a token may be ahead of ours."""

_REQUIRED = {"iss", "aud", "sub", "iat", "exp", "jti", "sid", "ver", "scope"}
_TOKEN_ID = re.compile(r"[\x21-\x7e]{1,128}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # scope-token of RFC 6749 section 3.3
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAXIMUM_VERSION = 2**31 - 1  # PostgreSQL's integer


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a verified access token says; all else about the subject is in the database."""

    subject: UUID
    session_id: UUID
    version: int
    scopes: frozenset[str]
    token_id: str
    issued_at: datetime
    expires_at: datetime


def write_scope(scopes: tuple[str, ...]) -> str:
    """Join scopes into one claim (RFC 8693 section 4.2).

    Raises:
        ValueError: a scope contains a character that scopes cannot have.
    """
    if not all(map(_SCOPE.fullmatch, scopes)):
        raise ValueError("A scope contains a character that RFC 6749 forbids.")
    return " ".join(scopes)


def read_claims(payload: dict[str, Any], *, issuer: str, audience: str, now: float) -> AccessClaims:
    """Check the claims of a token whose signature is right.

    Args:
        payload: the token's payload.
        issuer: what ``iss`` must be.
        audience: what ``aud`` must be: this one text, not a list that contains it.
        now: the present moment, in seconds since 1970.

    Raises:
        ValueError: a claim is missing, of the wrong type, or not acceptable.
    """
    _demand(payload.keys() >= _REQUIRED)
    _demand("cnf" not in payload)  # bound to a key that the sender has not proven to have
    _demand(payload["iss"] == issuer and payload["aud"] == audience)
    issued_at, expires_at = _read_times(payload, now)
    version, token_id = payload["ver"], payload["jti"]
    _demand(type(version) is int and 0 <= version <= _MAXIMUM_VERSION)
    _demand(isinstance(token_id, str) and _TOKEN_ID.fullmatch(token_id))
    return AccessClaims(
        subject=_read_uuid(payload["sub"]),
        session_id=_read_uuid(payload["sid"]),
        version=version,
        scopes=_read_scope(payload["scope"]),
        token_id=token_id,
        issued_at=datetime.fromtimestamp(issued_at, UTC),
        expires_at=datetime.fromtimestamp(expires_at, UTC),
    )


def _demand(condition: object) -> None:
    if not condition:
        raise ValueError("A claim is not acceptable.")


def _read_times(payload: dict[str, Any], now: float) -> tuple[int, int]:
    issued, expires, not_before = payload["iat"], payload["exp"], payload.get("nbf", 0)
    # no bool, float or text: int() in a JWT library takes Arabic digits and "1e3"
    _demand(type(issued) is int and type(expires) is int and type(not_before) is int)
    latest = now + CLOCK_SKEW.total_seconds()
    _demand(0 <= issued <= latest and not_before <= latest and now < expires)
    _demand(expires - issued <= MAXIMUM_LIFETIME.total_seconds())
    return issued, expires


def _read_uuid(text: object) -> UUID:
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise ValueError("This is not the canonical form of a UUID.")
    return UUID(text)


def _read_scope(text: object) -> frozenset[str]:
    scopes = text.split(" ") if isinstance(text, str) and text else []
    _demand(isinstance(text, str) and all(map(_SCOPE.fullmatch, scopes)))
    return frozenset(scopes)
