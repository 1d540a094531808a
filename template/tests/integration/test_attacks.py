"""What attackers send, and the exact answers: the library's table against this service."""

import httpx
import pytest
from bedplate.auth.keys import Key
from bedplate.database import Database
from bedplate.testing import Outbox, deliver_mails
from bedplate.testing.contracts.attack import Target
from bedplate.testing.contracts.auth import AuthAttacks

from app.config import Settings
from tests.integration.people import App, promote_id


class TestAttacks(AuthAttacks):
    """Headers, access and refresh tokens, logins, tokens by mail, API keys."""

    @pytest.fixture
    def target(
        self,
        app: App,
        client: httpx.AsyncClient,
        settings: Settings,
        database: Database,
        outbox: Outbox,
    ) -> Target:
        async def read_mail(address: str) -> str:
            await deliver_mails(app.state.resources.auth)
            return outbox.to(address)[-1].text

        async def promote(user_id: str) -> None:
            await promote_id(user_id, database)

        key = Key.hs256(settings.secret_key)
        return Target(client, key, read_mail=read_mail, promote=promote)
