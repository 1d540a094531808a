"""Mails about accounts as background jobs: ordered in a transaction, sent by a worker, tried again."""

from datetime import timedelta
from typing import Any, override

from sqlalchemy.ext.asyncio import AsyncSession

from bedplate.auth.account_mails import AccountMails
from bedplate.auth.mail_orders import MailOrder, MailOrders
from bedplate.errors import InvalidDataError
from bedplate.jobs import GiveUpError, JobQueue, Jobs, Retry
from bedplate.pagination import CursorCodec

__all__ = ["MailQueue", "account_mails", "send_account_mail"]

account_mails: Jobs[AccountMails[Any]] = Jobs()
"""The jobs to include: ``jobs.include(account_mails, lambda shared: shared.auth.mails)``."""

_PATIENCE = Retry(attempts=12, first=timedelta(seconds=10), longest=timedelta(minutes=30))


@account_mails.job("account_mail", retry=_PATIENCE)
async def send_account_mail(order: MailOrder, mails: AccountMails[Any]) -> None:
    """Send one mail; a mail server that is down is tried again for about two hours."""
    try:
        await mails.send(order)
    except InvalidDataError:
        unsendable = True
    else:
        unsendable = False
    if unsendable:
        raise GiveUpError("no mail can be sent to this address")


class MailQueue(MailOrders):
    """Enqueues mails in the transaction of a session; it commits nothing.

    Declare it in a unit of work as ``mails = repository(MailQueue)``: what an ``AuthService`` and a
    ``ConfirmationService`` have to mail is then sent by a worker that includes ``account_mails``.

    Args:
        session: whose transaction decides.
        cursors: not used; every part of a unit of work is offered it.
    """

    def __init__(self, session: AsyncSession, *, cursors: CursorCodec | None = None) -> None:
        del cursors
        self._queue = JobQueue(session)

    @override
    async def order(self, order: MailOrder) -> None:
        """Enqueue a mail.

        Raises:
            DatabaseUnavailableError: the database does not answer.
            RuntimeError: the unit of work only reads.
        """
        await self._queue.enqueue(send_account_mail, order)
