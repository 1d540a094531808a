"""API keys: for machines that act for an account, stored by their hash, revocable one by one."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Interval,
    LargeBinary,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from bedplate.auth._statements import may_act
from bedplate.auth._transaction import Transaction
from bedplate.auth.api_key_text import ApiKeyFormat, NewApiKey
from bedplate.auth.claims import write_scope
from bedplate.auth.models import AccountMixin, ApiKeyMixin
from bedplate.auth.schemas import ApiKeyIssued, ApiKeyRead
from bedplate.context import identify
from bedplate.errors import (
    ConflictError,
    InsufficientScopeError,
    InvalidDataError,
    InvalidTokenError,
    NotFoundError,
)
from bedplate.logging import get_logger
from bedplate.models import uuid7
from bedplate.repositories import Repository

_NOW = func.clock_timestamp()
_PRECISION = timedelta(minutes=1)
_MAXIMUM_NAME = 100
_KEPT = timedelta(days=90)
"""How long keys are kept after their end: whoever finds one in a log can still tell whose it was."""
_log = get_logger(__name__)


class ApiKeyPrincipal[U](NamedTuple):
    """The account that a machine acts for, and what its key allows."""

    account: U
    key_id: UUID
    scopes: frozenset[str]


class ApiKeyRepository[U: AccountMixin, K: ApiKeyMixin](Repository[K]):
    """The API keys of a service's accounts.

    A service says which models they are made of::

        class ApiKeyRepository(api_keys.ApiKeyRepository[User, ApiKey]):
            model = ApiKey
            account_model = User
    """

    account_model: type[U]

    async def issue(
        self,
        account_id: UUID,
        key: NewApiKey,
        *,
        version: int,
        name: str,
        scopes: Collection[str],
        lifetime: timedelta | None,
        at_most: int,
    ) -> K | None:
        """Store a key; its account is locked meanwhile, so that the limit holds.

        Returns:
            None if the account has ``at_most`` live keys, another ``token_version``, is not active,
            or is gone.
        """
        accounts, _ = self._tables
        locked = await self.session.execute(
            select(accounts.c.id)
            .where(
                accounts.c.id == account_id,
                accounts.c.token_version == version,
                may_act(accounts),
            )
            .with_for_update()
        )
        if locked.scalar_one_or_none() is None or await self._count(account_id) >= at_most:
            return None
        stored = await self.session.scalars(
            insert(self.model)
            .values(
                id=uuid7(),
                user_id=account_id,
                key_hash=key.key_hash,
                name=name,
                hint=key.hint,
                scopes=sorted(scopes),
                expires_at=None if lifetime is None else _NOW + lifetime,
            )
            .returning(self.model)
        )
        return stored.one()

    async def use(self, key_hash: bytes) -> ApiKeyPrincipal[U] | None:
        """Give the principal of a key, in one statement; once a minute a second one notes its use.

        Args:
            key_hash: of the presented key.

        Returns:
            None if there is no such key, it is revoked or expired, or its account is inactive.
        """
        accounts, keys = self._tables
        noted = keys.c.last_used_at > _NOW - bindparam("precision", type_=Interval())
        found = await self.session.execute(
            select(
                self.account_model,
                keys.c.id,
                keys.c.scopes,
                func.coalesce(noted, False).label("noted"),
            )
            .join(keys, keys.c.user_id == accounts.c.id)
            .where(
                keys.c.key_hash == bindparam("presented", type_=LargeBinary()),
                may_act(accounts),
                self._is_live(),
            ),
            {"presented": key_hash, "precision": _PRECISION},
        )
        row = found.one_or_none()
        if row is None:
            return None
        account, key_id, scopes, is_noted = row
        if not is_noted:
            await self._note_use(key_id)
        return ApiKeyPrincipal(account, key_id, frozenset(scopes))

    async def list_for(self, account_id: UUID) -> list[K]:
        """List an account's keys that are neither revoked nor expired, the newest first."""
        keys = self._tables[1]
        found = await self.session.execute(
            select(self.model)
            .where(keys.c.user_id == account_id, self._is_live())
            .order_by(keys.c.id.desc())
        )
        return list(found.scalars())

    async def revoke(self, key_id: UUID, *, account_id: UUID) -> bool:
        """End a key of an account; False if there is none that is live."""
        keys = self._tables[1]
        revoked = await self.session.execute(
            update(keys)
            .where(keys.c.id == key_id, keys.c.user_id == account_id, self._is_live())
            .values(revoked_at=_NOW)
            .returning(keys.c.id)
        )
        return revoked.scalar_one_or_none() is not None

    async def revoke_all(self, account_id: UUID) -> int:
        """End all live keys of an account and give their number."""
        keys = self._tables[1]
        revoked = await self.session.execute(
            update(keys)
            .where(keys.c.user_id == account_id, self._is_live())
            .values(revoked_at=_NOW)
            .returning(keys.c.id)
        )
        return len(revoked.all())

    async def delete_expired(self, *, limit: int = 1000) -> int:
        """Delete keys that were revoked or expired 90 days ago; several may do this at once.

        Args:
            limit: how many at most; commit and repeat until fewer are deleted.
        """
        keys = self._tables[1]
        ended = (
            select(keys.c.id)
            .where(func.least(keys.c.revoked_at, keys.c.expires_at) <= _NOW - _KEPT)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("ended")
        )
        deleted = await self.session.execute(
            delete(keys).where(keys.c.id == ended.c.id).returning(keys.c.id)
        )
        return len(deleted.all())

    async def _count(self, account_id: UUID) -> int:
        keys = self._tables[1]
        counted = await self.session.execute(
            select(func.count()).where(keys.c.user_id == account_id, self._is_live())
        )
        return int(counted.scalar_one())

    async def _note_use(self, key_id: UUID) -> None:
        """Note the time, unless another request of the same key is doing so."""
        keys = self._tables[1]
        free = select(keys.c.id).where(keys.c.id == key_id).with_for_update(skip_locked=True)
        await self.session.execute(
            update(keys).where(keys.c.id.in_(free)).values(last_used_at=_NOW)
        )

    def _is_live(self) -> ColumnElement[bool]:
        keys = self._tables[1]
        return and_(
            keys.c.revoked_at.is_(None),
            keys.c.expires_at.is_(None) | (keys.c.expires_at > _NOW),
        )

    @property
    def _tables(self) -> tuple[Table, Table]:
        models: tuple[Any, ...] = (self.account_model, self.model)
        accounts, keys = (cast("Table", model.__table__) for model in models)
        return accounts, keys


class ApiKeyUnitOfWork[U: AccountMixin](Transaction, Protocol):
    """The unit of work of a service, as far as API keys need it."""

    @property
    def api_keys(self) -> ApiKeyRepository[U, Any]:
        """The keys."""
        ...


class ApiKeyService[U: AccountMixin]:
    """Issues, recognises and revokes API keys.

    Args:
        unit_of_work: makes a new unit of work.
        text_format: how the keys look.
        at_most: how many live keys one account may have.
    """

    def __init__(
        self,
        unit_of_work: Callable[[], ApiKeyUnitOfWork[U]],
        text_format: ApiKeyFormat,
        *,
        at_most: int = 50,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._format = text_format
        self._at_most = at_most

    async def issue(
        self,
        account_id: UUID,
        name: str,
        *,
        version: int,
        scopes: Collection[str],
        allowed: Collection[str],
        lifetime: timedelta | None = timedelta(days=365),
    ) -> ApiKeyIssued:
        """Make a key that acts for an account.

        Args:
            account_id: whose.
            name: what the key is for; 1 to 100 characters.
            version: the account's ``token_version`` when the caller was authenticated, so that
                nobody who was thrown out by a new password leaves a key behind.
            scopes: what the key allows.
            allowed: what the caller may do: nobody gives more than they have.
            lifetime: how long it is valid; None for until it is revoked.

        Raises:
            InvalidDataError: the name, a scope or the lifetime is not acceptable.
            InsufficientScopeError: the caller may not do what the key would allow.
            ConflictError: the account has as many keys as it may have, was given another password
                meanwhile, or is not active.
        """
        if not name.isprintable() or not 0 < len(name.strip()) <= len(name) <= _MAXIMUM_NAME:
            raise InvalidDataError("A key's name has 1 to 100 characters.", field="name")
        if lifetime is not None and lifetime <= timedelta(0):
            raise InvalidDataError("A key's lifetime is positive.", field="lifetime")
        try:
            wanted = write_scope(tuple(sorted(scopes)))
        except ValueError as error:
            raise InvalidDataError("A scope is malformed.", field="scopes") from error
        if not set(scopes) <= set(allowed):
            raise InsufficientScopeError(scope=wanted)
        key = self._format.new()
        async with self._unit_of_work() as uow:
            stored = await uow.api_keys.issue(
                account_id,
                key,
                version=version,
                name=name,
                scopes=set(scopes),
                lifetime=lifetime,
                at_most=self._at_most,
            )
            if stored is None:
                raise ConflictError("This account can have no more API keys.")
            issued = ApiKeyIssued(**ApiKeyRead.model_validate(stored).model_dump(), key=key.text)
            await uow.commit()
        _log.info("api_key_issued", account_id=account_id, key_id=issued.id)
        return issued

    def recognises(self, token: str) -> bool:
        """Tell an API key, right or wrong, from an access token."""
        return self._format.looks_like(token)

    async def authenticate(self, text: str) -> ApiKeyPrincipal[U]:
        """Give the principal of a key.

        Revoking it ends it, and a password reset by mail; a changed password does not.

        Raises:
            InvalidTokenError: for every flaw alike.
        """
        key_hash = self._format.hash(text)
        if key_hash is None:
            raise InvalidTokenError("The API key is not valid.")
        async with self._unit_of_work() as uow:
            principal = await uow.api_keys.use(key_hash)
            if principal is not None:
                await uow.commit()
        if principal is None:
            raise InvalidTokenError("The API key is not valid.")
        identify(principal.account.id)
        return principal

    async def list_for(self, account_id: UUID) -> list[ApiKeyRead]:
        """List an account's live keys, the newest first; never their text."""
        async with self._unit_of_work() as uow:
            listed = await uow.api_keys.list_for(account_id)
        return [ApiKeyRead.model_validate(key) for key in listed]

    async def revoke(self, account_id: UUID, key_id: UUID) -> None:
        """End one of an account's keys at once.

        Raises:
            NotFoundError: the account has no such live key.
        """
        async with self._unit_of_work() as uow:
            if not await uow.api_keys.revoke(key_id, account_id=account_id):
                raise NotFoundError(resource="ApiKey")
            await uow.commit()
        _log.info("api_key_revoked", account_id=account_id, key_id=key_id)
