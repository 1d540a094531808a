"""The migration that creates the tables of background jobs, or drops them: behind a service's own."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bedplate.scaffold.changes import Change
from bedplate.scaffold.formatting import formatted
from bedplate.scaffold.migration import Migrations

__all__ = ["JobsTables"]

_UPGRADE = re.compile(r"^def upgrade\(.*?(?=^def |\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class JobsTables:
    """The tables of the queue, as a service's migrations have them."""

    root: Path

    def exist(self) -> bool:
        """Tell whether a database at the newest migration has them.

        Raises:
            MigrationError: the files do not make sense.
        """
        return _last_word(Migrations(self.root).texts()) == "create"

    def change(self, folder: Path, *, drop: bool = False) -> Change:
        """Plan the migration that creates or drops them.

        Args:
            folder: an empty one within the service.
            drop: whether to drop them.

        Raises:
            ScaffoldError: several migrations are the newest.
            MigrationError: the files do not make sense.
        """
        verb, undo = ("drop", "create") if drop else ("create", "drop")
        (folder / "migration").mkdir()
        path, text = Migrations(self.root).write(
            folder / "migration",
            f"{verb} jobs",
            up=f"{verb}_jobs(op)",
            down=f"{undo}_jobs(op)",
            imports="from bedplate.jobs.schema import create_jobs, drop_jobs\n",
        )
        lean = text.replace("import sqlalchemy as sa\n", "", 1)  # its only use would be none
        [[styled]] = [list(group.values()) for group in formatted(folder / "styled", {path: lean})]
        return Change(path, None, styled)


def _last_word(newest_first: Iterable[str]) -> str | None:
    for text in newest_first:
        upgrade = _UPGRADE.search(text)
        for verb in ("create", "drop"):
            if upgrade is not None and f"{verb}_jobs(op)" in upgrade[0]:
                return verb
    return None
