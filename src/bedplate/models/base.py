"""The declarative base: constraint names that never collide and defaults fit for async."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import MetaData, event
from sqlalchemy.orm import DeclarativeBase, Mapper, RelationshipProperty

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
    """The base of a service's models; table names stay explicit.

    A relationship that says nothing of its loading is ``lazy="raise"``: one statement for each
    row (N+1) cannot happen unseen. What a read needs besides it names, by ``with_options``;
    ``lazy=True`` on a relationship means that it is loaded when it is touched.
    """

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UTCDateTime}

    def __repr__(self) -> str:
        """Name the row by its key alone: reprs reach logs."""
        state = self.__dict__.get("_sa_instance_state")
        key = state.identity if state is not None else None
        return f"<{type(self).__name__} {', '.join(map(str, key)) if key else 'not stored'}>"


@event.listens_for(Base, "before_mapper_configured", propagate=True)
def _load_nothing_later(mapper: Mapper[Any], _model: type[Any]) -> None:
    """Take SQLAlchemy's defaults, ``"auto"`` and ``"select"``, for none; a backref's too.

    Not in ``__mapper_args__``: a model that has its own replaces those of its base.
    """
    # What the database fills in comes back with the same statement: a later load would be
    # implicit I/O, which async sessions cannot do.
    if mapper.eager_defaults == "auto":
        mapper.eager_defaults = True
    for found in mapper.iterate_properties:
        if not isinstance(found, RelationshipProperty):
            continue
        if found.lazy == "select":
            found.lazy, found.strategy_key = "raise", (("lazy", "raise"),)
        if found.backref is not None:
            name, said = (found.backref, {}) if isinstance(found.backref, str) else found.backref
            found.backref = (name, {"lazy": "raise", **said})
