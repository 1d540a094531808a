"""Where accounts are kept, with changes of a password that no other change can undo by accident."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, update

from bedplate.auth.emails import normalise_email
from bedplate.auth.models import AccountMixin
from bedplate.errors import InvalidDataError
from bedplate.repositories import Repository


class AccountRepository[U: AccountMixin](Repository[U]):
    """The accounts of a service."""

    async def find_by_email(self, email: str) -> U | None:
        """Find the account with this address, however spelled; None for what is no address."""
        try:
            normalised = normalise_email(email)
        except InvalidDataError:
            return None
        return await self.first(self.model.email == normalised)

    async def rehash_password(self, account_id: UUID, *, old: str, new: str) -> bool:
        """Store a better hash of the same password, unless the password was changed meanwhile.

        Args:
            account_id: whose.
            old: the hash that the password was verified against.
            new: the hash that replaces it.
        """
        accounts = self._accounts
        stored = await self.session.execute(
            update(accounts)
            .where(accounts.c.id == account_id, accounts.c.password_hash == old)
            .values(password_hash=new)
            .returning(accounts.c.id)
        )
        return stored.scalar_one_or_none() is not None

    async def change_password(self, account_id: UUID, *, version: int, new: str) -> int | None:
        """Store the hash of another password and begin the next epoch of access tokens.

        The sessions that shall end are revoked after this, in the same transaction: logins that
        verified the old password wait for it and are then refused.

        Args:
            account_id: whose.
            version: the account's ``token_version`` when the change was allowed.
            new: the hash of the new password.

        Returns:
            The next version, or None if the password was changed meanwhile.
        """
        accounts = self._accounts
        stored = await self.session.execute(
            update(accounts)
            .where(accounts.c.id == account_id, accounts.c.token_version == version)
            .values(password_hash=new, token_version=accounts.c.token_version + 1)
            .returning(accounts.c.token_version)
        )
        return cast("int | None", stored.scalar_one_or_none())

    @property
    def _accounts(self) -> Table:
        table: Any = self.model.__table__
        return cast("Table", table)
