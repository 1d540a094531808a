"""Accounts: opened, read, changed and closed."""

from uuid import UUID

from bedplate.auth.password_policy import PasswordPolicy
from bedplate.auth.passwords import PasswordHasher
from bedplate.errors import DuplicateError
from bedplate.logging import get_logger
from bedplate.pagination import CursorPage

from app.core.exceptions import EmailTakenError, LastAdministratorError
from app.models.user import User
from app.repositories.unit_of_work import AppUnitOfWork
from app.schemas.user import AccountUpdate, UserCreate, UserListParams, UserUpdate

log = get_logger(__name__)


class UserService:
    """What can be done with accounts."""

    def __init__(self, uow: AppUnitOfWork, policy: PasswordPolicy, hasher: PasswordHasher) -> None:
        self.uow = uow
        self.policy = policy
        self.hasher = hasher

    async def register(self, new: UserCreate) -> User:
        """Open an account.

        Raises:
            WeakPasswordError: the password is guessed early.
            EmailTakenError: the address has an account.
        """
        password = new.password.get_secret_value()
        await self.policy.check(password, email=new.email)
        password_hash = await self.hasher.hash(password)  # slow: before a connection is taken
        user = User(email=new.email, full_name=new.full_name, password_hash=password_hash)
        async with self.uow as uow:
            try:
                await uow.users.add(user)
            except DuplicateError as error:
                raise EmailTakenError from error
            await uow.commit()
        log.info("account_opened", account_id=user.id)
        return user

    async def get(self, user_id: UUID) -> User:
        """Give an account.

        Raises:
            NotFoundError: there is none.
        """
        async with self.uow.read_only() as uow:
            return await uow.users.get(user_id)

    async def page(self, params: UserListParams) -> CursorPage[User]:
        """Give a page of all accounts."""
        async with self.uow.read_only() as uow:
            return await uow.users.cursor_page(params)

    async def change_own(self, user_id: UUID, changes: AccountUpdate) -> User:
        """Change what people may change of their own account."""
        async with self.uow as uow:
            user = await uow.users.update(user_id, changes.changes())
            await uow.commit()
        return user

    async def change(self, user_id: UUID, changes: UserUpdate) -> User:
        """Change an account as an administrator; deactivating it ends its sessions.

        Raises:
            NotFoundError: there is none.
            LastAdministratorError: nobody would be left to administer.
        """
        async with self.uow as uow:
            administrators = await uow.users.lock_administrators()
            user = await uow.users.update(user_id, changes.changes())
            if administrators == {user_id} and not user.is_administrator:
                raise LastAdministratorError
            if not user.is_active:
                await uow.sessions.revoke_all(user_id)
            await uow.commit()
        log.info("account_changed", account_id=user_id, fields=sorted(changes.changes()))
        return user

    async def delete(self, user_id: UUID) -> None:
        """Delete an account with its sessions.

        Raises:
            NotFoundError: there is none.
            LastAdministratorError: nobody would be left to administer.
        """
        async with self.uow as uow:
            if await uow.users.lock_administrators() == {user_id}:
                raise LastAdministratorError
            await uow.users.delete(user_id)
            await uow.commit()
        log.info("account_deleted", account_id=user_id)
