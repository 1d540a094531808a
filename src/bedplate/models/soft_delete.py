"""Rows that are marked as deleted instead of being removed."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bedplate.models.types import UTCDateTime

__all__ = ["SoftDeleteMixin", "unique_while_present"]


class SoftDeleteMixin:
    """When the row was deleted, by the clock of the database; None while it is present.

    Repositories mark such rows where they would remove others, and leave marked ones out.
    """

    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime, sort_order=101)


def unique_while_present(*columns: str) -> Index:
    """Give a unique index for ``__table_args__`` that holds among present rows only.

    A deleted row frees its name; restoring it raises DuplicateError when the name is taken.

    Args:
        columns: names of columns of a ``SoftDeleteMixin`` model; name ``tenant_id`` first when the
            rows belong to tenants.
    """
    return Index(None, *columns, unique=True, postgresql_where=text("deleted_at IS NULL"))
