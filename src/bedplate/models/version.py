"""A number that every change of a row counts up, so that a change of something old is noticed."""

from typing import Any

from sqlalchemy.orm import Mapped, declared_attr, mapped_column

__all__ = ["VersionMixin"]


class VersionMixin:
    """How often the row was written; a change that expects another number raises StaleError.

    Repositories count it up in SQL, in the statement of the change; flushes of changed entities
    are guarded by it too.
    """

    version: Mapped[int] = mapped_column(default=1, server_default="1", sort_order=102)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        """Name the column to SQLAlchemy, beside what the base says."""
        inherited: dict[str, Any] = getattr(super(), "__mapper_args__", {})
        return {**inherited, "version_id_col": cls.version}
