"""The columns of accounts, sessions and refresh tokens, for a service's own tables."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from bedplate._extras import missing_extra
from bedplate.models import UTCDateTime, UUIDv7Mixin

try:
    from sqlalchemy import ForeignKey, LargeBinary, String, Text, false, func, text, true
    from sqlalchemy.dialects.postgresql import ARRAY  # the generic one cannot be searched in
    from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
except ModuleNotFoundError as error:
    raise missing_extra("database", "sqlalchemy") from error

if TYPE_CHECKING:
    # To a type checker a mixin is what it will be mixed into, so that repositories of it are typed.
    _Mixin = DeclarativeBase
else:
    _Mixin = object


class AccountMixin(_Mixin):
    """Somebody who can sign in; its key is a UUID, as with ``UUIDv7Mixin``."""

    if TYPE_CHECKING:
        id: Mapped[UUID]

    email: Mapped[str] = mapped_column(String(254), unique=True)
    """As ``normalise_email`` spells it."""
    password_hash: Mapped[str] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_verified: Mapped[bool] = mapped_column(default=False, server_default=false())
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    token_version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """The epoch that access tokens carry as ``ver``; a new password begins the next one."""


class AuthSessionMixin(UUIDv7Mixin, _Mixin):
    """One sign-in on one device: the family of all refresh tokens that descend from it."""

    account_table: ClassVar[str] = "users"

    @declared_attr
    def user_id(cls) -> Mapped[UUID]:  # noqa: N805 - SQLAlchemy calls it with the class
        """Whose session it is."""
        key = f"{cls.account_table}.id"
        return mapped_column(ForeignKey(key, ondelete="CASCADE"), index=True)

    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=func.clock_timestamp())
    last_used_at: Mapped[datetime] = mapped_column(
        UTCDateTime, server_default=func.clock_timestamp()
    )
    """When it was last refreshed."""
    absolute_expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RefreshTokenMixin(_Mixin):
    """One refresh token by its hash; kept when consumed, so that its reuse is noticed."""

    session_table: ClassVar[str] = "auth_sessions"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)

    @declared_attr
    def session_id(cls) -> Mapped[UUID]:  # noqa: N805 - SQLAlchemy calls it with the class
        """The session it belongs to."""
        key = f"{cls.session_table}.id"
        return mapped_column(ForeignKey(key, ondelete="CASCADE"), index=True)

    issued_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=func.clock_timestamp())
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    consumed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    successor_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    successor_nonce: Mapped[bytes | None] = mapped_column(LargeBinary(16))


class OneTimeTokenMixin(_Mixin):
    """One token that was sent by mail, by its hash; deleted when it is used."""

    account_table: ClassVar[str] = "users"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)

    @declared_attr
    def user_id(cls) -> Mapped[UUID]:  # noqa: N805 - SQLAlchemy calls it with the class
        """Whose it is."""
        key = f"{cls.account_table}.id"
        return mapped_column(ForeignKey(key, ondelete="CASCADE"), index=True)

    purpose: Mapped[str] = mapped_column(String(32))
    email: Mapped[str] = mapped_column(String(254))
    """Where it was sent."""
    account_email: Mapped[str] = mapped_column(String(254))
    """The account's address then; the token ends with it."""
    token_version: Mapped[int]
    """The account's epoch then; the token ends with it."""
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=func.clock_timestamp())
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class ApiKeyMixin(UUIDv7Mixin, _Mixin):
    """One key of a machine that acts for an account, by its hash."""

    account_table: ClassVar[str] = "users"

    @declared_attr
    def user_id(cls) -> Mapped[UUID]:  # noqa: N805 - SQLAlchemy calls it with the class
        """Whose it is."""
        key = f"{cls.account_table}.id"
        return mapped_column(ForeignKey(key, ondelete="CASCADE"), index=True)

    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    hint: Mapped[str] = mapped_column(String(40))
    """The first and the last characters of the key."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=func.clock_timestamp())
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """Exact to a minute."""
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ThrottleMixin(_Mixin):
    """One counter of attempts."""

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """An HMAC of what is counted."""
    empty_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    """When all attempts are allowed again."""
