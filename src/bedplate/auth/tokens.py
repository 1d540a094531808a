"""Short-lived access tokens: JWTs (RFC 9068) behind a gate stricter than the JWT library."""

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from bedplate._extras import missing_extra
from bedplate.auth._strict_json import loads_object
from bedplate.auth.claims import MAXIMUM_LIFETIME, AccessClaims, read_claims, write_scope
from bedplate.auth.keys import Key, KeyRing
from bedplate.clock import Clock, utc_now
from bedplate.errors import ConfigurationError, InvalidTokenError
from bedplate.logging import get_logger

try:
    import jwt
    from jwt.algorithms import HMACAlgorithm, get_default_algorithms
except ModuleNotFoundError as error:
    raise missing_extra("auth", "pyjwt") from error

__all__ = ["MAXIMUM_LENGTH", "AccessClaims", "AccessTokens", "IssuedToken"]

MAXIMUM_LENGTH = 8192
_log = get_logger(__name__)
_MINIMUM_KEY = 32  # bytes (RFC 7518 section 3.2)
_TYPE = "at+jwt"
_HEADER = {"alg", "typ", "kid"}
_ASYMMETRIC = {"ES256", "RS256", "EdDSA"}
_TOKEN = re.compile(r"([\w-]++)\.([\w-]++)\.([\w-]++)", re.ASCII)
# What the last character of base64url may be, by length modulo 4: unused bits are zero, so that
# one token has one spelling (RFC 4648 section 3.5).
_LAST = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    "",
    "AQgw",
    "AEIMQUYcgkosw048",
)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new access token and the seconds until it expires."""

    token: str = field(repr=False)
    expires_in: int


class AccessTokens:
    """Issues and verifies the access tokens of one service.

    Args:
        keys: the keys that sign and verify.
        issuer: the ``iss`` of every token.
        audience: the one ``aud`` of every token.
        lifetime: how long a token is valid; one second to ten minutes.
        clock: gives the present moment.

    Raises:
        ConfigurationError: the lifetime is out of range, the issuer or audience is blank, or a key
            does not work.
    """

    def __init__(
        self,
        keys: KeyRing,
        *,
        issuer: str,
        audience: str,
        lifetime: timedelta = MAXIMUM_LIFETIME,
        clock: Clock = utc_now,
    ) -> None:
        if not timedelta(seconds=1) <= lifetime <= MAXIMUM_LIFETIME:
            raise ConfigurationError("Access tokens live from one second to ten minutes.")
        if not issuer or not audience:
            raise ConfigurationError("Access tokens need an issuer and an audience.")
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._lifetime = int(lifetime.total_seconds())
        self._clock = clock
        self._jws = _signer()
        # by the header's text: what we wrote ourselves need not be read again
        tried = ((self._try_key(key), key) for key in keys.keys)
        self._own_headers = {header: key for header, key in tried if header is not None}

    def issue(
        self, subject: UUID, session_id: UUID, version: int, scopes: tuple[str, ...] = ()
    ) -> IssuedToken:
        """Sign a token.

        Args:
            subject: the account.
            session_id: the session it belongs to.
            version: the account's epoch; a new password begins the next one.
            scopes: what the token allows (RFC 6749 section 3.3).

        Raises:
            ValueError: a scope contains a character that scopes cannot have.
        """
        now = int(self._clock().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(subject),
            "iat": now,
            "exp": now + self._lifetime,
            "jti": uuid4().hex,
            "sid": str(session_id),
            "ver": version,
            "scope": write_scope(scopes),
        }
        key = self._keys.active
        try:
            token = self._sign(claims, key)
        except Exception as error:
            _alert(key, error)
            raise
        return IssuedToken(token, self._lifetime)

    def verify(self, token: str) -> AccessClaims:
        """Check a token completely and give its claims.

        Args:
            token: what the client sent.

        Raises:
            InvalidTokenError: for every flaw alike (RFC 6750 section 3.1).
        """
        try:
            payload = self._open(token)
            now = self._clock().timestamp()
            return read_claims(payload, issuer=self._issuer, audience=self._audience, now=now)
        except (ValueError, jwt.InvalidTokenError):
            pass  # and nothing wider: a key that breaks is our fault, not the client's
        raise InvalidTokenError  # out here, so that no cause carries parts of the token along

    def _open(self, token: object) -> dict[str, Any]:
        """Check form, header and signature, in this order, and read the payload."""
        if not isinstance(token, str) or len(token) > MAXIMUM_LENGTH:
            raise ValueError("This cannot be a token.")
        segments = _TOKEN.fullmatch(token)
        if segments is None or not all(map(_is_canonical, segments.groups())):
            raise ValueError("These are not three segments of base64url.")
        header, payload, signature = segments.groups()
        key = self._own_headers.get(header)
        if key is None:
            key = self._find_key(header)
        try:
            # The header is settled, so that only PyJWT's algorithm is left to ask: its own decode
            # would take the segments apart again, character by character.
            algorithm = self._jws.get_algorithm_by_name(key.algorithm)
            signed = token[: segments.end(2)].encode()
            known = algorithm.verify(
                signed, algorithm.prepare_key(key.verifying), _decode(signature)
            )
        except Exception as error:
            _alert(key, error)
            raise
        if not known:
            raise ValueError("The signature is not one of ours.")
        return loads_object(_decode(payload))

    def _find_key(self, segment: str) -> Key:
        header = loads_object(_decode(segment))
        kid = header.get("kid")
        if header.keys() != _HEADER or header["typ"] != _TYPE or not isinstance(kid, str):
            raise ValueError("The header is not one of ours.")
        key = self._keys.find(kid)
        if key is None or header["alg"] != key.algorithm:
            raise ValueError("The key is not one of ours.")
        return key

    def _sign(self, claims: dict[str, Any], key: Key) -> str:
        payload = json.dumps(claims, separators=(",", ":")).encode()
        header = {"typ": _TYPE, "kid": key.kid}
        return self._jws.encode(payload, key.material, algorithm=key.algorithm, headers=header)

    def _try_key(self, key: Key) -> str | None:
        """Use a key once, so that a broken one stops the start; give the header of its tokens.

        A public half cannot be tried, and writes no header: None.
        """
        if not key.is_symmetric and not key.can_sign:
            return None
        try:
            if key.is_symmetric:
                if len(key.material) < _MINIMUM_KEY:
                    raise jwt.InvalidKeyError
                HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(key.material)
            token = self._sign({}, key)
            self._jws.decode(token, key.verifying, algorithms=[key.algorithm])
        except (jwt.PyJWTError, AttributeError, NotImplementedError, TypeError, ValueError):
            pass
        else:
            return token.partition(".")[0]
        raise ConfigurationError(f"The key {key.kid!r} does not work.")


class _PreparedHMAC(HMACAlgorithm):
    """HS256 whose keys were inspected once, at the start, instead of for each token."""

    def prepare_key(self, key: str | bytes) -> bytes:
        return key if isinstance(key, bytes) else key.encode()


def _signer() -> jwt.PyJWS:
    jws = jwt.PyJWS(algorithms=[])
    jws.register_algorithm("HS256", _PreparedHMAC(HMACAlgorithm.SHA256))
    known = get_default_algorithms()
    for name in _ASYMMETRIC & known.keys():  # none without cryptography
        jws.register_algorithm(name, known[name])
    return jws


def _alert(key: Key, error: Exception) -> None:
    """Call for somebody who can mend a key: every request fails, and no client can help it."""
    _log.critical("token_key_broken", kid=key.kid, error_type=type(error).__name__)


def _decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _is_canonical(segment: str) -> bool:
    return segment[-1] in _LAST[len(segment) % 4]
