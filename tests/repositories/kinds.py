"""One table with every kind of column, whose names need quotes, and values for it."""

import enum
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, override
from uuid import UUID

from hypothesis import strategies as st
from sqlalchemy import (
    ARRAY,
    CHAR,
    JSON,
    BigInteger,
    Computed,
    Connection,
    Date,
    Double,
    Enum,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Text,
    Time,
    event,
    func,
)
from sqlalchemy.dialects.postgresql import INT4MULTIRANGE, INT4RANGE, JSONB, Range
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import CreateSchema
from sqlalchemy.types import TypeDecorator

from bedplate.models import NAMING_CONVENTION, Base, UUIDv7Mixin
from bedplate.repositories import Repository


class Colour(enum.Enum):
    red = "R"
    dark_blue = "B"


class Reversed(TypeDecorator[str]):
    """Stored backwards."""

    impl = String(20)
    cache_ok = True

    @override
    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        return None if value is None else value[::-1]

    @override
    def process_result_value(self, value: str | None, dialect: object) -> str | None:
        return None if value is None else value[::-1]


class Upper(TypeDecorator[str]):
    """Stored in capitals, by the database."""

    impl = String(20)
    cache_ok = True

    @override
    def bind_expression(self, bindparam: Any) -> Any:
        return func.upper(bindparam, type_=self)


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


SCHEMA = 'odd "schema"'


@event.listens_for(Model.metadata, "before_create")
def _make_schema(_metadata: MetaData, connection: Connection, **_: object) -> None:
    connection.execute(CreateSchema(SCHEMA, if_not_exists=True))


class Kind(UUIDv7Mixin, Model):
    __tablename__ = "Of every kind"
    __table_args__ = {"schema": SCHEMA}  # noqa: RUF012 - as SQLAlchemy declares it

    text: Mapped[str | None] = mapped_column("a Text", Text)
    code: Mapped[str | None] = mapped_column("select", String(5), unique=True)
    fixed: Mapped[str | None] = mapped_column(CHAR(3))
    number: Mapped[int | None] = mapped_column(Integer)
    large: Mapped[int | None] = mapped_column(BigInteger)
    amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    ratio: Mapped[float | None] = mapped_column(Double)
    truth: Mapped[bool | None]
    moment: Mapped[datetime | None]
    day: Mapped[date | None] = mapped_column(Date)
    hour: Mapped[time | None] = mapped_column(Time)
    span: Mapped[timedelta | None] = mapped_column(Interval)
    other: Mapped[UUID | None]
    data: Mapped[bytes | None] = mapped_column(LargeBinary)
    colour: Mapped[Colour | None] = mapped_column(Enum(Colour, name="a colour", schema=SCHEMA))
    shade: Mapped[Colour | None] = mapped_column(Enum(Colour, native_enum=False))
    json: Mapped[Any] = mapped_column(JSON, nullable=True)
    jsonb: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    backwards: Mapped[str | None] = mapped_column(Reversed)
    stretch: Mapped[Range[int] | None] = mapped_column(INT4RANGE)
    half: Mapped[int | None] = mapped_column(Integer, Computed("number / 2", persisted=True))
    given: Mapped[int] = mapped_column(Integer, server_default="7")
    drawn: Mapped[UUID] = mapped_column(default=lambda: UUID(int=5))
    constant: Mapped[str] = mapped_column(default="as ever")


class Wide(UUIDv7Mixin, Model):
    """What cannot be an item of an array, or is wrapped in SQL."""

    __tablename__ = "wide"
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    grid: Mapped[list[list[int]] | None] = mapped_column(ARRAY(Integer, dimensions=2))
    stretches: Mapped[Any] = mapped_column(INT4MULTIRANGE, nullable=True)
    shout: Mapped[str | None] = mapped_column(Upper)
    limited: Mapped[str | None] = mapped_column(String(5), unique=True)


class KindRepository(Repository[Kind]):
    model = Kind


class WideRepository(Repository[Wide]):
    model = Wide


_HOSTILE = st.sampled_from(
    [
        "",
        "\t",
        "\n",
        "\r\n",
        "\\",
        "\\N",
        "\\.",
        "'",
        '"',
        "{}",
        "{a,b}",
        "NULL",
        "\u2028",
        "🦊",
        "\x01",
        ",",
    ]
)
texts = st.lists(
    _HOSTILE
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
).map("".join)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)
_moments = st.timedeltas(timedelta(days=-700_000), timedelta(days=2_900_000)).map(
    lambda distance: datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=-5))) + distance
)


def _integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2**bits), 2**bits - 1)


ONE_OF_EACH: dict[str, Any] = {
    "text": "'\"\\ 🦊",
    "code": "abc",
    "fixed": "x",
    "number": -7,
    "large": 2**62,
    "amount": Decimal("12.3400"),
    "ratio": 0.1,
    "truth": False,
    "moment": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "day": date(2026, 1, 2),
    "hour": time(3, 4),
    "span": timedelta(days=2, microseconds=1),
    "other": UUID(int=9),
    "data": b"\0\xff",
    "colour": Colour.dark_blue,
    "shade": Colour.red,
    "json": {"a": [1, None]},
    "jsonb": [1.5, "x"],
    "backwards": "abc",
    "stretch": Range(1, 10),
}


values_of_kind: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "fixed": st.sampled_from(["abc", "x  ", "ü\t\\"]),
    "number": _integers(31),
    "large": _integers(63),
    "amount": st.decimals(-(10**7), 10**7, places=4, allow_nan=False),
    "ratio": st.floats(allow_nan=False),
    "truth": st.booleans(),
    "moment": _moments,
    "day": st.dates(),
    "hour": st.times(),
    "span": st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
    "other": st.uuids(),
    "data": st.binary(max_size=20),
    "colour": st.sampled_from(Colour),
    "shade": st.sampled_from(Colour),
    "json": _json,
    "jsonb": _json,
    "backwards": st.text("ab\t\\\n'", max_size=20),
    "stretch": st.integers(0, 9).map(lambda low: Range(low, 10, bounds="[)")),
}
rows_of_kind = st.fixed_dictionaries(
    {name: st.none() | value for name, value in values_of_kind.items()}
)
rows_wide = st.fixed_dictionaries(
    {
        "tags": st.none() | st.lists(st.none() | texts, max_size=3),
        "grid": st.none() | st.just([[1, 2], [3, 4]]),
        "stretches": st.none() | st.just([Range(1, 3), Range(5, 7)]),
        "shout": st.none() | st.text("abc'", max_size=9),
    }
)
