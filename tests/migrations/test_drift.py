"""Differences in words."""

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, MetaData, Table

from bedplate.migrations.drift import describe_differences
from bedplate.migrations.errors import MigrationDriftError

BOOKS = Table("books", MetaData(), Column("id", Integer, primary_key=True), Column("n", Integer))


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (("add_table", BOOKS), "add table books"),
        (("remove_table", BOOKS), "remove table books"),
        (("add_column", None, "books", BOOKS.c.n), "add column books.n"),
        (("remove_index", Index("ix_books_n", BOOKS.c.n)), "remove index ix_books_n"),
        ([("modify_nullable", None, "books", "n", {}, True, False)], "modify nullable books.n"),
    ],
)
def test_each_difference_is_named(difference: object, words: str) -> None:
    assert describe_differences([difference]) == [words]


@pytest.mark.unhappy
def test_differences_without_a_name_are_told_by_their_kind() -> None:
    nameless = ForeignKeyConstraint(["n"], ["books.id"])
    assert describe_differences([("add_fk", nameless), ("add_something",)]) == [
        "add fk",
        "add something",
    ]


@pytest.mark.unhappy
def test_the_error_lists_them_in_one_sentence() -> None:
    error = MigrationDriftError(differences=["add table books", "remove column books.n"])
    assert error.message == (
        "The models and the migrations differ: add table books; remove column books.n."
    )
    assert MigrationDriftError().message == "The models and the migrations differ."
