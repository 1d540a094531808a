"""The procedure of docs/how-to/rotate-keys.md, performed by several instances under load."""

import asyncio
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from bedplate.auth.asymmetric_keys import asymmetric_key, generate_private_key
from bedplate.auth.keys import Key, KeyRing, KeyState, generate_secret
from bedplate.auth.refresh_tokens import RefreshTokens, hash_token
from bedplate.auth.tokens import AccessTokens
from bedplate.errors import InvalidTokenError

ACCOUNT, SESSION = UUID(int=1), UUID(int=2)
INSTANCES = 3
PENDING, ACTIVE, RETIRING = KeyState


class Fleet:
    """Instances of one service, deployed one after the other while all of them serve."""

    def __init__(self, ring: KeyRing) -> None:
        self.rings = [ring] * INSTANCES
        self.refused = 0
        self.served = 0
        self.valid: list[str] = []

    def tokens(self, instance: int) -> AccessTokens:
        return AccessTokens(self.rings[instance], issuer="i", audience="a")

    async def roll_out(self, ring: KeyRing) -> None:
        for instance in range(INSTANCES):
            self.rings[instance] = ring
            await asyncio.gather(*(self.serve(client) for client in range(8)))

    async def serve(self, client: int) -> None:
        """Log in at each instance, and use each token that has not expired at each."""
        for instance in range(INSTANCES):
            self.valid.append(self.tokens(instance).issue(ACCOUNT, SESSION, 1).token)
        await asyncio.sleep(0)
        for token, instance in product(self.valid[-24:] + self.valid[:client], range(INSTANCES)):
            try:
                self.tokens(instance).verify(token)
                self.served += 1
            except InvalidTokenError:
                self.refused += 1

    def let_tokens_expire(self) -> None:
        self.valid.clear()


def shared_secrets() -> Any:
    old, new = generate_secret(), generate_secret()
    return lambda state, is_new: Key.hs256(new if is_new else old, state=state)


def key_pairs() -> Any:
    old, new = generate_private_key(), generate_private_key()
    return lambda state, is_new: asymmetric_key(new if is_new else old, state=state)


KINDS = pytest.mark.parametrize("kind", [shared_secrets, key_pairs])


@KINDS
async def test_keys_rotate_without_a_refused_request(kind: Any) -> None:
    key = kind()
    fleet = Fleet(KeyRing([key(ACTIVE, False)]))
    await fleet.roll_out(KeyRing([key(ACTIVE, False), key(PENDING, True)]))
    await fleet.roll_out(KeyRing([key(RETIRING, False), key(ACTIVE, True)]))
    fleet.let_tokens_expire()
    await fleet.roll_out(KeyRing([key(ACTIVE, True)]))
    assert fleet.refused == 0
    assert fleet.served > 1000


@pytest.mark.unhappy
@KINDS
async def test_without_the_pending_step_requests_are_refused(kind: Any) -> None:
    """Why the first step is there: an instance that is behind does not know the new key."""
    key = kind()
    fleet = Fleet(KeyRing([key(ACTIVE, False)]))
    await fleet.roll_out(KeyRing([key(RETIRING, False), key(ACTIVE, True)]))
    assert fleet.refused > 0


@pytest.mark.unhappy
@KINDS
async def test_a_key_that_leaves_before_its_tokens_expired_has_them_refused(kind: Any) -> None:
    key = kind()
    fleet = Fleet(KeyRing([key(RETIRING, False), key(ACTIVE, True)]))
    fleet.rings[0] = KeyRing([key(ACTIVE, False), key(PENDING, True)])
    await fleet.serve(0)
    assert fleet.refused == 0
    await fleet.roll_out(KeyRing([key(ACTIVE, True)]))
    assert fleet.refused > 0


@pytest.mark.unhappy
def test_a_refresh_that_is_repeated_across_a_rotation_gets_the_same_successor() -> None:
    old, new = generate_secret(), generate_secret()
    behind = RefreshTokens.from_secret(old, previous=[new])
    ahead = RefreshTokens.from_secret(new, previous=[old])
    for first, second in ((behind, ahead), (ahead, behind)):
        token, nonce = first.new(), b"n" * 16
        successor = first.successor(token, nonce)
        stored = hash_token(successor)
        assert stored is not None
        assert second.recognise(token, nonce, stored) == successor
