"""Models that few services have, and every library meets."""

# ruff: noqa: RUF012 - as SQLAlchemy declares its options

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    MetaData,
    Sequence,
    String,
    func,
)
from sqlalchemy.orm import Mapped, composite, mapped_column

from bedplate.models import NAMING_CONVENTION, Base, IdentityMixin, UUIDv7Mixin
from bedplate.repositories import Repository


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Animal(UUIDv7Mixin, Model):
    """One table for several classes."""

    __tablename__ = "animals"
    kind: Mapped[str]
    name: Mapped[str]
    lives: Mapped[int | None] = mapped_column(default=1)
    __mapper_args__ = {
        "polymorphic_on": "kind",
        "polymorphic_identity": "animal",
    }


class Cat(Animal):
    __mapper_args__ = {"polymorphic_identity": "cat"}


class Vehicle(UUIDv7Mixin, Model):
    """A table for each class."""

    __tablename__ = "vehicles"
    kind: Mapped[str]
    __mapper_args__ = {
        "polymorphic_on": "kind",
        "polymorphic_identity": "vehicle",
    }


class Bus(Vehicle):
    __tablename__ = "buses"
    id: Mapped[UUID] = mapped_column(ForeignKey("vehicles.id"), primary_key=True)
    seats: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "bus"}


def _initial(context: Any) -> str:
    return str(context.get_current_parameters()["name"][:1])


class Named(UUIDv7Mixin, Model):
    """A default that asks for its context."""

    __tablename__ = "named"
    name: Mapped[str] = mapped_column(unique=True)
    initial: Mapped[str] = mapped_column(default=_initial)


@dataclass
class Point:
    x: int
    y: int


class Spot(UUIDv7Mixin, Model):
    """A composite attribute."""

    __tablename__ = "spots"
    point: Mapped[Point] = composite(mapped_column("x"), mapped_column("y"))


class Ticket(Model):
    """A key that the database makes of an expression, and names that need care."""

    __tablename__ = "100% odd"
    number: Mapped[int] = mapped_column(Sequence("numbers"), primary_key=True)
    share: Mapped[str] = mapped_column("%(share)s", default=func.upper("full"))
    label: Mapped[str] = mapped_column('a "label"', String(20), unique=True)


class Counted(Model):
    """A key that the database alone may make."""

    __tablename__ = "counted"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str]


class Tracked(UUIDv7Mixin, Model):
    """A version of the service's own making."""

    __tablename__ = "tracked"
    name: Mapped[str] = mapped_column(unique=True)
    etag: Mapped[str] = mapped_column()
    __mapper_args__ = {
        "version_id_col": etag,
        "version_id_generator": lambda _: uuid4().hex,
    }


class Note(IdentityMixin, Model):
    """Made of nothing but what the database fills in."""

    __tablename__ = "notes"
    text: Mapped[str] = mapped_column(server_default="empty")


class AnimalRepository(Repository[Animal]):
    model = Animal


class CatRepository(Repository[Cat]):
    model = Cat


class BusRepository(Repository[Bus]):
    model = Bus


class NamedRepository(Repository[Named]):
    model = Named


class SpotRepository(Repository[Spot]):
    model = Spot


class TicketRepository(Repository[Ticket]):
    model = Ticket


class CountedRepository(Repository[Counted]):
    model = Counted


class TrackedRepository(Repository[Tracked]):
    model = Tracked


class NoteRepository(Repository[Note]):
    model = Note
