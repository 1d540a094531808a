"""The base of this service's models."""

from bedplate.models import NAMING_CONVENTION
from bedplate.models import Base as LibraryBase
from sqlalchemy import MetaData


class Base(LibraryBase):
    """All tables of this service."""

    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
