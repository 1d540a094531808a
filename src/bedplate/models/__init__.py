"""The base of all mapped classes, the mixins they are made of, and their column types."""

from bedplate._extras import missing_extra

try:
    import sqlalchemy  # noqa: F401
except ImportError as error:
    raise missing_extra("database", "sqlalchemy") from error

from bedplate.models.actor import ActorMixin, set_actor
from bedplate.models.base import NAMING_CONVENTION, Base
from bedplate.models.mixins import IdentityMixin, TimestampMixin, UUIDv7Mixin
from bedplate.models.soft_delete import SoftDeleteMixin, unique_while_present
from bedplate.models.tenant import (
    ALL_TENANTS,
    TenantMixin,
    bind_tenant,
    index_per_tenant,
    unique_per_tenant,
)
from bedplate.models.types import UTCDateTime, choice_of
from bedplate.models.uuid7 import uuid7
from bedplate.models.version import VersionMixin

__all__ = [
    "ALL_TENANTS",
    "NAMING_CONVENTION",
    "ActorMixin",
    "Base",
    "IdentityMixin",
    "SoftDeleteMixin",
    "TenantMixin",
    "TimestampMixin",
    "UTCDateTime",
    "UUIDv7Mixin",
    "VersionMixin",
    "bind_tenant",
    "choice_of",
    "index_per_tenant",
    "set_actor",
    "unique_per_tenant",
    "unique_while_present",
    "uuid7",
]
