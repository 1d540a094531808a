"""What the service stores."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bedplate.auth.models import AccountMixin
from bedplate.models import Base as BedplateBase
from bedplate.models import TimestampMixin, UUIDv7Mixin


class Base(DeclarativeBase):
    """A registry of its own, so that tests can import this more than once."""

    metadata = MetaData(naming_convention=BedplateBase.metadata.naming_convention)


class Note(Base):
    """A number that somebody wanted to keep."""

    __tablename__ = "notes"
    number: Mapped[int] = mapped_column(primary_key=True)


class User(AccountMixin, UUIDv7Mixin, TimestampMixin, Base):
    """Somebody who can sign in."""

    __tablename__ = "users"
