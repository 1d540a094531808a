"""Tokens that prove once that somebody reads an address, each used by one statement."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Executable,
    Interval,
    LargeBinary,
    Select,
    String,
    Table,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from bedplate.auth._statements import may_act
from bedplate.auth.models import AccountMixin, OneTimeTokenMixin
from bedplate.auth.refresh_tokens import hash_token
from bedplate.repositories import Repository

_NOW = func.clock_timestamp()
_BYTES = 32


class Purpose(StrEnum):
    """What a token is for, and for nothing else."""

    VERIFICATION = "verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a name
    EMAIL_CHANGE = "email_change"


@dataclass(frozen=True, slots=True)
class Consumed:
    """What a token stood for; it is gone with all others of its account and purpose."""

    account_id: UUID
    version: int
    """The account's ``token_version``."""
    email: str = field(repr=False)
    """Where the token was sent."""
    account_email: str = field(repr=False)
    """The account's address."""


class OneTimeTokenRepository[U: AccountMixin, T: OneTimeTokenMixin](Repository[T]):
    """The one-time tokens of a service's accounts.

    A service says which models they are made of::

        class OneTimeTokenRepository(one_time_tokens.OneTimeTokenRepository[User, OneTimeToken]):
            model = OneTimeToken
            account_model = User
    """

    account_model: type[U]

    async def issue(
        self, account: U, purpose: Purpose, *, lifetime: timedelta, email: str | None = None
    ) -> str | None:
        """Make a token that is known to the database by its hash alone.

        It ends with a new password and with a new address, too.

        Args:
            account: whose.
            purpose: what for.
            lifetime: how long it is valid.
            email: where it is sent; the account's address if None.

        Returns:
            None if the account was changed meanwhile, is not active, or is gone.
        """
        token = secrets.token_urlsafe(_BYTES)
        given = {
            "account_id": account.id,
            "version": account.token_version,
            "account_email": account.email,
            "email": account.email if email is None else email,
            "purpose": purpose.value,
            "token_hash": hash_token(token),
            "lifetime": lifetime,
        }
        issued = await self.session.execute(_issuing(*self._tables), given)
        return None if issued.scalar_one_or_none() is None else token

    async def find_account(self, token: str, purpose: Purpose) -> U | None:
        """Give the account of a token that could be consumed now, without consuming it."""
        presented = hash_token(token)
        if presented is None:
            return None
        accounts, tokens = self._tables
        found = await self.session.execute(
            select(self.account_model)
            .join(tokens, tokens.c.user_id == accounts.c.id)
            .where(_is_live(accounts, tokens)),
            {"presented": presented, "purpose": purpose.value},
        )
        return found.scalar_one_or_none()

    async def consume(self, token: str, purpose: Purpose) -> Consumed | None:
        """Use a token up, in one statement: of two that try at once, one gets it.

        The account stays locked until the commit, so that what the token allows is done to the
        account that it was issued for.

        Args:
            token: what was presented.
            purpose: what for.

        Returns:
            None if it is unknown, used, expired, for something else, or its account has changed.
        """
        presented = hash_token(token)
        if presented is None:
            return None
        given = {"presented": presented, "purpose": purpose.value}
        consumed = await self.session.execute(_consuming(*self._tables), given)
        row = consumed.one_or_none()
        if row is None:
            return None
        return Consumed(row.id, row.token_version, email=row.email, account_email=row.account_email)

    async def delete_expired(self, *, limit: int = 1000) -> int:
        """Delete tokens that have expired; several may do this at once.

        Args:
            limit: how many at most; commit and repeat until fewer are deleted.
        """
        deleted = await self.session.execute(_cleanup(self._tables[1], limit))
        return len(deleted.all())

    @property
    def _tables(self) -> tuple[Table, Table]:
        models: tuple[Any, ...] = (self.account_model, self.model)
        accounts, tokens = (cast("Table", model.__table__) for model in models)
        return accounts, tokens


@cache
def _issuing(accounts: Table, tokens: Table) -> Executable:
    account = select(
        bindparam("token_hash", type_=LargeBinary()),
        accounts.c.id,
        bindparam("purpose", type_=String()),
        bindparam("email", type_=String()),
        accounts.c.email,
        accounts.c.token_version,
        _NOW,
        _NOW + bindparam("lifetime", type_=Interval()),
    ).where(
        accounts.c.id == bindparam("account_id", type_=Uuid()),
        accounts.c.token_version == bindparam("version"),
        accounts.c.email == bindparam("account_email"),
        may_act(accounts),
    )
    columns = ["token_hash", "user_id", "purpose", "email", "account_email", "token_version"]
    return (
        insert(tokens)
        .from_select([*columns, "issued_at", "expires_at"], account, include_defaults=False)
        .returning(tokens.c.user_id)
    )


@cache
def _consuming(accounts: Table, tokens: Table) -> Select[Any]:
    """Lock the account, then delete its tokens of that purpose, the presented one among them.

    Whoever waited for the lock finds the token gone. The account comes first, so that two tokens
    of one account never deadlock.
    """
    account = (
        select(accounts.c.id, accounts.c.email.label("account_email"), accounts.c.token_version)
        .join(tokens, tokens.c.user_id == accounts.c.id)
        .where(_is_live(accounts, tokens))
        .with_for_update(of=accounts)
        .cte("account")
    )
    consumed = (
        delete(tokens)
        .where(tokens.c.user_id == account.c.id, tokens.c.purpose == bindparam("purpose"))
        .returning(
            tokens.c.token_hash,
            tokens.c.email,
            account.c.id,
            account.c.account_email,
            account.c.token_version,
        )
        .cte("consumed")
    )
    return select(consumed).where(
        consumed.c.token_hash == bindparam("presented", type_=LargeBinary())
    )


def _is_live(accounts: Table, tokens: Table) -> ColumnElement[bool]:
    """Give the condition that the presented token is valid for the account as it is now."""
    return and_(
        tokens.c.token_hash == bindparam("presented", type_=LargeBinary()),
        tokens.c.purpose == bindparam("purpose", type_=String()),
        tokens.c.expires_at > _NOW,
        tokens.c.account_email == accounts.c.email,
        tokens.c.token_version == accounts.c.token_version,
        may_act(accounts),
    )


@cache
def _cleanup(tokens: Table, limit: int) -> Executable:
    expired = (
        select(tokens.c.token_hash)
        .where(tokens.c.expires_at <= _NOW)
        .order_by(tokens.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("expired")
    )
    return (
        delete(tokens)
        .where(tokens.c.token_hash == expired.c.token_hash)
        .returning(tokens.c.token_hash)
    )
