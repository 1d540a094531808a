"""Entities that a session has loaded already, and how they learn of changes made by SQL."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm.attributes import set_committed_value

from bedplate.repositories.keys import mapper_of

__all__ = ["entities", "entity_with_key", "kept_relationships", "restore"]


def entity_with_key[M: DeclarativeBase](
    session: AsyncSession, model: type[M], identity: tuple[Any, ...]
) -> M | None:
    """Give the entity if the session has it; nothing is sent."""
    key = mapper_of(model).identity_key_from_primary_key(identity)
    found: M | None = session.identity_map.get(key)
    return found


def entities[M: DeclarativeBase](session: AsyncSession, model: type[M]) -> list[M]:
    """Give all entities of a model that the session has."""
    return [entity for entity in session.identity_map.values() if isinstance(entity, model)]


def kept_relationships(entity: DeclarativeBase, changed: Collection[str]) -> Mapping[str, Any]:
    """Give the loaded relationships of an entity that a change of columns leaves true.

    Reading an entity anew forgets its relationships, and async sessions cannot load them later.
    """
    mapper = mapper_of(type(entity))
    columns = {mapper.columns[name] for name in changed if name in mapper.columns}
    return {
        relationship.key: entity.__dict__[relationship.key]
        for relationship in mapper.relationships
        if relationship.key in entity.__dict__ and not relationship.local_columns & columns
    }


def restore(entity: DeclarativeBase, relationships: Mapping[str, Any]) -> None:
    """Put back what ``kept_relationships`` gave."""
    for name, value in relationships.items():
        set_committed_value(entity, name, value)
