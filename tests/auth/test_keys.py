"""bedplate.auth.keys"""

from typing import Any

import pytest

from bedplate.auth.keys import Key, KeyRing, KeyState, derive_key, generate_secret
from bedplate.errors import ConfigurationError, WeakSecretError

CANARY = "cAnArY-7f3Q9xLw2ZpT5vRkB8nMdHs4JgYe6Uc1"


def test_derived_keys_agree_with_the_published_vector() -> None:
    """RFC 5869, test case 3: SHA-256, no salt, no info."""
    derived = derive_key(b"\x0b" * 22, "", 42)
    assert derived.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


def test_the_new_secret_signs_and_the_former_ones_still_verify() -> None:
    old, new = generate_secret(), generate_secret()
    former, ring = KeyRing.from_secret(old), KeyRing.from_secret(new, previous=[old])
    assert ring.active.material == new.encode()
    found = ring.find(former.active.kid)
    assert found is not None
    assert (found.material, found.state) == (old.encode(), KeyState.RETIRING)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "secret",
    [
        "",
        "short",
        "x" * 64,
        "change-me-" + generate_secret(),
        "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg",
        '{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}',
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGl6MbnEvLm2bXx0H5wD5yPjWbqv8g",
    ],
    ids=["empty", "short", "repeated", "placeholder", "pem", "jwk", "ssh"],
)
def test_refuses_what_is_no_random_secret(secret: str) -> None:
    with pytest.raises(WeakSecretError):
        KeyRing.from_secret(secret)
    with pytest.raises(WeakSecretError):
        KeyRing.from_secret(generate_secret(), previous=[secret])


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "states", [[], ["pending", "retiring"], ["active", "active"], ["active", "active", "retiring"]]
)
def test_refuses_a_ring_without_exactly_one_active_key(states: Any) -> None:
    keys = [Key.hs256(generate_secret(), state=KeyState(state)) for state in states]
    with pytest.raises(ConfigurationError):
        KeyRing(keys)


@pytest.mark.unhappy
def test_refuses_the_same_secret_as_new_and_former() -> None:
    secret = generate_secret()
    with pytest.raises(ConfigurationError):
        KeyRing.from_secret(secret, previous=[secret])


@pytest.mark.unhappy
def test_a_name_that_is_not_in_the_ring_finds_nothing() -> None:
    assert KeyRing.from_secret(generate_secret()).find("other") is None


@pytest.mark.unhappy
def test_purposes_and_secrets_never_share_a_derived_key() -> None:
    first, second = generate_secret(), generate_secret()
    keys = {derive_key(secret, label) for secret in (first, second) for label in ("a", "b")}
    assert len(keys) == 4


@pytest.mark.unhappy
@pytest.mark.parametrize("length", [-1, 0, 255 * 32 + 1])
def test_refuses_to_derive_an_impossible_length(length: Any) -> None:
    with pytest.raises(ValueError, match="bytes"):
        derive_key(b"secret", "label", length)


@pytest.mark.unhappy
def test_no_repr_shows_a_secret() -> None:
    ring = KeyRing.from_secret(CANARY)
    assert CANARY not in repr(ring) + repr(ring.active) + repr(vars(ring))
