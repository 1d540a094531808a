"""Offices and what they keep: models with every mixin, and repositories for the tests."""

from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, MetaData, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bedplate.models import (
    NAMING_CONVENTION,
    ActorMixin,
    Base,
    IdentityMixin,
    SoftDeleteMixin,
    TenantMixin,
    TimestampMixin,
    UUIDv7Mixin,
    VersionMixin,
    index_per_tenant,
    unique_per_tenant,
    unique_while_present,
)
from bedplate.repositories import Repository, SoftDeleteRepository, Sortable


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Member(UUIDv7Mixin, SoftDeleteMixin, TimestampMixin, Model):
    __tablename__ = "members"
    __table_args__ = (unique_while_present("email"),)
    email: Mapped[str] = mapped_column(String(100))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    team: Mapped["Team | None"] = relationship(lazy="raise", back_populates="members")


class Team(IdentityMixin, Model):
    __tablename__ = "teams"
    name: Mapped[str]
    members: Mapped[list[Member]] = relationship(lazy="raise", back_populates="team")
    files: Mapped[list["File"]] = relationship(lazy="raise", back_populates="team")


class Page(IdentityMixin, VersionMixin, TimestampMixin, Model):
    __tablename__ = "pages"
    text: Mapped[str] = mapped_column(String(100), unique=True)


class Entry(UUIDv7Mixin, ActorMixin, Model):
    __tablename__ = "entries"
    text: Mapped[str] = mapped_column(String(100), unique=True)


class File(UUIDv7Mixin, TenantMixin, Model):
    __tablename__ = "files"
    __table_args__ = (unique_per_tenant("name"), index_per_tenant("size"))
    name: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(default=0)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    folder_id: Mapped[UUID | None] = mapped_column(ForeignKey("files.id"))
    team: Mapped[Team | None] = relationship(lazy="raise", back_populates="files")
    folder: Mapped["File | None"] = relationship(
        lazy="raise", back_populates="contents", remote_side="File.id"
    )
    contents: Mapped[list["File"]] = relationship(lazy="raise", back_populates="folder")


class Deed(
    UUIDv7Mixin, TenantMixin, SoftDeleteMixin, VersionMixin, ActorMixin, TimestampMixin, Model
):
    __tablename__ = "deeds"
    __table_args__ = (unique_while_present("tenant_id", "title"),)
    title: Mapped[str] = mapped_column(String(100))


class TeamRepository(Repository[Team]):
    model = Team


class MemberRepository(SoftDeleteRepository[Member]):
    model = Member
    sortable: ClassVar[Sortable] = {"email": Member.email}


class PageRepository(Repository[Page]):
    model = Page


class EntryRepository(Repository[Entry]):
    model = Entry


class FileRepository(Repository[File]):
    model = File
    sortable: ClassVar[Sortable] = {"name": File.name}


class DeedRepository(SoftDeleteRepository[Deed]):
    model = Deed
