"""The migration of a resource: written from its fields, without a database."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.util import rev_id
from sqlalchemy.dialects import postgresql

from bedplate.migrations.project import one_sentence, scripts_of
from bedplate.scaffold.errors import ScaffoldError
from bedplate.scaffold.resource import Attribute, Resource

__all__ = ["Made", "Migrations", "creating"]

_MADE = re.compile(r"^\s*# bedplate add resource (?P<words>.+)$", re.MULTILINE)
_DROPPED = re.compile(r"^\s*# bedplate remove resource (?P<name>\S+)$", re.MULTILINE)
_MOMENT = ("sa.DateTime(timezone=True)", "server_default=sa.func.statement_timestamp()")


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that a migration says was added here."""

    name: str
    fields: tuple[str, ...]
    plural: str | None
    script: Script

    @property
    def path(self) -> Path:
        """Give the file of the migration."""
        return Path(self.script.path)

    @property
    def command(self) -> str:
        """Give the command that made it."""
        plural = [f"--plural={self.plural}"] if self.plural else []
        return f"bedplate add resource {shlex.join([self.name, *self.fields, *plural])}"


@dataclass(frozen=True, slots=True)
class Migrations:
    """The migrations of a service."""

    root: Path

    def made(self, name: str) -> Made | None:
        """Find the migration that a resource was added by, unless one took it away after that.

        Raises:
            MigrationError: the files do not make sense.
        """
        for script, text in zip(self._newest_first(), self.texts(), strict=True):
            if any(found["name"] == name for found in _DROPPED.finditer(text)):
                return None
            for found in _MADE.finditer(text):
                made = _parse(found["words"], script)
                if made.name == name:
                    return made
        return None

    def texts(self) -> Iterator[str]:
        """Give the text of each migration, the newest first.

        Raises:
            MigrationError: the files do not make sense.
        """
        for script in self._newest_first():
            yield Path(script.path).read_text(encoding="utf-8")

    def newest(self) -> Script | None:
        """Give the newest migration.

        Raises:
            ScaffoldError: several are the newest.
            MigrationError: the files do not make sense.
        """
        with one_sentence():
            heads = scripts_of(self.root).get_revisions("heads")
        if len(heads) > 1:
            raise ScaffoldError(
                f"There are {len(heads)} newest migrations; join them into one line first, by"
                " changing down_revision in one of the files."
            )
        return heads[0] if heads else None

    def write(
        self,
        staging: Path,
        message: str,
        *,
        up: str,
        down: str,
        imports: str = "",
        number: int = 1,
    ) -> tuple[Path, str]:
        """Write a migration behind the newest one, and give its place in the service and its text.

        The service's own ``script.py.mako`` and pattern of names are used.

        Args:
            staging: an empty folder.
            message: what it does; becomes part of its name.
            up: statements that apply it.
            down: statements that undo it.
            imports: what these need besides Alembic and SQLAlchemy.
            number: which one of this message it is, if there are several.

        Raises:
            ScaffoldError: several migrations are the newest.
            MigrationError: the files do not make sense.
        """
        newest = self.newest()
        if "postgresql." in up + down:
            imports = "from sqlalchemy.dialects import postgresql"
        with one_sentence():
            scripts = scripts_of(self.root)
            places = [Path(place) for place in scripts._version_locations]
            place = Path(newest.path).parent if newest else places[0]
            shadow = ScriptDirectory(
                scripts.dir,
                file_template=scripts.file_template,
                truncate_slug_length=scripts.truncate_slug_length,
                version_locations=[*map(str, places), str(staging)],
                output_encoding=scripts.output_encoding,
                timezone=scripts.timezone,
                messaging_opts=scripts.messaging_opts,
            )
            made = shadow.generate_revision(
                rev_id(),
                message if number == 1 else f"{message} {number}",
                version_path=str(staging),
                upgrades=_indented(up),
                downgrades=_indented(down),
                imports=imports,
                config=None,
            )
        if made is None:
            raise ScaffoldError("The migration cannot be written: script.py.mako gives no Python.")
        written = Path(made.path)
        if (place / written.name).exists():  # from this very minute, and of this very name
            written.unlink()
            return self.write(
                staging, message, up=up, down=down, imports=imports, number=number + 1
            )
        return place.relative_to(self.root) / written.name, written.read_text(encoding="utf-8")

    def _newest_first(self) -> Iterator[Script]:
        with one_sentence():
            scripts = list(scripts_of(self.root).walk_revisions())
        yield from scripts


def creating(resource: Resource) -> tuple[str, str]:
    """Give the statements that make a resource's table, and those that drop it."""
    table = resource.name.plural
    columns = [_column("id", "sa.Uuid()", optional=False)]
    columns += [
        _column(one.name, one.kind.migration, optional=one.optional) for one in resource.attributes
    ]
    columns += [_column(name, *_MOMENT, optional=False) for name in ("created_at", "updated_at")]
    constraints = [f'sa.PrimaryKeyConstraint("id", name=op.f("pk_{table}"))']
    for one in resource.attributes:
        constraints += _constraints(table, one)
    indexes = [*resource.indexes, *((one.name,) for one in resource.attributes if one.is_indexed)]
    up = [
        f"# {resource.specification}",
        f'op.create_table("{table}", {", ".join([*columns, *constraints])},)',
        *(_index(table, columns) for columns in indexes),
    ]
    return "\n".join(up), f'op.drop_table("{table}")'


def _column(name: str, *parts: str, optional: bool) -> str:
    return f'sa.Column("{name}", {", ".join([*parts, f"nullable={optional}"])})'


def _constraints(table: str, one: Attribute) -> list[str]:
    found = []
    if one.field.unique:
        found.append(f'sa.UniqueConstraint("{one.name}", name=op.f("uq_{table}_{one.name}"))')
    if one.field.kind == "enum":
        words = ", ".join(f"'{word}'" for word in one.field.arguments)
        check = repr(f"{_quoted(one.name)} IN ({words})")
        found.append(f'sa.CheckConstraint({check}, name=op.f("ck_{table}_{one.name}"))')
    if one.target is not None:
        name = f'op.f("fk_{table}_{one.name}_{one.target.table}")'
        rule = f', ondelete="{one.on_delete}"' if one.on_delete else ""
        key = f'"{one.target.table}.{one.target.key}"'
        found.append(f'sa.ForeignKeyConstraint(["{one.name}"], [{key}], name={name}{rule})')
    return found


def _quoted(column: str) -> str:
    """Give a column as SQL has it: some words are its own."""
    return str(postgresql.dialect().identifier_preparer.quote(column))  # type: ignore[no-untyped-call]


def _index(table: str, columns: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{column}"' for column in columns)
    return f'op.create_index(op.f("ix_{table}_{"_".join(columns)}"), "{table}", [{listed}])'


def _indented(statements: str) -> str:
    return "\n    ".join(statements.splitlines())


def _parse(words: str, script: Script) -> Made:
    name, *others = shlex.split(words)
    plurals = [word.partition("=")[2] for word in others if word.startswith("--plural=")]
    fields = tuple(word for word in others if not word.startswith("--"))
    return Made(name, fields, plurals[0] if plurals else None, script)
