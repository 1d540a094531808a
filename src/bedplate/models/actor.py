"""Who stored and who last changed a row."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Mapper, Session, mapped_column, object_session

__all__ = ["ActorMixin", "actor_of", "set_actor"]

_KEY = "bedplate.actor"


class ActorMixin:
    """Who stored the row and who last changed it: the actor of the unit of work.

    None is the service itself: a unit of work without an actor stores None for both, and its
    changes put None for ``updated_by`` rather than leave the blame on whoever came before.
    """

    created_by: Mapped[UUID | None] = mapped_column(sort_order=103)
    updated_by: Mapped[UUID | None] = mapped_column(sort_order=103)


def set_actor(session: AsyncSession | Session, actor: object) -> None:
    """Say in whose name a session writes; a unit of work does it with its ``actor``.

    Args:
        session: the session.
        actor: what ``created_by`` and ``updated_by`` hold, or None for the service itself.
    """
    session.info[_KEY] = actor


def actor_of(session: AsyncSession | Session) -> Any:  # noqa: ANN401 - whatever the column holds
    """Give the actor of a session, or None."""
    return session.info.get(_KEY)


@event.listens_for(ActorMixin, "before_insert", propagate=True)
def _stamp_new(_mapper: Mapper[Any], _connection: Connection, entity: ActorMixin) -> None:
    session = object_session(entity)
    actor = None if session is None else actor_of(session)
    if actor is not None:
        entity.created_by = entity.updated_by = actor


@event.listens_for(ActorMixin, "before_update", propagate=True)
def _stamp_changed(_mapper: Mapper[Any], _connection: Connection, entity: ActorMixin) -> None:
    session = object_session(entity)
    if session is not None and session.is_modified(entity, include_collections=False):
        entity.updated_by = actor_of(session)
