"""What somebody confirms by mail: an address, a new address, or a forgotten password.

Asking is answered before anything is looked up: neither the answer nor its time tells whether
there is such an account.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn
from uuid import UUID

from bedplate.auth._errands import Errands
from bedplate.auth.account_mails import AccountMails, ConfirmationUnitOfWork
from bedplate.auth.api_keys import ApiKeyRepository
from bedplate.auth.claims import AccessClaims
from bedplate.auth.emails import normalise_email
from bedplate.auth.letters import Letters
from bedplate.auth.mail_orders import MailKind, MailOrder, order_mail
from bedplate.auth.models import AccountMixin
from bedplate.auth.one_time_tokens import Consumed, Purpose
from bedplate.auth.password_policy import PasswordPolicy
from bedplate.auth.passwords import PasswordHasher
from bedplate.auth.throttle import Throttle
from bedplate.errors import (
    DuplicateError,
    InvalidOneTimeTokenError,
    InvalidTokenError,
    MailUnavailableError,
    WrongPasswordError,
)
from bedplate.logging import get_logger
from bedplate.mail import Mailer

_log = get_logger(__name__)


class ConfirmationService[U: AccountMixin]:
    """Verifies addresses, changes them, and resets passwords, by tokens that are sent by mail.

    Where the unit of work has ``mails``, as ``MailQueue`` says, a mail is ordered in a transaction:
    in the one of the change that it tells of, if there is one. Otherwise it is sent after the
    answer, by a task of this process, and lost if the process ends before.

    Args:
        unit_of_work: makes a new unit of work.
        hasher: hashes new passwords and verifies present ones.
        mailer: sends the mails.
        letters: writes them.
        throttle: says how often mails may be asked for, and a password tried; None for always.
        policy: says which new passwords are acceptable.
        verification_lifetime: how long an address can be confirmed.
        password_reset_lifetime: how long a password can be reset.
        email_change_lifetime: how long a new address can be confirmed.
    """

    def __init__(
        self,
        unit_of_work: Callable[[], ConfirmationUnitOfWork[U]],
        hasher: PasswordHasher,
        mailer: Mailer,
        letters: Letters,
        *,
        throttle: Throttle | None = None,
        policy: PasswordPolicy | None = None,
        verification_lifetime: timedelta = timedelta(days=1),
        password_reset_lifetime: timedelta = timedelta(minutes=30),
        email_change_lifetime: timedelta = timedelta(hours=1),
    ) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self.mails = AccountMails(
            unit_of_work,
            mailer,
            letters,
            verification_lifetime=verification_lifetime,
            password_reset_lifetime=password_reset_lifetime,
            email_change_lifetime=email_change_lifetime,
        )
        self._throttle = throttle
        self._policy = policy or PasswordPolicy()
        self._errands = Errands()

    async def request_verification(self, email: str, *, address: str | None = None) -> None:
        """Send a mail that verifies the address, if an account has it and it is not verified yet.

        Args:
            email: however spelled.
            address: the client's IP address, from a proxy that is trusted; None if unknown.

        Raises:
            ThrottledError: too many mails were asked for, whether there is such an account or not.
            MailUnavailableError: too many mails wait to be sent, whoever asks; never with ``mails``.
        """
        await self._admit(email, address)
        await self._ask(MailOrder(MailKind.VERIFICATION, email))

    async def verify_email(self, token: str) -> None:
        """Mark the address verified that the token was sent to.

        Raises:
            InvalidOneTimeTokenError: it is unknown, used or expired, or the account has changed.
        """
        async with self._unit_of_work() as uow:
            consumed = await _consume(uow, token, Purpose.VERIFICATION)
            await uow.users.update(consumed.account_id, {"is_verified": True})
            await uow.commit()
        _log.info("email_verified", account_id=consumed.account_id)

    async def request_password_reset(self, email: str, *, address: str | None = None) -> None:
        """Send a mail with the way to a new password, if an active account has the address.

        Args:
            email: however spelled.
            address: the client's IP address, from a proxy that is trusted; None if unknown.

        Raises:
            ThrottledError: too many mails were asked for, whether there is such an account or not.
            MailUnavailableError: too many mails wait to be sent, whoever asks; never with ``mails``.
        """
        await self._admit(email, address)
        await self._ask(MailOrder(MailKind.PASSWORD_RESET, email))

    async def reset_password(self, token: str, new_password: str) -> None:
        """Set a new password, end all sessions and API keys, and tell the account by mail.

        The token survives a password that is refused. Nothing is hashed for an invalid token.
        API keys end if the unit of work has ``api_keys``, as ``ApiKeyUnitOfWork`` says.

        Raises:
            InvalidOneTimeTokenError: it is unknown, used or expired, or the account has changed.
            WeakPasswordError: the new password is guessed early.
            HasherBusyError: too many passwords are being hashed.
        """
        async with self._unit_of_work() as uow:
            account = await uow.one_time_tokens.find_account(token, Purpose.PASSWORD_RESET)
        if account is None:
            _refuse(Purpose.PASSWORD_RESET)
        await self._policy.check(new_password, email=account.email, field="new_password")
        new = await self._hasher.hash(new_password)  # slow: no connection is held
        async with self._unit_of_work() as uow:
            consumed = await _consume(uow, token, Purpose.PASSWORD_RESET)
            account_id = consumed.account_id
            # the mail was read, so the address is the account's
            await uow.users.update(account_id, {"is_verified": True})
            await uow.users.change_password(account_id, version=consumed.version, new=new)
            count = await uow.sessions.revoke_all(account_id)
            keys = await _revoke_api_keys(uow, account_id)
            notice = MailOrder(MailKind.PASSWORD_CHANGED, consumed.account_email)
            ordered = await order_mail(uow, notice)
            await uow.commit()
        _log.info("password_reset", account_id=account_id, sessions_ended=count, keys_ended=keys)
        if not ordered:
            self._tell(notice)

    def tell_password_changed(self, email: str) -> None:
        """Tell an account by mail that it has another password, which its owner may not know of."""
        self._tell(MailOrder(MailKind.PASSWORD_CHANGED, email))

    async def request_email_change(
        self, claims: AccessClaims, password: str, new_email: str, *, address: str | None = None
    ) -> None:
        """Send a mail to a new address; the old one stays the account's until it is confirmed.

        Args:
            claims: of the caller, whose session lasts.
            password: the caller's: who finds a device open does not take the account over.
            new_email: the new address. If another account has it, its owner is told so by mail.
            address: the client's IP address, from a proxy that is trusted; None if unknown.

        Raises:
            InvalidDataError: it is not an address.
            InvalidTokenError: the session has ended.
            WrongPasswordError: the password is wrong.
            ThrottledError: too many mails were asked for, or passwords tried.
            HasherBusyError: too many passwords are being hashed.
            MailUnavailableError: too many mails wait to be sent.
        """
        normalised = normalise_email(new_email)
        async with self._unit_of_work() as uow:
            account = await uow.sessions.current(claims)
        if account is None:
            raise InvalidTokenError
        await self._admit(account.email, address)
        if not (await self._hasher.verify(password, account.password_hash)).ok:
            _log.info("email_change_refused", account_id=account.id)
            raise WrongPasswordError
        version = account.token_version
        await self._ask(MailOrder(MailKind.EMAIL_CHANGE, normalised, account.id, version))

    async def change_email(self, token: str) -> None:
        """Make the address that the token was sent to the account's, and tell the old one.

        Raises:
            InvalidOneTimeTokenError: it is unknown, used or expired, the account has changed, or
                another account took the address meanwhile.
        """
        try:
            async with self._unit_of_work() as uow:
                consumed = await _consume(uow, token, Purpose.EMAIL_CHANGE)
                changes = {"email": consumed.email, "is_verified": True}
                await uow.users.update(consumed.account_id, changes)
                notice = MailOrder(MailKind.EMAIL_CHANGED, consumed.account_email)
                ordered = await order_mail(uow, notice)
                await uow.commit()
        except DuplicateError:
            consumed = None
        if consumed is None:
            _refuse(Purpose.EMAIL_CHANGE)
        _log.info("email_changed", account_id=consumed.account_id)
        if not ordered:
            self._tell(notice)

    async def finish(self) -> None:
        """Wait until every mail that was asked for is sent; for the end of a service, and tests."""
        await self._errands.finish()

    async def _admit(self, email: str, address: str | None) -> None:
        if self._throttle is not None:
            await self._throttle.admit(email, address)

    async def _ask(self, order: MailOrder) -> None:
        async with self._unit_of_work() as uow:
            ordered = await order_mail(uow, order)
            if ordered:
                await uow.commit()
        if not ordered:
            self._errands.start(self.mails.send, order)

    def _tell(self, notice: MailOrder) -> None:
        """Send a notice of what is stored already: too late to fail."""
        try:
            self._errands.start(self.mails.send, notice)
        except MailUnavailableError:
            _log.error("notice_not_sent", notice=notice.kind.value)


async def _consume(uow: ConfirmationUnitOfWork[Any], token: str, purpose: Purpose) -> Consumed:
    consumed = await uow.one_time_tokens.consume(token, purpose)
    if consumed is None:
        _refuse(purpose)
    return consumed


async def _revoke_api_keys(uow: ConfirmationUnitOfWork[Any], account_id: UUID) -> int:
    """End what an intruder may have made to stay; after the account's row is locked."""
    keys = getattr(uow, "api_keys", None)
    return await keys.revoke_all(account_id) if isinstance(keys, ApiKeyRepository) else 0


def _refuse(purpose: Purpose) -> NoReturn:
    _log.info("one_time_token_refused", purpose=purpose.value)
    raise InvalidOneTimeTokenError
