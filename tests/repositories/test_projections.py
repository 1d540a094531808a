"""Projections: schemas and tuples instead of entities, and only their columns are read."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple
from uuid import UUID

import pytest
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, aliased, column_property, mapped_column, selectinload
from sqlalchemy.sql.elements import SQLColumnExpression
from tests.repositories.library import (
    CODEC,
    Author,
    AuthorPageParams,
    AuthorParams,
    AuthorRepository,
    Book,
    Model,
    Place,
    PlaceRepository,
)

from bedplate.database import Database
from bedplate.errors import InvalidCursorError, InvalidDataError, LockTimeoutError, NotFoundError
from bedplate.models import IdentityMixin, uuid7
from bedplate.pagination import CursorParams, PageParams
from bedplate.repositories import Projection, Repository, Sortable
from bedplate.schemas import Schema

type Counter = Callable[[Database], AbstractContextManager[list[str]]]


class Film(IdentityMixin, Model):
    __tablename__ = "films"
    title: Mapped[str] = mapped_column("film_title", String(50))
    kind: Mapped[str] = mapped_column(String(20), default="film")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    length: Mapped[int] = column_property(func.length(title))
    __mapper_args__ = {  # noqa: RUF012 - as DeclarativeBase declares it
        "polymorphic_on": "kind",
        "polymorphic_identity": "film",
    }

    @hybrid_property
    def initial(self) -> str:
        return self.title[:1]

    @initial.inplace.expression
    @classmethod
    def _initial(cls) -> SQLColumnExpression[str]:
        return func.left(cls.title, 1)


class Opera(Film):
    __tablename__ = "operas"
    id: Mapped[int] = mapped_column(ForeignKey("films.id"), primary_key=True)
    composer: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "opera"}  # noqa: RUF012 - as above


class FilmRepository(Repository[Film]):
    model = Film
    sortable: ClassVar[Sortable] = {"title": Film.title, "length": Film.length}


class OperaRepository(Repository[Opera]):
    model = Opera


class FilmParams(CursorParams):
    sort: Literal["title", "-length"] = "title"


class Row(BaseModel):
    name: str
    rank: int | None


class ApiRow(Schema):
    rank: int | None = Field(alias="theRank")
    id: UUID


@dataclass(frozen=True)
class RowData:
    name: str
    id: UUID
    label: str = field(init=False, default="row")


@dataclass(kw_only=True)
class NamedRowData:
    rank: int | None
    name: str


class RowTuple(NamedTuple):
    rank: int | None
    name: str


@pytest.fixture
async def ranked(authors: AuthorRepository) -> dict[str, UUID]:
    keys = await authors.add_many(
        {"name": name, "rank": rank} for rank, name in enumerate("abcdefg")
    )
    return dict(zip("abcdefg", keys, strict=True))


async def test_each_read_gives_the_schema_with_one_statement(
    authors: AuthorRepository,
    ranked: Mapping[str, UUID],
    database: Database,
    count_statements: Counter,
) -> None:
    rows = authors.select_as(Row)
    a, b = Row(name="a", rank=0), Row(name="b", rank=1)
    reads = [
        (rows.get(ranked["a"]), a),
        (rows.find(ranked["b"]), b),
        (rows.first(Author.name > "a", order_by=[Author.name]), b),
        (rows.one(Author.rank == 0), a),
        (rows.list(Author.rank < 2, order_by=[Author.name.desc()]), [b, a]),
        (rows.list(order_by=[Author.name], limit=1), [a]),
        (rows.exists(Author.rank == 1), True),
        (rows.count(Author.rank < 2), 2),
    ]
    for read, expected in reads:
        with count_statements(database) as statements:
            assert await read == expected
        assert len(statements) == 1, statements
        assert "created_at" not in statements[0]
        assert "authors.id" not in statements[0].partition("FROM")[0]


async def test_every_kind_of_schema_can_be_given(
    authors: AuthorRepository, ranked: Mapping[str, UUID]
) -> None:
    key = ranked["c"]
    api = await authors.select_as(ApiRow).get(key)
    assert (api.rank, api.id, api.model_dump(by_alias=True)["theRank"]) == (2, key, 2)
    assert await authors.select_as(RowData).get(key) == RowData("c", key)
    assert await authors.select_as(NamedRowData).get(key) == NamedRowData(rank=2, name="c")
    assert await authors.select_as(RowTuple).get(key) == RowTuple(2, "c")
    columns = await authors.select_columns(Author.name, Author.rank).get(key)
    assert (columns, type(columns)) == (("c", 2), tuple)


async def test_many_keys_give_rows_in_their_order_and_what_is_missing(
    authors: AuthorRepository,
    ranked: Mapping[str, UUID],
    session: AsyncSession,
    database: Database,
    count_statements: Counter,
) -> None:
    nobody = uuid7()
    with count_statements(database) as statements:
        found = await authors.select_as(RowTuple).get_many([ranked["b"], nobody, ranked["a"]])
    assert (found.rows, found.missing) == ([(1, "b"), (0, "a")], [nobody])
    assert len(statements) == 1
    session.add_all([Place(row=1, seat=seat, taken=seat == 2) for seat in (1, 2)])
    places = PlaceRepository(session).select_columns(Place.taken)
    taken = await places.get_many([(1, 2), (9, 9), (1, 1)])
    assert (taken.rows, taken.missing) == ([(True,), (False,)], [(9, 9)])


async def test_pages_take_the_declared_sort_and_filters(
    authors: AuthorRepository,
    ranked: Mapping[str, UUID],
    database: Database,
    count_statements: Counter,
) -> None:
    rows = authors.select_as(RowTuple)
    with count_statements(database) as statements:
        page = await rows.page(AuthorPageParams(limit=2, offset=1, sort="-name"))
    assert len(statements) == 1
    assert ([row.name for row in page.items], page.has_more) == (["f", "e"], True)
    with count_statements(database) as statements:
        page = await rows.page(PageParams(limit=9, total=True), Author.rank > 3)
    assert len(statements) == 1
    assert (len(page.items), page.has_more, page.total) == (3, False, 3)


async def test_cursors_lead_both_ways_and_are_those_of_the_entities(
    authors: AuthorRepository,
    ranked: Mapping[str, UUID],
    database: Database,
    count_statements: Counter,
) -> None:
    rows = authors.select_columns(Author.name)
    with count_statements(database) as statements:
        first = await rows.cursor_page(AuthorParams(limit=3, sort="-rank"))
        second = await rows.cursor_page(
            AuthorParams(limit=3, sort="-rank", cursor=first.next_cursor)
        )
    assert len(statements) == 2
    assert "active" not in statements[1]
    assert (first.items, second.items) == ([("g",), ("f",), ("e",)], [("d",), ("c",), ("b",)])
    back = await rows.cursor_page(
        AuthorParams(limit=3, sort="-rank", cursor=second.previous_cursor, total=True)
    )
    assert (back.items, back.total) == (first.items, 7)
    entities = await authors.cursor_page(
        AuthorParams(limit=3, sort="-rank", cursor=first.next_cursor)
    )
    assert [author.name for author in entities.items] == ["d", "c", "b"]
    assert entities.next_cursor == second.next_cursor


async def test_expressions_of_the_model_are_columns_too(session: AsyncSession) -> None:
    class FilmRow(NamedTuple):
        initial: str
        length: int
        title: str

    films = FilmRepository(session, cursors=CODEC)
    await films.add_many({"title": title} for title in ("Metropolis", "M"))
    assert await films.select_as(FilmRow).list(order_by=[Film.title]) == [
        ("M", 1, "M"),
        ("M", 10, "Metropolis"),
    ]
    columns = films.select_columns(Film.length, Film.initial)
    assert columns._columns is films.select_columns(Film.length, Film.initial)._columns
    first = await columns.cursor_page(FilmParams(limit=1, sort="-length"))
    last = await columns.cursor_page(FilmParams(limit=1, sort="-length", cursor=first.next_cursor))
    assert (first.items, last.items) == ([(10, "M")], [(1, "M")])


@pytest.mark.unhappy
async def test_documents_become_the_models_of_the_schema_or_are_refused(
    session: AsyncSession,
) -> None:
    class Facts(BaseModel):
        year: int

    class Documented(BaseModel):
        facts: Facts

    films = FilmRepository(session)
    await films.add_many([{"title": "M", "facts": {"year": 1931}}])
    assert (await films.select_as(Documented).one()).facts.year == 1931
    await films.add_many([{"title": "N", "facts": {}}])
    with pytest.raises(TypeError, match=r"^a row does not fit Documented\.facts\.year: missing$"):
        await films.select_as(Documented).list()


@pytest.mark.unhappy
async def test_a_lock_goes_with_it(committed_database: Database, count_statements: Counter) -> None:
    async with committed_database.session() as one, committed_database.session() as other:
        key = (await AuthorRepository(one).add(Author(name="a"))).id
        await one.commit()
        with count_statements(committed_database) as statements:
            locked = AuthorRepository(one).locked().select_columns(Author.name)
            assert await locked.get(key) == ("a",)
        assert statements[0].endswith("FOR UPDATE OF authors")
        waiting = AuthorRepository(other).select_columns(Author.name).locked(nowait=True)
        with pytest.raises(LockTimeoutError):
            await waiting.get(key)


@pytest.mark.unhappy
async def test_equal_rows_are_all_given(
    authors: AuthorRepository, ranked: Mapping[str, UUID]
) -> None:
    active = authors.select_columns(Author.active)
    assert await active.list() == [(True,)] * 7
    page = await authors.select_columns(Author.active).cursor_page(AuthorParams(limit=5))
    assert page.items == [(True,)] * 5
    with pytest.raises(MultipleResultsFound):
        await active.one()


@pytest.mark.unhappy
async def test_find_gives_none_where_get_raises(authors: AuthorRepository) -> None:
    rows = authors.select_as(Row)
    assert await rows.find(uuid7()) is None
    assert await rows.first(Author.name == "Nobody") is None
    for read in (rows.get(uuid7()), rows.one(Author.name == "Nobody")):
        with pytest.raises(NotFoundError, match=r"^Author not found\.$"):
            await read


@pytest.mark.unhappy
def test_a_field_that_is_no_column_is_refused_at_once(authors: AuthorRepository) -> None:
    class Unknown(BaseModel):
        name: str
        nmae: str = "has a default"

    class Related(NamedTuple):
        books: list[Book]

    @dataclass
    class Method:
        metadata: str

    for schema, name in ((Unknown, "nmae"), (Related, "books"), (Method, "metadata")):
        with pytest.raises(TypeError, match=rf"^{schema.__name__} asks for {name}, but Author "):
            authors.select_as(schema)


@pytest.mark.unhappy
@pytest.mark.parametrize("given", [int, tuple, Author, Row(name="a", rank=1), "Row", BaseModel])
def test_what_is_no_schema_is_refused(authors: AuthorRepository, given: Any) -> None:
    with pytest.raises(TypeError, match=r"no pydantic model|names no column"):
        authors.select_as(given)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "column", [Book.title, Author.books, "name", func.count(), aliased(Author).name, Author]
)
def test_columns_of_others_are_refused(authors: AuthorRepository, column: Any) -> None:
    with pytest.raises(TypeError, match="Author"):
        authors.select_columns(Author.id, column)
    with pytest.raises(TypeError, match="select_columns names no column"):
        authors.select_columns()


@pytest.mark.unhappy
async def test_a_row_that_does_not_fit_is_told_without_its_values(
    authors: AuthorRepository,
) -> None:
    class Strict(BaseModel):
        name: str = Field(max_length=5)

    await authors.add_many([{"name": "a secret name"}])
    with pytest.raises(TypeError) as info:
        await authors.select_as(Strict).list()
    assert str(info.value) == "a row does not fit Strict.name: string_too_long"
    assert info.value.__cause__ is None
    assert info.value.__suppress_context__


@pytest.mark.unhappy
async def test_loader_options_are_refused(authors: AuthorRepository) -> None:
    view = authors.with_options(selectinload(Author.books))
    for project in (lambda: view.select_as(Row), lambda: view.select_columns(Author.id)):
        with pytest.raises(TypeError, match="loader options"):
            project()


@pytest.mark.unhappy
async def test_it_sees_changes_that_are_not_flushed_and_rows_that_were_loaded(
    authors: AuthorRepository, ranked: Mapping[str, UUID]
) -> None:
    author = await authors.get(ranked["a"])
    author.rank = 70
    assert await authors.select_columns(Author.rank).get(author.id) == (70,)
    row = await authors.select_as(Row).get(author.id)
    row.rank = 71  # a value, not the row
    assert await authors.select_as(Row).get(author.id) == Row(name="a", rank=70)


@pytest.mark.unhappy
async def test_a_subclass_reads_its_own_rows_alone(session: AsyncSession) -> None:
    await FilmRepository(session).add(Film(title="M"))
    opera = await OperaRepository(session).add(Opera(title="Tosca", composer="Puccini"))
    operas = OperaRepository(session)
    assert await operas.select_columns(Film.title).list() == [("Tosca",)]
    assert await operas.select_columns(Opera.title, Opera.composer).get(opera.id) == (
        "Tosca",
        "Puccini",
    )
    with pytest.raises(TypeError, match="Film"):
        FilmRepository(session).select_columns(Opera.composer)


@pytest.mark.unhappy
async def test_cursors_of_another_listing_and_undeclared_sorts_are_refused(
    authors: AuthorRepository, ranked: Mapping[str, UUID]
) -> None:
    rows = authors.select_as(Row)
    page = await rows.cursor_page(AuthorParams(limit=1, sort="name"))
    with pytest.raises(InvalidCursorError):
        await rows.cursor_page(AuthorParams(limit=1, sort="rank", cursor=page.next_cursor))

    class Undeclared(PageParams):
        sort: str = "id"

    with pytest.raises(InvalidDataError):
        await rows.page(Undeclared())


@pytest.mark.unhappy
def test_a_schema_is_looked_at_once(authors: AuthorRepository) -> None:
    first: Projection[Row] = authors.select_as(Row)
    assert first._shape is authors.select_as(Row)._shape
