"""Accounts."""

from bedplate.auth.models import AccountMixin
from bedplate.models import TimestampMixin, UUIDv7Mixin
from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

ADMINISTRATOR = "admin"


class User(UUIDv7Mixin, AccountMixin, TimestampMixin, Base):
    """Someone who can sign in."""

    __tablename__ = "users"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "roles", postgresql_using="gin"),
    )

    full_name: Mapped[str | None] = mapped_column(String(200))

    @property
    def is_administrator(self) -> bool:
        """Whether the account may act for others."""
        return self.is_active and ADMINISTRATOR in self.roles
