"""What holds for every statement of a repository, whoever writes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Literal

from sqlalchemy import (
    Column,
    ColumnElement,
    ColumnExpressionArgument,
    Integer,
    and_,
    bindparam,
    false,
    func,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from bedplate.models import (
    ALL_TENANTS,
    ActorMixin,
    SoftDeleteMixin,
    TenantMixin,
)
from bedplate.models.actor import actor_of
from bedplate.models.tenant import admit, another_tenant, is_bound, tenant_of
from bedplate.repositories.keys import mapper_of

__all__ = ["Scope"]

type Shown = Literal["present", "deleted", "all"]
"""Which rows of a model with SoftDeleteMixin are seen."""

_JOINING = {"joined", False}
_NOT_LOADING = {"raise", "raise_on_sql", "noload", "write_only"}
_PRESENT_ONLY = with_loader_criteria(
    SoftDeleteMixin, lambda model: model.deleted_at.is_(None), include_aliases=True
)
_NO_TENANT = with_loader_criteria(TenantMixin, lambda _: false(), include_aliases=True)


@dataclass(frozen=True, slots=True)
class _Traits:
    """What the mixins of a model ask for, found out once."""

    name: str
    is_plain: bool
    has_actor: bool
    version: str | None
    next_version: ColumnElement[Any] | None
    tenant: Any
    shown: Mapping[Shown, tuple[ColumnElement[bool], ...]]
    loads_more: bool
    joins_more: bool


@lru_cache(1024)
def _traits(model: type[DeclarativeBase]) -> _Traits:
    shown: dict[Shown, tuple[ColumnElement[bool], ...]] = {"present": (), "deleted": (), "all": ()}
    if issubclass(model, SoftDeleteMixin):
        shown["present"] = (model.deleted_at.is_(None),)
        shown["deleted"] = (model.deleted_at.is_not(None),)
    version, next_version = _version(model)
    return _Traits(
        name=model.__name__,
        is_plain=not issubclass(model, ActorMixin | SoftDeleteMixin | TenantMixin) and not version,
        has_actor=issubclass(model, ActorMixin),
        version=version,
        next_version=next_version,
        tenant=model.tenant_id if issubclass(model, TenantMixin) else None,
        shown=shown,
        loads_more=any(
            relationship.lazy not in _NOT_LOADING for relationship in mapper_of(model).relationships
        ),
        joins_more=any(
            relationship.lazy in _JOINING for relationship in mapper_of(model).relationships
        ),
    )


def _version(model: type[DeclarativeBase]) -> tuple[str | None, ColumnElement[Any] | None]:
    """Give the attribute that counts versions, of VersionMixin or not, and its next value in SQL.

    There is no next value where the database makes it, as a trigger or ``xmin`` does.
    """
    mapper = mapper_of(model)
    column, make = mapper.version_id_col, mapper.version_id_generator
    if not isinstance(column, Column):
        return None, None
    name = mapper.get_property_by_column(column).key
    if not callable(make):
        return name, None
    if isinstance(column.type, Integer):
        return name, column + 1
    return name, bindparam(None, callable_=partial(make, None), type_=column.type)


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows a repository may see, and what it writes into each row besides.

    It follows from the mixins of the model and from the actor and tenant of the session.
    """

    session: AsyncSession
    traits: _Traits
    shown: Shown = "present"
    narrowing: tuple[ColumnElement[bool], ...] = ()

    @classmethod
    def of(cls, model: type[DeclarativeBase], session: AsyncSession) -> "Scope":
        """Give the scope of a model in a session."""
        return cls(session, _traits(model))

    def showing(self, shown: Shown) -> "Scope":
        """Give the same scope with other rows of a model with SoftDeleteMixin.

        Raises:
            TypeError: when the model has no such mixin.
        """
        if not self.marks:
            raise TypeError(f"{self.traits.name} has no SoftDeleteMixin")
        return replace(self, shown=shown)

    def narrowed(self, conditions: Sequence[ColumnExpressionArgument[bool]]) -> "Scope":
        """Give the same scope for those of its rows that meet conditions besides."""
        return replace(self, narrowing=(*self.narrowing, and_(true(), *conditions)))

    @property
    def marks(self) -> bool:
        """Whether rows are marked as deleted instead of removed."""
        return bool(self.traits.shown["present"])

    @property
    def is_versioned(self) -> bool:
        """Whether each change of a row gives it another version."""
        return self.traits.version is not None

    @property
    def is_narrowing(self) -> bool:
        """Whether the session narrows the statements of the ORM, those inside others too."""
        return is_bound(self.session)

    @property
    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """Give what every row that is read, changed or deleted meets.

        Raises:
            RuntimeError: when the rows belong to tenants and the session to none.
        """
        traits = self.traits
        if traits.is_plain:
            return self.narrowing
        shown = (*traits.shown[self.shown], *self.narrowing)
        if traits.tenant is None:
            return shown
        tenant = tenant_of(self.session, traits.name)
        return shown if tenant is ALL_TENANTS else (traits.tenant == tenant, *shown)

    @property
    def signature(self) -> bytes:
        """Name the tenant, to whose listings a cursor is bound."""
        if self.traits.tenant is None:
            return b""
        return repr(tenant_of(self.session, self.traits.name)).encode()

    def loading(self, *, more: bool) -> tuple[ORMOption, ...]:
        """Give what holds for the relationships that a read loads besides.

        Args:
            more: whether the read has loader options; else the model decides.
        """
        if not (more or self.traits.loads_more):
            return ()
        present = (_PRESENT_ONLY,) if self.shown == "present" else ()
        # A session that is bound narrows all its statements itself.
        return present if is_bound(self.session) else (*present, _NO_TENANT)

    def admit(self, entity: Any) -> None:  # noqa: ANN401 - an entity of the model
        """Give a new entity what is known before it is stored.

        Raises:
            PermissionDeniedError: when it belongs to another tenant.
            RuntimeError: when the rows belong to tenants and the session to none.
        """
        if self.traits.tenant is not None:
            admit(self.session, entity)

    def all_new(self, rows: Iterable[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
        """Give the values of new rows with what the scope adds, as ``new`` does."""
        return list(rows) if self.traits.is_plain else [self.new(row) for row in rows]

    def new(self, values: Mapping[str, object]) -> dict[str, object]:
        """Give the values of a new row with what the scope adds.

        Raises:
            PermissionDeniedError: when it would belong to another tenant.
            RuntimeError: when the rows belong to tenants and the session to none.
        """
        row, traits = dict(values), self.traits
        if traits.is_plain:
            return row
        if traits.tenant is not None:
            row["tenant_id"] = self._tenant_for(row.get("tenant_id"))
        if traits.has_actor and (actor := actor_of(self.session)) is not None:
            row["created_by"] = row["updated_by"] = actor
        return row

    def changed(self, changes: Mapping[str, object]) -> dict[str, object]:
        """Give the changes of a row with what the scope adds.

        Raises:
            PermissionDeniedError: when the row would come to belong to another tenant.
        """
        row, traits = dict(changes), self.traits
        if traits.is_plain:
            return row
        if traits.tenant is not None and "tenant_id" in row:
            given = row.pop("tenant_id")
            if given != tenant_of(self.session, traits.name):
                raise another_tenant()
        if traits.version is not None and traits.next_version is not None:
            row[traits.version] = traits.next_version
        if traits.has_actor:
            actor = actor_of(self.session)
            row["updated_by"] = row.get("updated_by") if actor is None else actor
        return row

    @property
    def version(self) -> str:
        """Give the attribute that holds the version, of a model that has one."""
        return self.traits.version or ""

    @property
    def next_version(self) -> ColumnElement[Any] | None:
        """Give the version of a row after a change, if it has one."""
        return self.traits.next_version

    @property
    def kept(self) -> frozenset[str]:
        """Give the attributes that an upsert leaves as they are in a row that is there."""
        tenant = {"tenant_id"} if self.traits.tenant is not None else set()
        actor = {"created_by", "updated_by"} if self.traits.has_actor else set()
        return frozenset(tenant | actor)

    @property
    def stamps(self) -> tuple[str, ...]:
        """Give the attributes that say who wrote a row last."""
        return ("updated_by",) if self.traits.has_actor else ()

    def changes(
        self, names: Sequence[str], rows: Sequence[Mapping[str, object]]
    ) -> tuple[tuple[str, ...], Mapping[str, object]]:
        """Give which changes of many rows are each row's own, and what changes alike in all.

        Args:
            names: the attributes that are changed.
            rows: values by attribute.

        Raises:
            PermissionDeniedError: when a row would come to belong to another tenant.
        """
        if self.traits.is_plain:
            return tuple(names), {}
        if "tenant_id" in names:
            for tenant in {row["tenant_id"] for row in rows}:
                self.changed({"tenant_id": tenant})
        alike = self.changed({})
        if self.traits.has_actor and actor_of(self.session) is None and "updated_by" in names:
            del alike["updated_by"]  # nobody else says it
        left = {*alike, *(() if self.traits.tenant is None else ("tenant_id",))}
        return tuple(name for name in names if name not in left), alike

    def marked(self) -> dict[str, object]:
        """Give the changes of a row that is marked as deleted."""
        return self.changed({"deleted_at": func.statement_timestamp()})

    def restored(self) -> dict[str, object]:
        """Give the changes of a row that is present again."""
        return self.changed({"deleted_at": None})

    def _tenant_for(self, given: object) -> object:
        tenant = tenant_of(self.session, self.traits.name)
        if tenant is ALL_TENANTS:
            if given is None:
                raise RuntimeError(
                    f"{self.traits.name} has no tenant_id, and across tenants it must be given"
                )
            return given
        if given is not None and given != tenant:
            raise another_tenant()
        return tenant
