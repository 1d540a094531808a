"""Column types that keep a promise which PostgreSQL's own types leave to the caller."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_args, override

from sqlalchemy import DateTime, Dialect, Enum
from sqlalchemy.types import TypeDecorator

from bedplate.errors import InvalidDataError

__all__ = ["CHOICE_LENGTH", "UTCDateTime", "choice_of"]

CHOICE_LENGTH = 50
"""How many characters each word of a choice may have, those to come included."""


def choice_of(name: str, words: Any) -> Enum:  # noqa: ANN401 - a Literal is no type of its own
    """Give the type of a column that holds one of a few words; the database checks it too.

    ::

        OrderStatus = Literal["new", "paid"]


        class Order(UUIDv7Mixin, Base):
            __tablename__ = "orders"
            status: Mapped[OrderStatus] = mapped_column(choice_of("status", OrderStatus))

    A new word takes a migration that replaces the check; the length of the column stays.

    Args:
        name: of the column; its check is called ``ck_orders_status``.
        words: a Literal of texts.

    Raises:
        ValueError: when there are none, or one is too long.
    """
    values = get_args(words)
    if not values or any(len(value) > CHOICE_LENGTH for value in values):
        raise ValueError(f"{name}: a Literal of words of at most {CHOICE_LENGTH} characters")
    return Enum(*values, name=name, native_enum=False, create_constraint=True, length=CHOICE_LENGTH)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: timezone-aware going in, in UTC coming out, ``timestamptz`` in the database.

    Raises:
        InvalidDataError: when given a datetime without a time zone, or one before year 1 or after
            9999 in UTC.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment that nobody knows or that UTC cannot express."""
        if value is None:
            return None
        if value.tzinfo is None or value.utcoffset() is None:
            raise InvalidDataError("A date and time lacks its time zone.")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise InvalidDataError("A date and time is out of range.") from None

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Express the moment in UTC, whatever the time zone of the connection."""
        return None if value is None else value.astimezone(UTC)

    @override
    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None] | None:
        """Leave alone what asyncpg gives: all its moments are in UTC."""
        return None if dialect.driver == "asyncpg" else super().result_processor(dialect, coltype)
