"""Declared filters: which rows each keeps."""

from typing import Any

import pytest
from tests.repositories.library import Author, AuthorRepository

from bedplate.errors import InvalidDataError
from bedplate.repositories import (
    Filter,
    at_least,
    at_most,
    contains,
    equals,
    greater_than,
    is_null,
    less_than,
    one_of,
    starts_with,
)

ROWS = [("ada", 1), ("Adam", 2), ("bob_50%", 3), ("cyd", None)]


@pytest.fixture(autouse=True)
async def stored(authors: AuthorRepository) -> None:
    await authors.add_many({"name": name, "rank": rank} for name, rank in ROWS)


async def kept(authors: AuthorRepository, condition: Filter, value: Any) -> set[str]:
    return {author.name for author in await authors.list(condition(value))}


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        (equals(Author.rank), 2, {"Adam"}),
        (one_of(Author.rank), [1, 3], {"ada", "bob_50%"}),
        (at_least(Author.rank), 2, {"Adam", "bob_50%"}),
        (at_most(Author.rank), 2, {"ada", "Adam"}),
        (greater_than(Author.rank), 2, {"bob_50%"}),
        (less_than(Author.rank), 2, {"ada"}),
        (contains(Author.name), "D", {"ada", "Adam", "cyd"}),
        (starts_with(Author.name), "AD", {"ada", "Adam"}),
        (is_null(Author.rank), True, {"cyd"}),
        (is_null(Author.rank), False, {"ada", "Adam", "bob_50%"}),
    ],
)
async def test_each_filter_keeps_its_rows(
    authors: AuthorRepository, condition: Filter, value: Any, expected: set[str]
) -> None:
    assert await kept(authors, condition, value) == expected


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("text", "expected"), [("%", {"bob_50%"}), ("_", {"bob_50%"}), ("\\", set()), ("/", set())]
)
async def test_wildcards_and_escapes_are_plain_text(
    authors: AuthorRepository, text: str, expected: set[str]
) -> None:
    assert await kept(authors, contains(Author.name), text) == expected
    assert await kept(authors, starts_with(Author.name), text) == set()


@pytest.mark.unhappy
async def test_nothing_to_choose_from_keeps_nothing(authors: AuthorRepository) -> None:
    assert await kept(authors, one_of(Author.rank), []) == set()


@pytest.mark.unhappy
@pytest.mark.parametrize("value", [2**31, -(2**63) - 1, 10**30])
async def test_a_number_out_of_range_is_invalid_data(authors: AuthorRepository, value: int) -> None:
    with pytest.raises(InvalidDataError):
        await authors.list(at_least(Author.rank)(value))
