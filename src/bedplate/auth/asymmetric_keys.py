"""Key pairs that sign access tokens, and the document that publishes their public halves."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import SecretStr

from bedplate._extras import missing_extra
from bedplate.auth.keys import Key, KeyRing, KeyState
from bedplate.errors import ConfigurationError, WeakSecretError

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
except ModuleNotFoundError as error:
    raise missing_extra("auth", "cryptography") from error

__all__ = ["Algorithm", "asymmetric_key", "generate_private_key", "key_set", "public_pem"]

type Algorithm = Literal["ES256", "RS256", "EdDSA"]
"""ES256 is recommended, RS256 is what everybody reads, EdDSA (Ed25519) is not read everywhere."""

type _Public = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_RSA_BITS = range(2048, 8193)  # RFC 7518 section 3.3; more only slows down whoever verifies
_NEW_RSA_BITS = 3072
_COORDINATE = 32  # bytes of one coordinate on P-256 (RFC 7518 section 6.2.1.2)


@dataclass(frozen=True, slots=True)
class _Halves:
    private: Any
    public: _Public


def asymmetric_key(
    pem: SecretStr | str,
    algorithm: Algorithm = "ES256",
    *,
    state: KeyState = KeyState.ACTIVE,
) -> Key:
    """Load a key pair once, for the one algorithm it is used with.

    Args:
        pem: an unencrypted private key; for a pending or retiring key its public half will do.
        algorithm: what it signs with; a key of another kind is refused (RFC 8725 section 3.1).
        state: what the key does.

    Returns:
        A key whose name is its thumbprint (RFC 7638), the same wherever it is loaded.

    Raises:
        ConfigurationError: it is no key for this algorithm, or only a public half is to sign.
        WeakSecretError: it is an RSA key of fewer than 2,048 bits.
    """
    halves = _load(pem)
    if halves is None or not _suits(halves.public, algorithm):
        raise ConfigurationError(f"This is not the PEM text of a key for {algorithm}.")
    if isinstance(halves.public, rsa.RSAPublicKey) and halves.public.key_size not in _RSA_BITS:
        raise WeakSecretError("An RSA key needs 2,048 to 8,192 bits.")
    if halves.private is None and state is KeyState.ACTIVE:
        raise ConfigurationError("The active key needs its private half.")
    material = halves.public if halves.private is None else halves.private
    kid = _thumbprint(halves.public)
    return Key(kid, algorithm, material, state, public=halves.public)


def generate_private_key(algorithm: Algorithm = "ES256") -> str:
    """Make a new private key, as PEM text (PKCS #8) to be kept like a password.

    Args:
        algorithm: what it will sign with.
    """
    private: Any
    match algorithm:
        case "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        case "RS256":
            private = rsa.generate_private_key(public_exponent=65537, key_size=_NEW_RSA_BITS)
        case "EdDSA":
            private = ed25519.Ed25519PrivateKey.generate()
    written: bytes = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return written.decode()


def public_pem(key: Key) -> str:
    """Give the public half of a key as PEM text, for an instance that must not sign with it.

    Raises:
        ValueError: the key is symmetric: it has no public half.
    """
    if key.public is None:
        raise ValueError("A symmetric key has no public half.")
    written: bytes = key.public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return written.decode()


def key_set(ring: KeyRing) -> dict[str, list[dict[str, str]]]:
    """Give the JSON Web Key Set of a ring (RFC 7517): public members only.

    Pending keys are in it, so that verifiers know a key before its first token; symmetric keys
    never are.

    Args:
        ring: the keys that verify.
    """
    return {
        "keys": [
            {**_members(key.public), "kid": key.kid, "alg": key.algorithm, "use": "sig"}
            for key in ring.keys
            if key.public is not None
        ]
    }


def _load(pem: SecretStr | str) -> _Halves | None:
    text = (pem.get_secret_value() if isinstance(pem, SecretStr) else pem).encode()
    try:
        if b"PUBLIC KEY-----" in text:
            return _halves(None, serialization.load_pem_public_key(text))
        private = serialization.load_pem_private_key(text, password=None)
        return _halves(private, private.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None  # the reason could carry parts of the key along


def _halves(private: object, public: object) -> _Halves | None:
    if isinstance(public, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey, ed25519.Ed25519PublicKey)):
        return _Halves(private, public)
    return None


def _suits(public: _Public, algorithm: str) -> bool:
    if isinstance(public, ec.EllipticCurvePublicKey):
        return algorithm == "ES256" and isinstance(public.curve, ec.SECP256R1)
    return algorithm == ("RS256" if isinstance(public, rsa.RSAPublicKey) else "EdDSA")


def _members(public: _Public) -> dict[str, str]:
    """Give what makes up the key in public, and nothing else (RFC 7518 section 6, RFC 8037)."""
    if isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        x, y = (_base64url(number.to_bytes(_COORDINATE)) for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": _base64url_int(numbers.n), "e": _base64url_int(numbers.e)}
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(public.public_bytes_raw())}


def _thumbprint(public: _Public) -> str:
    canonical = json.dumps(_members(public), sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url_int(number: int) -> str:
    return _base64url(number.to_bytes(-(-number.bit_length() // 8)))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
