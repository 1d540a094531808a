"""The fields of a resource as they are written on the command line: ``name:type(arguments)?!``."""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

from bedplate.models.types import CHOICE_LENGTH
from bedplate.scaffold.errors import SpecificationError
from bedplate.scaffold.names import check_identifier

__all__ = ["KINDS", "OWNER", "Field", "parse_fields"]

OWNER = "owner"
"""The name that makes a reference to users say whose a row is."""

KINDS = (
    *("str", "text", "int", "decimal", "bool", "date", "datetime", "uuid", "email", "json"),
    *("enum", "ref"),
)
_WITHOUT_UNIQUE = {
    "bool": "there are but two",
    "json": "the order of its keys is nobody's choice",
    "text": "an index cannot hold long texts; take str",
}
_FORM = re.compile(
    r"(?P<name>[^:]*):(?P<kind>[^:()?!]*)(?:\((?P<inside>[^()]*)\)|:(?P<behind>[^()?!]*))?(?P<marks>[?!]*)"
)
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_WORD = re.compile(r"[A-Za-z0-9]+(?:[_.-][A-Za-z0-9]+)*")
_TABLE = re.compile(r"[a-z_][a-z0-9_]*")
_MOST_CHARACTERS = 10_000
_MOST_DIGITS = 100
_ENOUGH = 8  # digits of a number that is looked at
_FIELDS = 60


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource."""

    name: str
    kind: str
    arguments: tuple[str, ...] = ()
    """Of str its length, of decimal its digits and places, of enum the words, of ref the table."""
    optional: bool = False
    unique: bool = False

    def __str__(self) -> str:
        arguments = f"({','.join(self.arguments)})" if self.arguments else ""
        marks = "?" * self.optional + "!" * self.unique
        return f"{self.name}:{self.kind}{arguments}{marks}"

    @property
    def table(self) -> str:
        """Give the table that a ref points to."""
        return self.arguments[0]

    @property
    def is_owner(self) -> bool:
        """Whether it says whose a row is."""
        return (self.name, self.kind) == (OWNER, "ref") and self.table == "users"

    @property
    def column(self) -> str:
        """Give the name of the column, which is also that of the attribute."""
        return f"{self.name}_id" if self.kind == "ref" else self.name

    @classmethod
    def parse(cls, text: str) -> "Field":
        """Read a field.

        Args:
            text: such as ``total:decimal``, ``status:enum(new,paid)``, ``owner:ref(users)``; what
                stands in parentheses, which shells keep for themselves, may follow a colon.

        Raises:
            SpecificationError: it makes no sense.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise SpecificationError(
                f"{text!r} is no field: write name:type, such as total:decimal or"
                " 'status:enum(new,paid)?'."
            )
        name, kind, marks = found["name"], found["kind"], found["marks"]
        if not _SNAKE.fullmatch(name):
            raise SpecificationError(
                f"{name!r} is no name for a field: take small letters from a to z and digits, words"
                " joined by underscores, such as placed_at."
            )
        check_identifier(name, what="A field")
        if kind not in KINDS:
            raise SpecificationError(
                f"{name} has the type {kind!r}, which is none of {', '.join(KINDS)}."
            )
        if len(set(marks)) < len(marks):
            raise SpecificationError(f"{name} says {marks}: once is enough.")
        given = found["inside"] if found["inside"] is not None else found["behind"]
        arguments = tuple(part.strip() for part in given.split(",")) if given is not None else ()
        if kind == "ref":
            name = name.removesuffix("_id") or name
        field = cls(name, kind, arguments, optional="?" in marks, unique="!" in marks)
        field._check()
        return field

    def _check(self) -> None:
        check = {
            "str": self._check_length,
            "decimal": self._check_digits,
            "enum": self._check_words,
            "ref": self._check_table,
        }.get(self.kind, self._check_bare)
        check()
        if self.unique and self.kind in _WITHOUT_UNIQUE:
            raise SpecificationError(
                f"{self.name} cannot be unique, being {self.kind}: {_WITHOUT_UNIQUE[self.kind]}."
            )
        if self.is_owner and (self.optional or self.unique):
            raise SpecificationError("owner can be neither optional nor unique: all rows have one.")

    def _check_bare(self) -> None:
        if self.arguments:
            raise SpecificationError(f"{self.name}: {self.kind} takes nothing in parentheses.")

    def _check_length(self) -> None:
        if self.arguments and not (
            len(self.arguments) == 1 and _number(self.arguments[0], 1, _MOST_CHARACTERS)
        ):
            raise SpecificationError(
                f"{self.name}: str takes how many characters there may be, from 1 to"
                f" {_MOST_CHARACTERS}, such as str(80); text is for more."
            )

    def _check_digits(self) -> None:
        match self.arguments:
            case ():
                return
            case (digits, places) if _number(digits, 1, _MOST_DIGITS):
                if _number(places, 0, int(digits)):
                    return
        raise SpecificationError(
            f"{self.name}: decimal takes how many digits there may be and how many of them are"
            " behind the point, such as decimal(12,4)."
        )

    def _check_words(self) -> None:
        words = self.arguments
        for word in words:
            if not _WORD.fullmatch(word) or len(word) > CHOICE_LENGTH:
                raise SpecificationError(
                    f"{self.name}: {word!r} is no word for an enum: take letters, digits, and"
                    f" between them - . or _, at most {CHOICE_LENGTH} characters."
                )
        if not words:
            raise SpecificationError(f"{self.name}: say which words, such as enum(new,paid).")
        if len(set(words)) < len(words):
            raise SpecificationError(f"{self.name}: a word of the enum is there twice.")

    def _check_table(self) -> None:
        if len(self.arguments) != 1 or not _TABLE.fullmatch(self.arguments[0]):
            raise SpecificationError(f"{self.name}: say which table, such as ref(users).")


def parse_fields(texts: Iterable[str], *, taken: Container[str]) -> tuple[Field, ...]:
    """Read all fields of a resource.

    Args:
        texts: as they were typed.
        taken: names that the classes to come have already.

    Raises:
        SpecificationError: one makes no sense, or two do not go together.
    """
    fields = tuple(Field.parse(text) for text in texts)
    if not fields:
        raise SpecificationError("Say what it has: at least one field, such as name:str.")
    if len(fields) > _FIELDS:
        raise SpecificationError(f"{len(fields)} fields are too many for one resource.")
    names: set[str] = set()
    for field in fields:
        for name in {field.name, field.column}:
            if name in names:
                raise SpecificationError(f"{name} is there twice.")
            if name in taken:
                raise SpecificationError(
                    f"A field cannot be called {name}: every resource has that already, or the"
                    " libraries it is made with; take another word."
                )
        names |= {field.name, field.column}
    return fields


def _number(text: str, least: int, most: int) -> bool:
    sound = text.isascii() and text.isdecimal() and len(text) < _ENOUGH
    return sound and least <= int(text) <= most
