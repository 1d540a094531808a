"""Attacks on everything that signs in, for a service to inherit."""

import pytest

from bedplate.testing.contracts.attack import Attack, Target
from bedplate.testing.contracts.credential_attacks import API_KEY_ATTACKS, ONE_TIME_ATTACKS
from bedplate.testing.contracts.header_attacks import HEADER_ATTACKS
from bedplate.testing.contracts.session_attacks import LOGIN_ATTACKS, REFRESH_ATTACKS
from bedplate.testing.contracts.token_attacks import CLAIMS_ATTACKS, JOSE_ATTACKS

__all__ = ["AUTH_ATTACKS", "AuthAttacks"]

AUTH_ATTACKS: dict[str, tuple[Attack, ...]] = {
    "header": HEADER_ATTACKS,
    "jose": JOSE_ATTACKS,
    "claims": CLAIMS_ATTACKS,
    "login": LOGIN_ATTACKS,
    "refresh": REFRESH_ATTACKS,
    "one-time": ONE_TIME_ATTACKS,
    "api-key": API_KEY_ATTACKS,
}
"""Every attack, by what it is aimed at."""


class AuthAttacks:
    """A service inherits it and gives it a fixture ``target``.

    ::

    class TestAttacks(AuthAttacks):
        @pytest.fixture
        def target(self, client, settings, outbox): ...
    """

    @pytest.mark.unhappy
    @pytest.mark.parametrize("aim", AUTH_ATTACKS)
    async def test_every_attack_gets_exactly_its_answer(self, target: Target, aim: str) -> None:
        """Carry out the attacks on one thing, and tell each whose answer is not the one expected."""
        wrong = [
            f"{attack.name}: {fault}"
            for attack in AUTH_ATTACKS[aim]
            for fault in await attack.faults(target)
        ]
        assert not wrong, "\n".join(wrong)
