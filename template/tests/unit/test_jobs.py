"""The jobs, called like functions."""

from unittest.mock import AsyncMock

import pytest
from bedplate.auth.mail_orders import MailKind, MailOrder
from bedplate.errors import InvalidDataError, MailUnavailableError
from bedplate.jobs import GiveUpError
from pytest_mock import MockerFixture

from app.jobs import jobs

ORDER = MailOrder(MailKind.VERIFICATION, "ada@example.com")
account_mail = jobs.kinds["account_mail"]


@pytest.fixture
def shared(mocker: MockerFixture) -> AsyncMock:
    """What the handlers share."""
    resources = mocker.AsyncMock()
    assert isinstance(resources, AsyncMock)
    return resources


async def test_a_mail_is_sent(shared: AsyncMock) -> None:
    await account_mail(ORDER, shared)
    shared.auth.mails.send.assert_awaited_once_with(ORDER)


@pytest.mark.unhappy
async def test_a_mail_server_that_is_down_is_tried_again(shared: AsyncMock) -> None:
    shared.auth.mails.send.side_effect = MailUnavailableError
    with pytest.raises(MailUnavailableError):
        await account_mail(ORDER, shared)
    assert account_mail.retry.attempts > 1


@pytest.mark.unhappy
async def test_an_address_that_is_none_is_not(shared: AsyncMock) -> None:
    shared.auth.mails.send.side_effect = InvalidDataError("no")
    with pytest.raises(GiveUpError):
        await account_mail(ORDER, shared)
