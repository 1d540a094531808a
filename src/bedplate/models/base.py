"""The declarative base: constraint names that never collide and defaults fit for async."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from bedplate.models.types import UTCDateTime

__all__ = ["NAMING_CONVENTION", "Base"]

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names from all columns of a constraint, so that two composite ones differ."""


class Base(DeclarativeBase):
    """The base of a service's models; table names stay explicit."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UTCDateTime}
    # What the database fills in comes back with the same statement: a later load would be
    # implicit I/O, which async sessions cannot do.
    __mapper_args__ = {  # noqa: RUF012 - as DeclarativeBase declares it
        "eager_defaults": True,
    }

    def __repr__(self) -> str:
        """Name the row by its key alone: reprs reach logs."""
        state = self.__dict__.get("_sa_instance_state")
        key = state.identity if state is not None else None
        return f"<{type(self).__name__} {', '.join(map(str, key)) if key else 'not stored'}>"
