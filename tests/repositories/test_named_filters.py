"""Filters and sorts that a request's class declares by the names of columns alone."""

from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from pydantic import AwareDatetime, ValidationError
from sqlalchemy import update
from tests.repositories.library import CODEC, Author, AuthorRepository

from bedplate.errors import InvalidDataError
from bedplate.pagination import CursorParams, PageParams, sort_by
from bedplate.repositories import Repository, filter_named

ROWS = [("ada", 1), ("Adam", 2), ("bob_50%", 3), ("cyd", None)]


class PlainRepository(Repository[Author]):
    """Declares nothing itself."""

    model = Author


class Params(CursorParams):
    sort: str = sort_by("-name", "rank")
    active: bool | None = None
    name: str | None = None
    name_contains: str | None = None
    rank_min: int | None = None
    rank_max: int | None = None
    created_at_from: AwareDatetime | None = None
    created_at_before: AwareDatetime | None = None


class LiteralParams(PageParams):
    sort: Literal["rank", "-rank"] = "-rank"


class AnyTextParams(PageParams):
    sort: str = "name"


class UnknownParams(PageParams):
    colour: str | None = None


@pytest.fixture
async def plain(authors: AuthorRepository) -> PlainRepository:
    await authors.add_many({"name": name, "rank": rank} for name, rank in ROWS)
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    await authors.session.execute(
        update(Author).where(Author.name == "ada").values(created_at=moment)
    )
    return PlainRepository(authors.session, cursors=CODEC)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, ["cyd", "bob_50%", "ada", "Adam"]),
        ({"name": "ada"}, ["ada"]),
        ({"name_contains": "D"}, ["cyd", "ada", "Adam"]),
        ({"rank_min": 2}, ["bob_50%", "Adam"]),
        ({"rank_max": 2}, ["ada", "Adam"]),
        ({"rank_min": 2, "rank_max": 2}, ["Adam"]),
        ({"active": False}, []),
        ({"created_at_from": "2020-01-01T00:00:00Z", "rank_max": 1}, ["ada"]),
        ({"created_at_before": "2020-01-01T00:00:00Z"}, []),
        ({"created_at_before": "2020-01-01T00:00:01Z"}, ["ada"]),
        ({"sort": "rank"}, ["ada", "Adam", "bob_50%", "cyd"]),
        ({"sort": "-rank"}, ["cyd", "bob_50%", "Adam", "ada"]),
    ],
)
async def test_a_name_says_which_column_and_how(
    plain: PlainRepository, chosen: dict[str, Any], expected: list[str]
) -> None:
    found = await plain.cursor_page(Params.model_validate(chosen))
    assert sorted(author.name for author in found.items) == sorted(expected)
    if "rank" in str(chosen.get("sort")):
        assert [author.name for author in found.items] == expected
    listed = await plain.page(LiteralParams())
    assert [author.rank for author in listed.items] == [None, 3, 2, 1]


@pytest.mark.unhappy
@pytest.mark.parametrize("sort", ["created_at", "--name", "", "name\n", "name|rank", "NAME"])
def test_what_is_not_declared_is_refused_by_the_class(sort: str) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate({"sort": sort})
    field = Params.model_json_schema()["properties"]["sort"]
    assert (field["enum"], field["default"]) == (["name", "rank", "-name", "-rank"], "-name")


@pytest.mark.unhappy
async def test_a_sort_that_may_be_any_text_opens_no_column(plain: PlainRepository) -> None:
    with pytest.raises(InvalidDataError):
        await plain.page(AnyTextParams())


@pytest.mark.unhappy
async def test_a_filter_that_names_no_column_is_the_programmers_error(
    plain: PlainRepository,
) -> None:
    with pytest.raises(TypeError, match="colour"):
        await plain.page(UnknownParams())


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "name", ["colour", "name_", "_min", "metadata", "books", "books_min", "rank_max_min"]
)
def test_other_names_are_no_filters(name: str) -> None:
    assert filter_named(Author, name) is None
