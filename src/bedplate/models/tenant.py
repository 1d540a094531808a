"""Rows that belong to one tenant each, and sessions that see those of one tenant alone."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Index, UniqueConstraint, event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    Mapped,
    Mapper,
    ORMExecuteState,
    Session,
    mapped_column,
    object_session,
    with_loader_criteria,
)

from bedplate.errors import PermissionDeniedError

__all__ = [
    "ALL_TENANTS",
    "TenantMixin",
    "admit",
    "another_tenant",
    "bind_tenant",
    "index_per_tenant",
    "is_bound",
    "tenant_of",
    "unique_per_tenant",
]

_KEY = "bedplate.tenant"


class _AllTenants:
    """The kind of ``ALL_TENANTS``."""

    def __repr__(self) -> str:
        """Name the constant."""
        return "ALL_TENANTS"


ALL_TENANTS: Final = _AllTenants()
"""What an administrator's session is bound to: it sees the rows of all tenants."""


class TenantMixin:
    """Whose row it is: only a session bound to this tenant sees it, and it never changes hands."""

    tenant_id: Mapped[UUID] = mapped_column(sort_order=-99)


def unique_per_tenant(*columns: str) -> UniqueConstraint:
    """Give a unique constraint for ``__table_args__`` that holds within each tenant.

    Args:
        columns: names of columns; ``tenant_id`` is put before them.
    """
    return UniqueConstraint("tenant_id", *columns)


def index_per_tenant(*columns: str) -> Index:
    """Give an index for ``__table_args__`` that the statements of one tenant can use.

    Args:
        columns: names of columns; ``tenant_id`` is put before them.
    """
    return Index(None, "tenant_id", *columns)


def bind_tenant(session: AsyncSession | Session, tenant: object) -> None:
    """Let a session see the rows of one tenant alone; a unit of work does it with its ``tenant``.

    Every statement of the ORM on this session is narrowed to the tenant, those that load
    relationships and those written by hand included. SQL as text is not.

    Args:
        session: the session, bound once: it may hold rows of its tenant.
        tenant: the key of the tenant, or ALL_TENANTS.

    Raises:
        ValueError: when the tenant is None.
        RuntimeError: when the session is bound to another tenant already.
    """
    if tenant is None:
        raise ValueError("the tenant is None; say ALL_TENANTS to mean all of them")
    bound = session.info.setdefault(_KEY, tenant)
    if bound != tenant:
        raise RuntimeError("the session is bound to another tenant already; open another one")
    if tenant is ALL_TENANTS:
        return
    only_this_tenant = with_loader_criteria(
        TenantMixin,
        lambda model: model.tenant_id == tenant,
        include_aliases=True,
        propagate_to_loaders=False,  # the statements that load relationships come here as well
    )

    def narrow(state: ORMExecuteState) -> None:
        if (state.is_select or state.is_update or state.is_delete) and not state.is_column_load:
            state.statement = state.statement.options(only_this_tenant)

    target = session.sync_session if isinstance(session, AsyncSession) else session
    event.listen(target, "do_orm_execute", narrow)


def tenant_of(session: AsyncSession | Session, model: str) -> Any:  # noqa: ANN401 - any key
    """Give the tenant that a session is bound to, or ALL_TENANTS.

    Args:
        session: the session.
        model: the name of the model that needs it, for the error.

    Raises:
        RuntimeError: when it is bound to none.
    """
    tenant = session.info.get(_KEY)
    if tenant is None:
        raise RuntimeError(
            f"{model} belongs to tenants and no tenant is given: use of_tenant(...) of the unit of"
            " work, or across_tenants() to mean all of them"
        )
    return tenant


def is_bound(session: AsyncSession | Session) -> bool:
    """Tell whether a session is bound to a tenant, or to all."""
    return _KEY in session.info


def admit(session: AsyncSession | Session, entity: TenantMixin) -> None:
    """Give a new entity the tenant of the session.

    Raises:
        PermissionDeniedError: when it belongs to another tenant.
        RuntimeError: when the session is bound to no tenant, or to all and the entity has none.
    """
    name = type(entity).__name__
    tenant = tenant_of(session, name)
    given = getattr(entity, "tenant_id", None)
    if tenant is ALL_TENANTS:
        if given is None:
            raise RuntimeError(f"{name} has no tenant_id, and across tenants it must be given")
    elif given is None:
        entity.tenant_id = tenant
    elif given != tenant:
        raise another_tenant()


def another_tenant() -> PermissionDeniedError:
    """Give the error for what belongs, or would come to belong, to another tenant."""
    return PermissionDeniedError("This belongs to another tenant.")


@event.listens_for(TenantMixin, "before_insert", propagate=True)
def _admit_new(_mapper: Mapper[Any], _connection: Connection, entity: TenantMixin) -> None:
    session = object_session(entity)
    if session is not None:
        admit(session, entity)


@event.listens_for(TenantMixin, "before_update", propagate=True)
@event.listens_for(TenantMixin, "before_delete", propagate=True)
def _keep_within(_mapper: Mapper[Any], _connection: Connection, entity: TenantMixin) -> None:
    session = object_session(entity)
    if session is None:
        return
    tenant = tenant_of(session, type(entity).__name__)
    moved: Any = inspect(entity)
    if moved.attrs.tenant_id.history.has_changes():
        raise another_tenant()
    if tenant is not ALL_TENANTS and entity.tenant_id != tenant:
        raise another_tenant()
