"""What a field is in each layer: annotation, column, schema, filters, and values for tests."""

from dataclasses import dataclass
from typing import NamedTuple

from bedplate.models.types import CHOICE_LENGTH
from bedplate.scaffold.fields import Field

__all__ = ["KINDS", "Kind", "Narrowing", "Target", "kind_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference points to: a table of the service with a key of one column."""

    table: str
    class_name: str
    module: str
    key: str = "id"
    python: str = "UUID"
    column_type: str = "sa.Uuid()"
    guarded_by: str = ""
    """The repository in a unit of work that tells whose its rows are; empty where all are
    everybody's."""


class Narrowing(NamedTuple):
    """A filter of a list."""

    ending: str
    """Of its name, behind that of the field."""
    python: str
    """Its annotation."""
    hit: str = ""
    """A query that finds the sample; empty where only the test knows one."""
    miss: str = ""
    """A query that does not; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The code of a field, each part as it stands in a module."""

    python: str
    """The annotation, in a model and in what clients read."""
    schema: str
    """The annotation of what clients send."""
    column: str = ""
    """The type in ``mapped_column``; empty where the annotation says it."""
    migration: str = ""
    """The type in a migration."""
    filters: tuple["Narrowing", ...] = ()
    sortable: bool = True
    sample: str = ""
    """A value as JSON, and another one."""
    other: str = ""
    wrong: tuple[str, ...] = ()
    """Values that must be refused."""


def kind_of(asked: Field, *, dt: str, words: str, target: Target | None) -> Kind:
    """Give the code of a field.

    Args:
        asked: the field.
        dt: what stands before ``date`` and ``datetime``: nothing, or ``dt.``.
        words: the name of the Literal, for an enum.
        target: what it refers to, for a ref.
    """
    match asked.kind, asked.arguments:
        case "str", (length,):
            return _line(f"Annotated[str, line_of({length})]", int(length))
        case "decimal", (digits, places):
            return _decimal(int(digits), int(places))
        case "enum", names:
            return _enum(words, names)
        case "ref", _:
            assert target is not None  # noqa: S101 - found before
            return _reference(target)
        case "date" | "datetime", _:
            return _moment(asked.kind, dt)
        case kind, _:
            return KINDS[kind]


def _line(schema: str, length: int) -> Kind:
    sample, other = f'"{"Alpha"[:length]}"', f'"{"Beta"[:length]}"'
    return Kind(
        python="str",
        schema=schema,
        column=f"String({length})",
        migration=f"sa.String({length})",
        filters=(Narrowing("_contains", schema, sample.lower(), other),),
        sample=sample,
        other=other,
        wrong=('""', '" "', '"\\0"', f'"x" * {length + 1}', "7", "[]"),
    )


def _decimal(digits: int, places: int) -> Kind:
    schema = (
        "Amount"
        if (digits, places) == (18, 2)
        else f"Annotated[Decimal, amount_of({digits}, {places})]"
    )
    whole, point = "0" if digits == places else "1", "." if places else ""
    sample = f'"{whole}{point}{"5" * places}"'
    return Kind(
        python="Decimal",
        schema=schema,
        column=f"Numeric({digits}, {places})",
        migration=f"sa.Numeric({digits}, {places})",
        filters=(
            Narrowing(
                "_min", schema, sample, f'"{whole}{point}{"6" * places}"' if places else '"2"'
            ),
            Narrowing("_max", schema, sample, '"0"'),
        ),
        sample=sample,
        other=f'"{"0" if places else "2"}{point}{"2" * places}"',
        wrong=(f'"0.{"1" * (places + 1)}"', f'"1{"0" * digits}"', '"NaN"', '"many"', "[]"),
    )


def _enum(name: str, words: tuple[str, ...]) -> Kind:
    return Kind(
        python=name,
        schema=name,
        migration=f"sa.String({CHOICE_LENGTH})",
        filters=(Narrowing("", name, f'"{words[0]}"', f'"{words[-1]}"' if len(words) > 1 else ""),),
        sortable=False,
        sample=f'"{words[0]}"',
        other=f'"{words[-1]}"',
        wrong=('"none of them"', '""', "7"),
    )


def _reference(target: Target) -> Kind:
    return Kind(
        python=target.python,
        schema=target.python,
        migration=target.column_type,
        filters=(Narrowing("", target.python, "", "NOBODY" if target.python == "UUID" else '"0"'),),
        sortable=False,
        wrong=('"nothing"', "[]"),
    )


def _moment(kind: str, dt: str) -> Kind:
    if kind == "date":
        return Kind(
            python=f"{dt}date",
            schema=f"{dt}date",
            migration="sa.Date()",
            filters=(
                Narrowing("_from", f"{dt}date", '"2020-02-29"', '"2020-03-01"'),
                Narrowing("_before", f"{dt}date", '"2020-03-01"', '"2020-02-29"'),
            ),
            sample='"2020-02-29"',
            other='"2021-01-01"',
            wrong=('"2021-02-29"', '"soon"', "[]"),
        )
    return Kind(
        python=f"{dt}datetime",
        schema="AwareDatetime",
        migration="sa.DateTime(timezone=True)",
        filters=(
            Narrowing("_from", "AwareDatetime", '"2020-02-29T12:00:00Z"', '"2020-03-01T00:00:00Z"'),
            Narrowing(
                "_before", "AwareDatetime", '"2020-03-01T00:00:00Z"', '"2020-02-29T12:00:00Z"'
            ),
        ),
        sample='"2020-02-29T12:00:00Z"',
        other='"2021-01-01T00:00:00Z"',
        wrong=('"2020-02-29T12:00:00"', '"soon"', "[]"),
    )


KINDS = {
    "str": _line("Line", 200),
    "text": Kind(
        python="str",
        schema="Prose",
        column="Text",
        migration="sa.Text()",
        sortable=False,
        sample='"Some\\nlines."',
        other='"Others."',
        wrong=('""', '"\\0"', "7", "[]"),
    ),
    "int": Kind(
        python="int",
        schema="Integer",
        column="BigInteger",
        migration="sa.BigInteger()",
        filters=(
            Narrowing("_min", "Integer", '"1"', '"2"'),
            Narrowing("_max", "Integer", '"1"', '"0"'),
        ),
        sample="1",
        other="2",
        wrong=("2**63", "1.5", '"many"', "[]"),
    ),
    "decimal": _decimal(18, 2),
    "bool": Kind(
        python="bool",
        schema="bool",
        migration="sa.Boolean()",
        filters=(Narrowing("", "bool", '"true"', '"false"'),),
        sortable=False,
        sample="True",
        other="False",
        wrong=('"perhaps"', "[]"),
    ),
    "uuid": Kind(
        python="UUID",
        schema="UUID",
        migration="sa.Uuid()",
        filters=(Narrowing("", "UUID", '"01890000-0000-7000-8000-000000000001"', "NOBODY"),),
        sortable=False,
        sample='"01890000-0000-7000-8000-000000000001"',
        other='"01890000-0000-7000-8000-000000000002"',
        wrong=('"nothing"', "[]"),
    ),
    "email": Kind(
        python="str",
        schema="Email",
        column="String(254)",
        migration="sa.String(254)",
        filters=(Narrowing("_contains", "Line", '"ALPHA@"', '"beta@"'),),
        sample='"alpha@example.com"',
        other='"beta@example.com"',
        wrong=('"nobody"', '""', "7"),
    ),
    "json": Kind(
        python="dict[str, Any]",
        schema="JsonObject",
        column="JSONB",
        migration="postgresql.JSONB()",
        sortable=False,
        sample='{"alpha": [1, None]}',
        other="{}",
        wrong=("[]", '"text"', '{"a": "\\0"}'),
    ),
}
"""The code of those that nothing needs to be said about."""
