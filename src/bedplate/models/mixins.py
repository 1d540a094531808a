"""What a model is made of: its key and its timestamps."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, func
from sqlalchemy.orm import Mapped, mapped_column

from bedplate.models.types import UTCDateTime
from bedplate.models.uuid7 import uuid7

__all__ = ["IdentityMixin", "TimestampMixin", "UUIDv7Mixin"]


class UUIDv7Mixin:
    """A key that is known before the row is stored, sorts by time and tells no count."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7, sort_order=-100)


class IdentityMixin:
    """A small integer key that the database counts up."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, sort_order=-100)


class TimestampMixin:
    """When the row was stored and last changed, by the clock of the database.

    It is the time of the statement, not of the transaction, so that two changes in one
    transaction are told apart.
    """

    created_at: Mapped[datetime] = mapped_column(
        UTCDateTime, server_default=func.statement_timestamp(), sort_order=100
    )
    updated_at: Mapped[datetime] = mapped_column(
        UTCDateTime,
        server_default=func.statement_timestamp(),
        onupdate=func.statement_timestamp(),
        sort_order=100,
    )
