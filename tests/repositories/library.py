"""A library of authors and books: models and repositories for the tests."""

from collections.abc import Mapping
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime
from sqlalchemy import ForeignKey, MetaData, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bedplate.models import NAMING_CONVENTION, Base, IdentityMixin, TimestampMixin, UUIDv7Mixin
from bedplate.pagination import CursorCodec, CursorParams, PageParams
from bedplate.repositories import Filter, Repository, Sortable, at_least, contains, equals


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Author(UUIDv7Mixin, TimestampMixin, Model):
    __tablename__ = "authors"
    name: Mapped[str] = mapped_column(String(50), unique=True)
    rank: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    books: Mapped[list["Book"]] = relationship(lazy="raise", back_populates="author")


class Book(IdentityMixin, Model):
    __tablename__ = "books"
    title: Mapped[str]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(lazy="raise", back_populates="books")


class Place(Model):
    __tablename__ = "places"
    row: Mapped[int] = mapped_column(primary_key=True)
    seat: Mapped[int] = mapped_column(primary_key=True)
    taken: Mapped[bool] = mapped_column(default=False)


class AuthorRepository(Repository[Author]):
    model = Author
    sortable: ClassVar[Sortable] = {
        "name": Author.name,
        "rank": Author.rank,
        "created_at": Author.created_at,
        "best": (Author.rank.desc().nulls_last(), Author.name),
    }
    filterable: ClassVar[Mapping[str, Filter]] = {
        "name": contains(Author.name),
        "active": equals(Author.active),
        "created_after": at_least(Author.created_at),
    }


class BookRepository(Repository[Book]):
    model = Book


class PlaceRepository(Repository[Place]):
    model = Place


class AuthorParams(CursorParams):
    sort: Literal["name", "-name", "rank", "-rank", "created_at", "best", "-best"] = "name"
    name: str | None = None
    active: bool | None = None
    created_after: AwareDatetime | None = None


class AuthorPageParams(PageParams):
    sort: Literal["name", "-name", "rank", "-rank"] = "name"
    name: str | None = None


CODEC = CursorCodec(b"0123456789abcdef0123456789abcdef")
