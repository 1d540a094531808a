"""Base, mixins and column types, against real PostgreSQL."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import (
    ForeignKey,
    Index,
    MetaData,
    String,
    UniqueConstraint,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bedplate.database import Database
from bedplate.errors import InvalidDataError
from bedplate.models import (
    NAMING_CONVENTION,
    Base,
    IdentityMixin,
    TimestampMixin,
    UTCDateTime,
    UUIDv7Mixin,
)


class Model(Base):
    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Writer(UUIDv7Mixin, TimestampMixin, Model):
    __tablename__ = "writers"
    __table_args__ = (UniqueConstraint("name", "country"), UniqueConstraint("name", "born"))
    name: Mapped[str] = mapped_column(String(50), index=True)
    country: Mapped[str] = mapped_column(default="")
    born: Mapped[datetime | None]
    books: Mapped[list["Novel"]] = relationship(lazy="raise", back_populates="author")


class Novel(IdentityMixin, Model):
    __tablename__ = "novels"
    author_id: Mapped[object] = mapped_column(ForeignKey("writers.id"))
    author: Mapped[Writer] = relationship(lazy="raise", back_populates="books")


@pytest.fixture(scope="session")
def schema() -> MetaData:
    return Model.metadata


@pytest.mark.unhappy
def test_composite_constraints_have_names_of_their_own() -> None:
    names = {str(constraint.name) for constraint in Writer.__table__.constraints}  # type: ignore[attr-defined]
    assert names == {"pk_writers", "uq_writers_name_country", "uq_writers_name_born"}
    assert {index.name for index in Writer.__table__.indexes} == {"ix_writers_name"}  # type: ignore[attr-defined]


async def test_a_stored_row_has_its_key_and_moments_without_a_second_statement(
    database: Database,
) -> None:
    async with database.session() as session:
        author = Writer(name="Ada")
        session.add(author)
        await session.flush()
        assert author.id.version == 7
        assert author.created_at == author.updated_at
        assert author.created_at.tzinfo is UTC
        book = Novel(author_id=author.id)
        session.add(book)
        await session.flush()
        assert book.id >= 1


async def test_every_kind_of_update_moves_updated_at(database: Database) -> None:
    async with database.session() as session:
        author = Writer(name="Ada")
        session.add(author)
        await session.flush()
        first = author.updated_at
        author.name = "Ada L."
        await session.flush()
        second = author.updated_at
        await session.execute(
            update(Writer).values(country="uk"), execution_options={"synchronize_session": False}
        )
        third = (await session.execute(select(Writer.updated_at))).scalar_one()
        assert first < second < third
        assert author.created_at == first


async def test_moments_come_back_in_utc(database: Database) -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    async with database.session() as session:
        await session.execute(text("SET LOCAL TIME ZONE 'Asia/Tokyo'"))
        await session.execute(insert(Writer).values(name="Ada", born=moment))
        born = (await session.execute(select(Writer.born))).scalar_one()
        assert born == moment
        assert born is not None
        assert born.tzinfo is UTC
        assert (await session.execute(select(func.max(Writer.born)))).scalar_one() == moment


@pytest.mark.unhappy
async def test_a_moment_without_time_zone_is_refused(database: Database) -> None:
    async with database.session() as session:
        with pytest.raises(InvalidDataError, match="time zone"):
            await session.execute(
                insert(Writer).values(name="Ada", born=datetime(2026, 1, 1))  # noqa: DTZ001
            )


@pytest.mark.unhappy
async def test_a_condition_without_time_zone_is_refused(database: Database) -> None:
    async with database.session() as session:
        with pytest.raises(InvalidDataError, match="time zone"):
            await session.execute(
                select(Writer).where(Writer.born > datetime(2026, 1, 1))  # noqa: DTZ001
            )


@pytest.mark.unhappy
async def test_a_relationship_that_was_not_asked_for_is_not_loaded_in_secret(
    database: Database,
) -> None:
    async with database.session() as session:
        session.add(Writer(name="Ada"))
        await session.flush()
        session.expunge_all()
        author = (await session.scalars(select(Writer))).one()
        with pytest.raises(InvalidRequestError):
            _ = author.books


@pytest.mark.unhappy
async def test_the_repr_shows_the_key_alone(database: Database) -> None:
    author = Writer(name="secret")
    assert repr(author) == "<Writer not stored>"
    async with database.session() as session:
        session.add(author)
        await session.flush()
        assert repr(author) == f"<Writer {author.id}>"


@pytest.mark.unhappy
def test_a_moment_that_is_missing_stays_missing() -> None:
    column = UTCDateTime()
    assert column.process_bind_param(None, None) is None  # type: ignore[arg-type]
    assert column.process_result_value(None, None) is None  # type: ignore[arg-type]


@pytest.mark.unhappy
def test_a_moment_whose_zone_has_no_offset_is_refused() -> None:
    from datetime import tzinfo

    class Nowhere(tzinfo):
        def utcoffset(self, dt: datetime | None) -> None:
            return None

        def dst(self, dt: datetime | None) -> None:
            return None

        def tzname(self, dt: datetime | None) -> None:
            return None

    with pytest.raises(InvalidDataError):
        UTCDateTime().process_bind_param(datetime(2026, 1, 1, tzinfo=Nowhere()), None)  # type: ignore[arg-type]


@pytest.mark.unhappy
def test_an_index_of_many_columns_is_named_by_all() -> None:
    table_metadata = MetaData(naming_convention=NAMING_CONVENTION)

    class Other(Base):
        __abstract__ = True
        metadata = table_metadata

    class Row(UUIDv7Mixin, Other):
        __tablename__ = "rows"
        one: Mapped[int]
        two: Mapped[int]
        __table_args__ = (Index(None, "one", "two"), Index(None, "one"))

    assert {index.name for index in Row.__table__.indexes} == {"ix_rows_one_two", "ix_rows_one"}  # type: ignore[attr-defined]
