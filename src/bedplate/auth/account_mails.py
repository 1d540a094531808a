"""Sends what was ordered: looks the account up, makes the token, writes the letter."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from bedplate.auth.letters import Letters
from bedplate.auth.mail_orders import MailKind, MailOrder
from bedplate.auth.models import AccountMixin
from bedplate.auth.one_time_tokens import OneTimeTokenRepository, Purpose
from bedplate.auth.service import AuthUnitOfWork
from bedplate.mail import Mail, Mailer

__all__ = ["AccountMails", "ConfirmationUnitOfWork"]


class ConfirmationUnitOfWork[U: AccountMixin](AuthUnitOfWork[U], Protocol):
    """The unit of work of a service, as far as confirming needs it."""

    @property
    def one_time_tokens(self) -> OneTimeTokenRepository[U, Any]:
        """The tokens that were sent by mail."""
        ...


class AccountMails[U: AccountMixin]:
    """Carries orders out, at once or in a worker.

    The token is made when its mail is sent: it is stored as a hash alone, and its time begins when
    somebody can read it, however long the order waited. An order that is carried out again makes
    another token; the first one that is used ends the others.

    Args:
        unit_of_work: makes a new unit of work.
        mailer: sends the mails.
        letters: writes them.
        verification_lifetime: how long an address can be confirmed.
        password_reset_lifetime: how long a password can be reset.
        email_change_lifetime: how long a new address can be confirmed.
    """

    def __init__(
        self,
        unit_of_work: Callable[[], ConfirmationUnitOfWork[U]],
        mailer: Mailer,
        letters: Letters,
        *,
        verification_lifetime: timedelta = timedelta(days=1),
        password_reset_lifetime: timedelta = timedelta(minutes=30),
        email_change_lifetime: timedelta = timedelta(hours=1),
    ) -> None:
        self._unit_of_work = unit_of_work
        self._mailer = mailer
        self._letters = letters
        self._verification_lifetime = verification_lifetime
        self._password_reset_lifetime = password_reset_lifetime
        self._email_change_lifetime = email_change_lifetime

    async def send(self, order: MailOrder) -> None:
        """Send a mail, unless its account is not there, or not as it was any more.

        No connection is held while the mail server takes it.

        Raises:
            DatabaseUnavailableError: the database does not answer.
            InvalidDataError: no mail can be sent to the address.
            MailUnavailableError: nobody takes the mail now.
        """
        mail = await self._write(order)
        if mail is not None:
            await self._mailer.send(mail)

    async def _write(self, order: MailOrder) -> Mail | None:
        match order.kind:
            case MailKind.VERIFICATION:
                return await self._verification(order)
            case MailKind.PASSWORD_RESET:
                return await self._password_reset(order)
            case MailKind.EMAIL_CHANGE:
                return await self._email_change(order)
            case MailKind.PASSWORD_CHANGED:
                return self._letters.password_changed(order.email)
            case MailKind.EMAIL_CHANGED:
                return self._letters.email_changed(order.email)

    async def _verification(self, order: MailOrder) -> Mail | None:
        lifetime = self._verification_lifetime
        async with self._unit_of_work() as uow:
            account = await uow.users.find_by_email(order.email)
            if account is None or account.is_verified:
                return None
            to = account.email
            token = await uow.one_time_tokens.issue(
                account, Purpose.VERIFICATION, lifetime=lifetime
            )
            await uow.commit()
        return None if token is None else self._letters.verification(to, token, lifetime)

    async def _password_reset(self, order: MailOrder) -> Mail | None:
        lifetime = self._password_reset_lifetime
        async with self._unit_of_work() as uow:
            account = await uow.users.find_by_email(order.email)
            if account is None:
                return None
            to = account.email
            token = await uow.one_time_tokens.issue(
                account, Purpose.PASSWORD_RESET, lifetime=lifetime
            )
            await uow.commit()
        return None if token is None else self._letters.password_reset(to, token, lifetime)

    async def _email_change(self, order: MailOrder) -> Mail | None:
        lifetime, to = self._email_change_lifetime, order.email
        async with self._unit_of_work() as uow:
            account = await uow.users.find(order.account_id)
            if account is None or account.token_version != order.version:
                return None
            if await uow.users.find_by_email(to) is not None:
                return self._letters.email_taken(to)
            token = await uow.one_time_tokens.issue(
                account, Purpose.EMAIL_CHANGE, lifetime=lifetime, email=to
            )
            await uow.commit()
        return None if token is None else self._letters.email_change(to, token, lifetime)
