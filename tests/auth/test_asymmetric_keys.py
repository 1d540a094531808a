"""bedplate.auth.asymmetric_keys"""

import base64
import hashlib
import hmac
import json
import traceback
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from bedplate.auth.asymmetric_keys import (
    asymmetric_key,
    generate_private_key,
    key_set,
    public_pem,
)
from bedplate.auth.keys import Key, KeyRing, KeyState, generate_secret
from bedplate.auth.tokens import AccessTokens
from bedplate.errors import ConfigurationError, InvalidTokenError, WeakSecretError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACCOUNT, SESSION = UUID(int=1), UUID(int=2)
ALGORITHMS: list[Any] = ["ES256", "RS256", "EdDSA"]
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@cache
def pem(algorithm: Any, _number: int = 0) -> str:
    return generate_private_key(algorithm)


def tokens(*keys: Key) -> AccessTokens:
    return AccessTokens(KeyRing(keys), issuer="i", audience="a", clock=lambda: NOW)


def written(key: Any) -> str:
    encoded: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return encoded.decode()


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_who_reads_the_key_set_verifies_what_the_private_key_signed(algorithm: Any) -> None:
    key = asymmetric_key(pem(algorithm), algorithm)
    issued = tokens(key).issue(ACCOUNT, SESSION, 1)
    assert tokens(key).verify(issued.token).subject == ACCOUNT
    [published] = jwt.PyJWKSet.from_dict(key_set(KeyRing([key]))).keys
    assert (published.key_id, published.algorithm_name) == (key.kid, algorithm)
    clock: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(issued.token, published, [algorithm], clock, audience="a", issuer="i")
    assert claims["sub"] == str(ACCOUNT)


def test_the_name_of_a_key_is_its_published_thumbprint() -> None:
    """RFC 7638 section 3.1 has this key, and RFC 8037 appendix A.3 the other."""
    numbers = rsa.RSAPublicNumbers(
        65537,
        int.from_bytes(
            base64.urlsafe_b64decode(
                "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6"
                "tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5"
                "v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD0"
                "8qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU"
                "8awapJzKnqDKgw=="
            )
        ),
    )
    public = numbers.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = asymmetric_key(public.decode(), "RS256", state=KeyState.RETIRING)
    assert key.kid == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_public_half_verifies_and_does_not_sign() -> None:
    """An instance that is behind or ahead of the others needs no private key for it."""
    signer = asymmetric_key(pem("ES256"))
    public = asymmetric_key(public_pem(signer), state=KeyState.PENDING)
    assert (public.kid, public.can_sign, signer.can_sign) == (signer.kid, False, True)
    verifier = tokens(asymmetric_key(pem("ES256", 1)), public)
    assert verifier.verify(tokens(signer).issue(ACCOUNT, SESSION, 1).token).subject == ACCOUNT


@pytest.mark.unhappy
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_key_set_has_public_members_only(algorithm: Any) -> None:
    keys = [
        asymmetric_key(pem(algorithm, number), algorithm, state=state)
        for number, state in enumerate(KeyState)
    ]
    document = key_set(KeyRing(keys))
    assert [entry["kid"] for entry in document["keys"]] == [key.kid for key in keys]
    for entry in document["keys"]:
        assert entry.keys().isdisjoint(PRIVATE_MEMBERS)
        assert (entry["use"], entry["alg"]) == ("sig", algorithm)


@pytest.mark.unhappy
def test_a_symmetric_key_is_in_no_key_set_and_has_no_public_half() -> None:
    ring = KeyRing.from_secret(generate_secret(), previous=[generate_secret()])
    assert key_set(ring) == {"keys": []}
    with pytest.raises(ValueError, match="public half"):
        public_pem(ring.active)


@pytest.mark.unhappy
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_symmetric_and_asymmetric_keys_never_share_a_ring(algorithm: Any) -> None:
    pair = asymmetric_key(pem(algorithm), algorithm, state=KeyState.RETIRING)
    with pytest.raises(ConfigurationError, match="never share"):
        KeyRing([Key.hs256(generate_secret()), pair])


WRONG = {
    "another algorithm": (pem("RS256"), "ES256"),
    "another algorithm the other way": (pem("ES256"), "RS256"),
    "Ed25519 without asking for it": (pem("EdDSA"), "ES256"),
    "P-384": (written(ec.generate_private_key(ec.SECP384R1())), "ES256"),
    "secp256k1": (written(ec.generate_private_key(ec.SECP256K1())), "ES256"),
    "Ed448": (written(ed448.Ed448PrivateKey.generate()), "EdDSA"),
    "a shared secret": (generate_secret(), "ES256"),
    "HS256 with a key pair": (pem("ES256"), "HS256"),
    "no algorithm": (pem("ES256"), "none"),
    "nothing": ("", "ES256"),
    "cut": (pem("ES256")[:-60], "ES256"),
    "a JWK": ('{"kty": "EC", "crv": "P-256"}', "ES256"),
    "not ASCII": ("-----BEGIN PRIVATE KEY-----é", "ES256"),
}


@pytest.mark.unhappy
@pytest.mark.parametrize(("text", "algorithm"), WRONG.values(), ids=WRONG.keys())
def test_refuses_what_is_no_key_for_the_algorithm(text: str, algorithm: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        asymmetric_key(text, algorithm)
    shown = "".join(traceback.format_exception(caught.value))
    assert not [line for line in text.splitlines() if len(line) > 40 and line in shown]


@pytest.mark.unhappy
def test_refuses_short_rsa_keys_and_a_public_half_that_shall_sign() -> None:
    with pytest.raises(WeakSecretError):
        asymmetric_key(written(rsa.generate_private_key(65537, 1024)), "RS256")
    with pytest.raises(ConfigurationError, match="private half"):
        asymmetric_key(public_pem(asymmetric_key(pem("ES256"))))


@pytest.mark.unhappy
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_public_half_is_no_secret_to_sign_with(algorithm: Any) -> None:
    """The classic confusion: HS256 keyed with the published key, under the key's own name."""
    key = asymmetric_key(pem(algorithm), algorithm)
    service = tokens(key)
    _, payload, _ = service.issue(ACCOUNT, SESSION, 1).token.split(".")
    for secret in (public_pem(key).encode(), public_pem(key).strip().encode()):
        header = encode(json.dumps({"alg": "HS256", "kid": key.kid, "typ": "at+jwt"}).encode())
        signed = f"{header}.{payload}"
        digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        with pytest.raises(InvalidTokenError):
            service.verify(f"{signed}.{encode(digest)}")


@pytest.mark.unhappy
def test_refuses_signatures_that_are_empty_of_meaning() -> None:
    """ES256 with r = s = 0 ("psychic signatures"), in DER, cut, and of another key of the ring."""
    key = asymmetric_key(pem("ES256"))
    other = asymmetric_key(pem("ES256", 1), state=KeyState.RETIRING)
    service = tokens(key, other)
    head, payload, signature = service.issue(ACCOUNT, SESSION, 1).token.split(".")
    signed = f"{head}.{payload}".encode()
    raw = base64.urlsafe_b64decode(signature + "==")
    for forged in (
        bytes(64),
        b"\xff" * 64,
        raw[:63],
        raw + b"\0",
        raw[32:] + raw[:32],
        key.material.sign(signed, ec.ECDSA(serialization_hash())),
        other.material.sign(signed, ec.ECDSA(serialization_hash())),
    ):
        with pytest.raises(InvalidTokenError):
            service.verify(f"{head}.{payload}.{encode(forged)}")


def serialization_hash() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()


@pytest.mark.unhappy
def test_refuses_to_start_with_a_key_object_of_another_algorithm() -> None:
    pair = asymmetric_key(pem("ES256"))
    for algorithm in ("RS256", "HS256", "EdDSA", "ES384", "none"):
        wrong = Key("k", algorithm, pair.material, public=pair.public)
        with pytest.raises(ConfigurationError):
            tokens(wrong)


@pytest.mark.unhappy
def test_no_repr_shows_a_private_key() -> None:
    key = asymmetric_key(pem("ES256"))
    number = key.material.private_numbers().private_value
    shown = repr(key) + repr(KeyRing([key])) + json.dumps(key_set(KeyRing([key])))
    assert str(number) not in shown
    assert encode(number.to_bytes(32)) not in shown
