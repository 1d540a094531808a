"""Migrations that would lock production are found in their SQL."""

from pathlib import Path

import pytest
from tests.migrations.conftest import Project

from bedplate._extras import MissingExtraError
from bedplate.migrations import MigrationError
from bedplate.migrations.unsafe import unsafe_changes

INDEX = 'op.create_index("ix_books_title", "books", ["title"])'


def test_what_is_done_to_a_new_table_is_safe(project: Project) -> None:
    make = 'op.create_table("shelves", sa.Column("id", sa.Integer, primary_key=True))'
    index = 'op.create_index("ix_shelves_id", "shelves", ["id"])'
    project.add("ccc3", "bbb2", upgrade=f"{make}; {index}")
    assert unsafe_changes(project.folder) == []


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("upgrade", "rules"),
    [
        (INDEX, ["require-concurrent-index-creation"]),
        ('op.drop_table("books")', ["ban-drop-table"]),
        ('op.drop_column("books", "title")', ["ban-drop-column"]),
        ('op.alter_column("books", "title", nullable=False)', ["adding-not-nullable-field"]),
        ('op.alter_column("books", "title", type_=sa.Integer)', ["changing-column-type"]),
        ('op.rename_table("books", "volumes")', ["renaming-table"]),
        (
            'op.add_column("books", sa.Column("isbn", sa.String, nullable=False))',
            ["adding-required-field"],
        ),
    ],
)
def test_what_locks_or_breaks_is_named(project: Project, upgrade: str, rules: list[str]) -> None:
    project.add("ccc3", "bbb2", upgrade=upgrade)
    found = unsafe_changes(project.folder)
    assert [change.rule for change in found] == rules
    assert {change.migration.revision for change in found} == {"ccc3"}
    assert "books" in found[0].statement
    assert str(found[0]).startswith("ccc3.py: ")


@pytest.mark.unhappy
def test_what_is_meant_is_passed_over(project: Project) -> None:
    project.add("ccc3", "bbb2", upgrade=f"{INDEX}  # squawk-ignore: ban-drop-table")
    assert len(unsafe_changes(project.folder)) == 1
    meant = "# squawk-ignore: ban-drop-table, require-concurrent-index-creation"
    project.add("ccc3", "bbb2", upgrade=f"{INDEX}  {meant}")
    assert unsafe_changes(project.folder) == []


@pytest.mark.unhappy
def test_what_was_applied_long_ago_can_be_left_out(project: Project) -> None:
    project.add("ccc3", "bbb2", upgrade=INDEX)
    project.add("ddd4", "ccc3", upgrade='op.drop_table("books")')
    assert [change.rule for change in unsafe_changes(project.folder, after="ccc3")] == [
        "ban-drop-table"
    ]
    assert unsafe_changes(project.folder, after="ddd4") == []
    with pytest.raises(MigrationError, match="No file has the migration zzz9"):
        unsafe_changes(project.folder, after="zzz9")


@pytest.mark.unhappy
def test_without_squawk_the_extra_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"bedplate\[squawk\]"):
        unsafe_changes(project.folder)


@pytest.mark.unhappy
def test_a_migration_that_is_no_sql_is_one_sentence(project: Project) -> None:
    project.add("ccc3", "bbb2", upgrade='op.execute("SELEC nonsense FROM (")')
    with pytest.raises(MigrationError, match=r"ccc3\.py cannot be read\.$"):
        unsafe_changes(project.folder)
