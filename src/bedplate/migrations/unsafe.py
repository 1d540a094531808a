"""Changes of a schema that would lock a table in production, or break the release that still runs.

What finds them is squawk, on the SQL that the migrations would send; no database is needed.
"""

import json
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bedplate._extras import missing_extra
from bedplate.migrations.commands import Migration, history, sql
from bedplate.migrations.errors import MigrationError

__all__ = ["UnsafeChange", "unsafe_changes"]

_OLDEST = "15"
# Not what squawk says of style, and of time-outs: the environment of migrations sets those.
_RULES = {
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "adding-required-field",
    "adding-serial-primary-key-field",
    "ban-concurrent-index-creation-in-transaction",
    "ban-drop-column",
    "ban-drop-database",
    "ban-drop-table",
    "ban-truncate-cascade",
    "changing-column-type",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "renaming-column",
    "renaming-table",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
}
_MEANT = re.compile(r"#\s*squawk-ignore:\s*([a-z, -]+)")


@dataclass(frozen=True, slots=True)
class UnsafeChange:
    """One statement of a migration that is not safe while others use the database."""

    migration: Migration
    rule: str
    """Its name in squawk's documentation."""

    statement: str
    """The line of SQL."""

    advice: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.migration.path.name}: {self.rule}: {self.statement} ({self.advice})"


def unsafe_changes(project_dir: Path, *, after: str | None = None) -> list[UnsafeChange]:
    """Find what is not safe in the migrations of a project, the oldest first.

    A migration that means it says so in a comment: ``# squawk-ignore: ban-drop-table``.

    Args:
        project_dir: the folder of the pyproject.toml that has ``[tool.alembic]``.
        after: only the migrations that follow on this one.

    Raises:
        MigrationError: when the files do not make sense, there is no such migration, or one cannot
            be written as SQL.
        MissingExtraError: when squawk is not installed.
    """
    program = _program()
    found: list[UnsafeChange] = []
    down = "base"
    for migration in reversed(history(project_dir)):
        if after is None:
            found += _judged(program, migration, sql(project_dir, f"{down}:{migration.revision}"))
        elif migration.revision == after:
            after = None
        down = migration.revision
    if after is not None:
        raise MigrationError(f"No file has the migration {after}.")
    return found


def _judged(program: str, migration: Migration, script: str) -> Iterator[UnsafeChange]:
    done = subprocess.run(  # noqa: S603 - its own program, and text on its standard input
        [program, "--reporter=json", f"--pg-version={_OLDEST}", "--stdin-filepath=migration.sql"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        said = json.loads(done.stdout or "[]")
    except json.JSONDecodeError as error:
        raise MigrationError(f"squawk cannot read {migration.path.name}.") from error
    lines, meant = script.splitlines(), _meant(migration)
    for each in said:
        rule = each["rule_name"]
        if rule == "syntax-error":
            raise MigrationError(f"The SQL of {migration.path.name} cannot be read.")
        if rule in _RULES and rule not in meant:
            advice = (each["help"] or each["message"]).rstrip(".")
            yield UnsafeChange(migration, rule, lines[each["line"]].strip(), advice)


def _meant(migration: Migration) -> Sequence[str]:
    text = migration.path.read_text(encoding="utf-8")
    return [rule.strip() for names in _MEANT.findall(text) for rule in names.split(",")]


def _program() -> str:
    """Find squawk where this interpreter's packages put their commands."""
    own = Path(sysconfig.get_path("scripts"), "squawk")
    program = str(own) if own.exists() else shutil.which("squawk")
    if program is None:
        raise missing_extra("squawk", "squawk-cli")
    return program
