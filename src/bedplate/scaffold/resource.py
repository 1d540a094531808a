"""A resource: its name, its fields, and what the templates ask of it."""

import builtins
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bedplate.models import Base, TimestampMixin, UUIDv7Mixin
from bedplate.pagination import CursorParams
from bedplate.scaffold.errors import SpecificationError
from bedplate.scaffold.fields import Field, parse_fields
from bedplate.scaffold.kinds import Kind, Narrowing, Target, kind_of
from bedplate.scaffold.names import LONGEST, Name
from bedplate.schemas import Patch, Stored

__all__ = ["Attribute", "Filter", "Resource", "fields_of"]

_PAGING = {*CursorParams.model_fields, "sort"}
_LOCALS = {
    *("admin", "caller", "changes", "new", "params", "principal", "self", "uow", "user"),
    # what Litestar gives to a handler by these names
    *("body", "cookies", "data", "headers", "query", "request", "scope", "socket", "state"),
    *("address", "app", "auth", "token", "users"),  # and the service
}
"""Names that the functions of the templates use."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A parameter of the list by which clients narrow it."""

    name: str
    narrowing: Narrowing


@dataclass(frozen=True)
class Attribute:
    """A field with its code."""

    field: Field
    kind: Kind
    target: Target | None
    words: str
    """The name of the Literal, for an enum."""

    @property
    def name(self) -> str:
        """Give the name of the attribute, the column and the JSON member."""
        return self.field.column

    @property
    def optional(self) -> bool:
        """Whether it may be empty."""
        return self.field.optional

    def annotated(self, python: str) -> str:
        """Give an annotation of the field's type, with None where that is allowed."""
        return f"{python} | None" if self.optional else python

    @property
    def mapped(self) -> str:
        """Give the line of the model."""
        line = f"{self.name}: Mapped[{self.annotated(self.kind.python)}]"
        arguments = [self._column_type, self._unique, self._index]
        given = ", ".join(argument for argument in arguments if argument)
        return f"{line} = mapped_column({given})" if given else line

    @property
    def on_delete(self) -> str | None:
        """Give what becomes of the row when what it refers to is deleted; None for a refusal."""
        if self.field.is_owner:
            return "CASCADE"
        return "SET NULL" if self.optional else None

    @property
    def is_indexed(self) -> bool:
        """Whether it has an index of its own: what is referred to is looked up when it goes."""
        return self.target is not None and not (self.field.unique or self.field.is_owner)

    @property
    def _column_type(self) -> str:
        if self.field.kind == "enum":
            return f'choice_of("{self.name}", {self.words})'
        if self.target is None:
            return self.kind.column
        rule = f', ondelete="{self.on_delete}"' if self.on_delete else ""
        key = f'ForeignKey("{self.target.table}.{self.target.key}"{rule})'
        # an annotation of int means a smaller type than some keys have
        wide = "BigInteger, " if self.target.column_type == "sa.BigInteger()" else ""
        return wide + key

    @property
    def _unique(self) -> str:
        return "unique=True" if self.field.unique else ""

    @property
    def _index(self) -> str:
        return "index=True" if self.is_indexed else ""


@dataclass(frozen=True)
class Resource:
    """What is added to a service."""

    name: Name
    fields: tuple[Field, ...]
    targets: Mapping[str, Target]
    """What its references point to, by table."""

    def __post_init__(self) -> None:
        """Refuse names that only together make no sense.

        Raises:
            SpecificationError: two filters, or two constraints, would have the same name, or one
                that is too long.
        """
        filters = [found.name for found in self.filters]
        for name in filters:
            if filters.count(name) > 1:
                raise SpecificationError(
                    f"{name} would be a filter twice, of two fields; call one of them otherwise."
                )
        for name in self.schema_names:
            if len(name) > LONGEST:
                raise SpecificationError(
                    f"The database would need the name {name}, whose {len(name)} characters are"
                    f" more than {LONGEST}; take shorter words."
                )

    @property
    def specification(self) -> str:
        """Give the command that adds it, as a shell takes it."""
        plural = (
            [] if Name.parse(self.name.singular) == self.name else [f"--plural={self.name.plural}"]
        )
        words = [self.name.singular, *map(str, self.fields), *plural]
        return f"bedplate add resource {shlex.join(words)}"

    @cached_property
    def dt(self) -> str:
        """Give what stands before ``date`` and ``datetime``, where a field has such a name."""
        return "dt." if {"date", "datetime"} & {field.name for field in self.fields} else ""

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """Give the fields with their code."""
        return tuple(self._attribute(field) for field in self.fields)

    def _attribute(self, field: Field) -> Attribute:
        camel = "".join(word.capitalize() for word in field.name.split("_"))
        words = f"{self.name.class_name}{camel}"
        target = self.targets[field.table] if field.kind == "ref" else None
        kind = kind_of(field, dt=self.dt, words=words, target=target)
        return Attribute(field, kind, target, words)

    @cached_property
    def owner(self) -> Attribute | None:
        """Give the reference that says whose a row is."""
        return next((one for one in self.attributes if one.field.is_owner), None)

    @cached_property
    def sent(self) -> tuple[Attribute, ...]:
        """Give what clients send: all but the owner, who is the caller."""
        return tuple(one for one in self.attributes if one is not self.owner)

    @cached_property
    def enums(self) -> tuple[Attribute, ...]:
        """Give the fields that are one of a few words."""
        return tuple(one for one in self.attributes if one.field.kind == "enum")

    @cached_property
    def references(self) -> tuple[Attribute, ...]:
        """Give the references."""
        return tuple(one for one in self.attributes if one.target is not None)

    @cached_property
    def guarded(self) -> tuple[Attribute, ...]:
        """Give references to what belongs to somebody: only who may see a row may refer to it."""
        if self.owner is None:
            return ()  # administrators write, and see all
        return tuple(
            one for one in self.references if one.target is not None and one.target.guarded_by
        )

    @cached_property
    def guarding(self) -> tuple[str, ...]:
        """Give the other repositories that tell what may be referred to."""
        names = (one.target.guarded_by for one in self.guarded if one.target is not None)
        return tuple(dict.fromkeys(name for name in names if name != self.name.plural))

    @cached_property
    def sortable(self) -> tuple[str, ...]:
        """Give what a list can be sorted by besides the time of storing."""
        return tuple(one.name for one in self.sent if one.kind.sortable)

    @cached_property
    def filters(self) -> tuple[Filter, ...]:
        """Give the parameters by which a list is narrowed."""
        return tuple(
            Filter(self._filter_name(one.name, narrowing.ending), narrowing)
            for one in self.attributes
            for narrowing in one.kind.filters
        )

    @staticmethod
    def _filter_name(name: str, ending: str) -> str:
        return f"{name}_is" if not ending and name in _PAGING else f"{name}{ending}"

    @property
    def indexes(self) -> tuple[tuple[str, ...], ...]:
        """Give the columns of the indexes that the list is read by."""
        newest = ("created_at", "id")
        return (newest, ("owner_id", *newest)) if self.owner else (newest,)

    @property
    def words_of_fields(self) -> set[str]:
        """Give every name in the code of the fields."""
        parts = [
            part
            for one in self.attributes
            for part in (one.mapped, one.kind.schema, *(each.python for each in one.kind.filters))
        ]
        enums = {"Literal"} if self.enums else set()
        return enums | {word for part in parts for word in re.findall(r"\w+", part)}

    @property
    def schema_names(self) -> list[str]:
        """Give the names that its table brings into the database, the longest kinds of them."""
        table = self.name.plural
        names = [f"ix_{table}_{'_'.join(columns)}" for columns in self.indexes]
        for one in self.attributes:
            if one.target is not None:
                names.append(f"fk_{table}_{one.name}_{one.target.table}")
            names += [f"{kind}_{table}_{one.name}" for kind in ("uq", "ix", "ck")]
        return names

    @property
    def says_list(self) -> str:
        """Give the sentence about the list for the API's documentation."""
        if self.owner:
            return f"List one's own {self.name.plural_words}, by page; administrators see all."
        return f"List {self.name.plural_words}, by page."

    @property
    def variable(self) -> str:
        """Give the variable for one of them, which hides nothing."""
        return self._unlike_others(self.name.singular)

    @property
    def plural_variable(self) -> str:
        """Give the variable for its service or repository."""
        return self._unlike_others(self.name.plural)

    def _unlike_others(self, name: str) -> str:
        return f"{name}_" if name in _LOCALS or hasattr(builtins, name) else name


def fields_of(texts: tuple[str, ...]) -> tuple[Field, ...]:
    """Read the fields of a resource.

    Raises:
        SpecificationError: they make no sense, or no code.
    """
    taken = {"bool", "dict", "int", "list", "str"}  # annotations that stand below them in a class
    for kind in (Base, TimestampMixin, UUIDv7Mixin, Patch, Stored):
        taken |= {name for name in dir(kind) if not name.startswith("__")}
    taken |= {*Stored.model_fields}
    return parse_fields(texts, taken=taken)
