"""Repositories: all reads and writes of one model, with a known number of statements each."""

from bedplate._extras import missing_extra

try:
    import sqlalchemy  # noqa: F401
except ImportError as error:
    raise missing_extra("database", "sqlalchemy") from error

from bedplate.repositories.adding import Adds
from bedplate.repositories.bulk import BulkWrites, Written
from bedplate.repositories.entity_reads import EntityReads
from bedplate.repositories.filters import (
    Filter,
    at_least,
    at_most,
    contains,
    equals,
    filter_named,
    greater_than,
    is_null,
    less_than,
    one_of,
    starts_with,
)
from bedplate.repositories.listing import Sortable
from bedplate.repositories.pages import Pages
from bedplate.repositories.projections import Projection
from bedplate.repositories.reads import Found, Reads
from bedplate.repositories.repository import Repository
from bedplate.repositories.soft_deletes import SoftDeleteRepository
from bedplate.repositories.upserts import Upserted, Upserts

__all__ = [
    "Adds",
    "BulkWrites",
    "EntityReads",
    "Filter",
    "Found",
    "Pages",
    "Projection",
    "Reads",
    "Repository",
    "SoftDeleteRepository",
    "Sortable",
    "Upserted",
    "Upserts",
    "Written",
    "at_least",
    "at_most",
    "contains",
    "equals",
    "filter_named",
    "greater_than",
    "is_null",
    "less_than",
    "one_of",
    "starts_with",
]
