"""Logging in, refreshing, logging out, and changing the password: each one transaction."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from bedplate.auth._transaction import Transaction
from bedplate.auth.accounts import AccountRepository
from bedplate.auth.claims import AccessClaims
from bedplate.auth.events import AuthEvent, AuthListener, ignore
from bedplate.auth.mail_orders import MailKind, MailOrder, order_mail
from bedplate.auth.models import AccountMixin
from bedplate.auth.password_policy import PasswordPolicy
from bedplate.auth.passwords import PasswordHasher
from bedplate.auth.refresh_tokens import RefreshTokens
from bedplate.auth.schemas import SessionRead, TokenPair
from bedplate.auth.session_cache import SessionCache
from bedplate.auth.sessions import Rotation, RotationOutcome, SessionRepository
from bedplate.auth.throttle import Throttle
from bedplate.auth.tokens import AccessTokens
from bedplate.context import identify
from bedplate.errors import (
    HasherBusyError,
    InvalidCredentialsError,
    InvalidGrantError,
    InvalidTokenError,
    NotFoundError,
    RetryableError,
    StaleError,
    ThrottledError,
    WrongPasswordError,
)
from bedplate.logging import get_logger

_REFRESH_ATTEMPTS = 3
_REFRESHED = {
    RotationOutcome.ROTATED: AuthEvent.REFRESH_SUCCEEDED,
    RotationOutcome.REPEATED: AuthEvent.REFRESH_SUCCEEDED,
    RotationOutcome.REUSED: AuthEvent.REFRESH_REUSED,
}
_log = get_logger(__name__)


class AuthUnitOfWork[U: AccountMixin](Transaction, Protocol):
    """The unit of work of a service, as far as signing in needs it."""

    @property
    def users(self) -> AccountRepository[U]:
        """The accounts."""
        ...

    @property
    def sessions(self) -> SessionRepository[U, Any]:
        """Their sessions."""
        ...


class Authenticated[U](NamedTuple):
    """Who calls, and what the access token says."""

    account: U
    claims: AccessClaims


class AuthService[U: AccountMixin]:
    """Everything between a password and a current principal.

    Args:
        unit_of_work: makes a new unit of work.
        hasher: verifies passwords.
        access_tokens: issues and verifies access tokens.
        refresh_tokens: makes refresh tokens, and says how long sessions last.
        throttle: says how often a password may be tried; None for as often as anybody likes.
        policy: says which new passwords are acceptable.
        verified_only: whether an address must be verified before its account signs in.
        cache: remembers principals for a moment; None looks each session up for each request.
        notify: told the address of an account whose password was changed, after that; not where the
            unit of work has ``mails``, as ``MailQueue`` says: there a mail is ordered with the change.
        listener: told how each attempt ended, such as ``Metrics.auth``.
    """

    def __init__(
        self,
        unit_of_work: Callable[[], AuthUnitOfWork[U]],
        hasher: PasswordHasher,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        *,
        throttle: Throttle | None = None,
        policy: PasswordPolicy | None = None,
        verified_only: bool = False,
        cache: SessionCache[U] | None = None,
        notify: Callable[[str], object] | None = None,
        listener: AuthListener = ignore,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._throttle = throttle
        self._policy = policy or PasswordPolicy()
        self._verified_only = verified_only
        self._cache = cache
        self._notify = notify
        self._tell = listener

    async def log_in(self, email: str, password: str, *, address: str | None = None) -> TokenPair:
        """Open a session for the right password.

        Args:
            email: however spelled.
            password: what somebody typed.
            address: the client's IP address, from a proxy that is trusted; None if unknown.

        Raises:
            InvalidCredentialsError: whatever is wrong, at the same cost.
            ThrottledError: too many attempts, whether there is such an account or not.
            HasherBusyError: too many passwords are being verified.
        """
        if self._throttle is not None:
            try:
                await self._throttle.admit(email, address)
            except ThrottledError:
                self._tell(AuthEvent.LOGIN_THROTTLED)
                raise
        async with self._unit_of_work().latest() as uow:
            account = await uow.users.find_by_email(email)
        # no connection is held while hashing
        stored = account.password_hash if account is not None and self._may_enter(account) else None
        check = await self._hasher.verify(password, stored)
        if account is None or stored is None or not check.ok:
            self._tell(AuthEvent.LOGIN_REFUSED)
            _log.info("login_refused", account_id=account and account.id)
            raise InvalidCredentialsError
        rehashed = await self._rehash(password) if check.needs_rehash else None
        async with self._unit_of_work() as uow:
            if rehashed is not None:
                await uow.users.rehash_password(account.id, old=stored, new=rehashed)
            opened = await uow.sessions.open(
                account.id, version=account.token_version, tokens=self._refresh_tokens
            )
            if opened is not None:
                await uow.commit()
        if opened is None:
            self._tell(AuthEvent.LOGIN_REFUSED)
            _log.info("login_refused", account_id=account.id, reason="changed meanwhile")
            raise InvalidCredentialsError
        if self._throttle is not None:
            await self._throttle.forgive(email, address)
        self._tell(AuthEvent.LOGIN_SUCCEEDED)
        _log.info("session_opened", account_id=account.id, session_id=opened.session_id)
        return self._pair(
            account.id, opened.session_id, account.token_version, opened.refresh_token
        )

    async def refresh(self, token: str) -> TokenPair:
        """Exchange a refresh token for a new pair.

        Raises:
            InvalidGrantError: it is unknown, expired, revoked or used; if it was used before the
                grace period, its session is revoked, and that is committed, before this is raised.
        """
        rotation = await self._rotate(token)
        self._tell(_REFRESHED.get(rotation.outcome, AuthEvent.REFRESH_REFUSED))
        if rotation.outcome is RotationOutcome.REUSED:
            _log.warning(
                "refresh_token_reused",
                account_id=rotation.account_id,
                session_id=rotation.session_id,
            )
        account_id, session_id = rotation.account_id, rotation.session_id
        version, refresh_token = rotation.version, rotation.refresh_token
        if account_id is None or session_id is None or version is None or refresh_token is None:
            raise InvalidGrantError
        return self._pair(account_id, session_id, version, refresh_token)

    async def authenticate(self, token: str) -> Authenticated[U]:
        """Give the current principal of an access token, who is active and whose session lasts.

        Raises:
            InvalidTokenError: for every flaw alike.
        """
        claims = self._access_tokens.verify(token)
        account = self._cache.get(claims) if self._cache is not None else None
        if account is None:
            account = await self._current(claims)
            if self._cache is not None:
                self._cache.put(claims, account)
        identify(claims.subject)
        return Authenticated(account, claims)

    async def log_out(self, claims: AccessClaims) -> None:
        """End the session that the claims belong to."""
        async with self._unit_of_work() as uow:
            await uow.sessions.revoke(claims.session_id, account_id=claims.subject)
            await uow.commit()
        _log.info("logged_out", account_id=claims.subject, session_id=claims.session_id)

    async def log_out_everywhere(self, claims: AccessClaims) -> None:
        """End every session of the account that the claims belong to."""
        async with self._unit_of_work() as uow:
            count = await uow.sessions.revoke_all(claims.subject)
            await uow.commit()
        _log.info("logged_out_everywhere", account_id=claims.subject, sessions=count)

    async def revoke(self, refresh_token: str) -> None:
        """End the session of a refresh token, as a client does that logs out (RFC 7009).

        No access token is needed, so that it works after the last one expired. Any token of the
        session will do. What is unknown or ended is no error: section 2.2 asks for the same answer.

        Args:
            refresh_token: what the client holds.
        """
        async with self._unit_of_work() as uow:
            revoked = await uow.sessions.revoke_presented(refresh_token)
            if revoked is not None:
                await uow.commit()
        if revoked is not None:
            _log.info("logged_out", account_id=revoked.account_id, session_id=revoked.session_id)

    async def sessions(self, claims: AccessClaims) -> list[SessionRead]:
        """List the caller's sessions, the latest used first, and say which one is asking.

        At most 100 are listed; ``log_out_everywhere`` ends the others too.
        """
        async with self._unit_of_work() as uow:
            listed = await uow.sessions.list_for(claims.subject)
        sessions = [SessionRead.model_validate(session) for session in listed]
        for session in sessions:
            session.current = session.id == claims.session_id
        return sessions

    async def revoke_session(self, claims: AccessClaims, session_id: UUID) -> None:
        """End one of the caller's sessions.

        Raises:
            NotFoundError: the caller has no such session.
        """
        async with self._unit_of_work() as uow:
            if not await uow.sessions.revoke(session_id, account_id=claims.subject):
                raise NotFoundError(resource="Session")
            await uow.commit()
        _log.info("session_revoked", account_id=claims.subject, session_id=session_id)

    async def change_password(
        self,
        claims: AccessClaims,
        current_password: str,
        new_password: str,
        *,
        address: str | None = None,
    ) -> None:
        """Change the caller's password and end all other sessions.

        This session goes on: its access token ends too, and its next refresh gives another.

        Args:
            claims: of the caller, whose session lasts.
            current_password: the caller's: who finds a device open does not take the account over.
            new_password: what counts from now on.
            address: the client's IP address, from a proxy that is trusted; None if unknown.

        Raises:
            InvalidTokenError: the session has ended, or does so meanwhile.
            WrongPasswordError: the current password is wrong.
            WeakPasswordError: the new one is guessed early.
            ThrottledError: too many attempts at the current password.
            StaleError: the password was changed meanwhile.
            HasherBusyError: too many passwords are being hashed.
        """
        account = await self._current(claims)
        await self._policy.check(new_password, email=account.email, field="new_password")
        if self._throttle is not None:
            await self._throttle.admit(account.email, address)
        if not (await self._hasher.verify(current_password, account.password_hash)).ok:
            _log.info("password_change_refused", account_id=account.id)
            raise WrongPasswordError
        new = await self._hasher.hash(new_password)
        async with self._unit_of_work() as uow:
            version = await uow.users.change_password(
                account.id, version=account.token_version, new=new
            )
            if version is None:
                raise StaleError
            # the account's row is locked now; the session may have ended while hashing
            if await uow.sessions.current(replace(claims, version=version)) is None:
                raise InvalidTokenError
            count = await uow.sessions.revoke_all(account.id, keep=claims.session_id)
            notice = MailOrder(MailKind.PASSWORD_CHANGED, account.email)
            ordered = await order_mail(uow, notice)
            await uow.commit()
        _log.info("password_changed", account_id=account.id, sessions_ended=count)
        if self._notify is not None and not ordered:
            self._notify(account.email)

    def _may_enter(self, account: U) -> bool:
        return account.is_active and (account.is_verified or not self._verified_only)

    async def _current(self, claims: AccessClaims) -> U:
        async with self._unit_of_work().latest() as uow:  # a session may just have ended
            account = await uow.sessions.current(claims)
        if account is None:
            raise InvalidTokenError
        return account

    async def _rotate(self, token: str) -> Rotation:
        """Rotate in a transaction, again where a stricter isolation than usual makes it collide."""
        for _ in range(_REFRESH_ATTEMPTS - 1):
            with suppress(RetryableError):
                return await self._rotate_once(token)
        return await self._rotate_once(token)

    async def _rotate_once(self, token: str) -> Rotation:
        async with self._unit_of_work() as uow:
            rotation = await uow.sessions.rotate(token, self._refresh_tokens)
            await uow.commit()
        return rotation

    async def _rehash(self, password: str) -> str | None:
        try:
            return await self._hasher.hash(password)
        except HasherBusyError:  # the next login will do
            return None

    def _pair(
        self, account_id: UUID, session_id: UUID, version: int, refresh_token: str
    ) -> TokenPair:
        issued = self._access_tokens.issue(account_id, session_id, version)
        return TokenPair(
            access_token=issued.token,
            expires_in=issued.expires_in,
            refresh_token=refresh_token,
        )
