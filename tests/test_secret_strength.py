"""bedplate.secret_strength"""

import secrets

import pytest
from pydantic import SecretStr

from bedplate.errors import WeakSecretError
from bedplate.secret_strength import check_secret_strength, generate_secret


@pytest.mark.parametrize("make", [generate_secret, lambda: secrets.token_hex(32)])
def test_random_secrets_are_accepted(make: "object") -> None:
    assert callable(make)
    for _ in range(500):
        check_secret_strength(SecretStr(make()))


@pytest.mark.unhappy
@pytest.mark.parametrize("secret", ["", "short", "k3" * 15, "ä" * 15])
def test_short_secrets_are_refused(secret: str) -> None:
    with pytest.raises(WeakSecretError, match="fewer than 32 bytes"):
        check_secret_strength(secret)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "start",
    ["changeme", "CHANGE_ME", "your-secret-key", "<secret>", "my_secret", "replace-with", "${KEY}"],
)
def test_placeholders_are_refused_however_long(start: str) -> None:
    with pytest.raises(WeakSecretError, match="placeholder"):
        check_secret_strength(start + secrets.token_urlsafe(48))


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "document",
    ["-----BEGIN PRIVATE KEY-----\nMIIE", '{"kty": "oct", "k": "AAAA"}', "ssh-ed25519 AAAA"],
)
def test_key_documents_are_refused(document: str) -> None:
    with pytest.raises(WeakSecretError, match="PEM, SSH or JWK"):
        check_secret_strength(document.ljust(80, "x"))


@pytest.mark.unhappy
@pytest.mark.parametrize("secret", ["a" * 64, "0123" * 16, "passpass" * 8])
def test_repetitions_are_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(WeakSecretError, match="repeats") as caught:
        check_secret_strength(secret)
    assert secret[:8] not in str(caught.value)
