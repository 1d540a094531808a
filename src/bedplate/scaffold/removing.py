"""What removing a resource will do, and why it is refused: it is only undone where it is untouched."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bedplate.scaffold.adding import edits, listed, resource_of
from bedplate.scaffold.changes import Change, content
from bedplate.scaffold.code import imported, is_same_code
from bedplate.scaffold.errors import ScaffoldError
from bedplate.scaffold.formatting import formatted_edits
from bedplate.scaffold.layout import Layout
from bedplate.scaffold.migration import Made, Migrations, creating
from bedplate.scaffold.names import Name
from bedplate.scaffold.registration import Registration
from bedplate.scaffold.render import Rendering
from bedplate.scaffold.resource import Resource

__all__ = ["Removal"]


@dataclass(frozen=True)
class Removal:
    """A resource that was added by the command, and the service that it goes from."""

    layout: Layout
    resource: Resource
    made: Made

    @classmethod
    def of(cls, layout: Layout, name: str) -> "Removal":
        """Find a resource that was added by the command.

        Args:
            layout: the service.
            name: of the resource, in any spelling.

        Raises:
            ScaffoldError: no migration says that it was.
            SpecificationError: the name makes no sense.
        """
        singular = Name.parse(name).singular
        migrations = Migrations(layout.root)
        made = migrations.made(singular) or migrations.made(Name.parse(name, plural=name).singular)
        if made is None:
            raise ScaffoldError(
                f"There is no resource {singular}: no migration says that it was added by"
                " `bedplate add resource`."
            )
        resource = resource_of(layout, made.name, made.fields, plural=made.plural)
        return cls(layout, resource, made)

    def plan(self, folder: Path, *, drop: bool) -> list[Change]:
        """Give the changes to make: first what makes it known, then its files.

        Args:
            folder: an empty one within the service.
            drop: whether a new migration drops the table; else that which made it goes.

        Raises:
            ScaffoldError: something was changed or still uses it.
        """
        rendering = Rendering(self.resource, self.layout)
        modules = rendering.modules()
        there = {path: content(self.layout.root / path) for path in modules}
        registered = Registration(rendering).removed()
        dropping = self._dropping(folder) if drop else {}
        new, texts = formatted_edits(folder / "styled", {**modules, **dropping}, registered)
        changed = [
            path
            for path, text in there.items()
            if text is not None and not is_same_code(text, new[path])
        ]
        if changed:
            raise ScaffoldError(
                f"{listed(changed)} not as it was added (or it was by another version of bedplate):"
                " take it away by hand, or put it back first."
            )
        self._refuse_used(rendering, registered)
        return [
            *edits(registered, texts),
            *(Change(path, text, None) for path, text in there.items() if text is not None),
            *([Change(path, None, new[path]) for path in dropping] or [self._forgetting()]),
        ]

    @cached_property
    def is_newest(self) -> bool:
        """Whether no migration stands on the one that made it."""
        newest = Migrations(self.layout.root).newest()
        return newest is not None and newest.revision == self.made.script.revision

    @cached_property
    def is_published(self) -> bool:
        """Whether git knows the migration on a remote branch: others may have applied it."""
        path = str(self.made.path)
        commit = self._git("log", "--max-count=1", "--diff-filter=A", "--format=%H", "--", path)
        return bool(commit and self._git("branch", "--remotes", "--contains", commit))

    def _git(self, *arguments: str) -> str:
        """Ask git; nothing where there is no git."""
        command = ["git", *arguments]
        try:
            done = subprocess.run(  # noqa: S603
                command, cwd=self.layout.root, capture_output=True, text=True, check=False
            )
        except OSError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def _forgetting(self) -> Change:
        path = self.made.path.relative_to(self.layout.root)
        return Change(path, content(self.made.path), None)

    def _dropping(self, folder: Path) -> dict[Path, str]:
        name = self.resource.name
        up, down = creating(self.resource)
        mark = f"# bedplate remove resource {name.singular}"
        (folder / "migration").mkdir()
        path, text = Migrations(self.layout.root).write(
            folder / "migration",
            f"drop {name.plural_words}",
            up=f"{mark}\n{down}",
            down=up.partition("\n")[2],  # without the line that says it was added
        )
        return {path: text}

    def _refuse_used(self, rendering: Rendering, registered: dict[Path, tuple[str, str]]) -> None:
        table = self.resource.name.plural
        for other, mapper in self.layout.models.items():
            if other != table and any(
                key.column.table.name == table
                for column in mapper.local_table.columns
                for key in column.foreign_keys
            ):
                raise ScaffoldError(f"{other} refers to {table}: remove that first.")
        users = list(self._users(rendering, registered))
        if users:
            raise ScaffoldError(f"{listed(users)} still using it: change that first.")

    def _users(
        self, rendering: Rendering, registered: dict[Path, tuple[str, str]]
    ) -> Iterator[Path]:
        """Give the files that would be left without what they use."""
        layout, name = self.layout, self.resource.name
        own = set(rendering.modules())
        modules = {
            layout.module(folder, name.singular)
            for folder in ("models", "schemas", "repositories", "services")
        } | {rendering.routes}
        names = {key for key, module in rendering.names.items() if module in modules} | {
            name.plural_class_name
        }
        for path in _python_files(layout.root):
            if path in own:
                continue
            text = registered[path][1] if path in registered else content(layout.root / path)
            try:
                tree = ast.parse(text or "")
            except SyntaxError:
                continue
            if modules & set(imported(tree)) or _uses(tree, names, name.plural):
                yield path


def _python_files(root: Path) -> Iterable[Path]:
    for folder in ("src", "tests"):
        yield from (path.relative_to(root) for path in sorted((root / folder).rglob("*.py")))


def _uses(tree: ast.Module, names: set[str], repository: str) -> bool:
    """Tell whether code names one of the classes, or the repository of a unit of work."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and names & {alias.name for alias in node.names}:
            return True
        if isinstance(node, ast.Attribute) and node.attr == repository:
            owner = node.value
            if isinstance(owner, ast.Name) and owner.id == "uow":
                return True
    return False
