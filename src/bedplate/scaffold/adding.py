"""What adding a resource will do, found out before anything is done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bedplate.scaffold.changes import Change, content
from bedplate.scaffold.code import bound, is_same_code
from bedplate.scaffold.errors import ScaffoldError, SpecificationError
from bedplate.scaffold.fields import Field
from bedplate.scaffold.formatting import formatted_edits
from bedplate.scaffold.kinds import Target
from bedplate.scaffold.layout import Layout
from bedplate.scaffold.migration import Migrations, creating
from bedplate.scaffold.names import Name
from bedplate.scaffold.registration import Registration
from bedplate.scaffold.render import Rendering
from bedplate.scaffold.resource import Resource, fields_of

__all__ = ["Addition", "resource_of"]


@dataclass(frozen=True)
class Addition:
    """A resource and the service that it comes into."""

    layout: Layout
    resource: Resource

    def plan(self, folder: Path) -> list[Change]:
        """Give the changes to make: new files first, what makes them known last.

        Those that are made already are left out, so that a run that was cut off is finished by
        the next one.

        Args:
            folder: an empty one within the service.

        Raises:
            ScaffoldError: a file is there already and differs, or the service is laid out
                otherwise.
            SpecificationError: a name is taken.
        """
        migrations = Migrations(self.layout.root)
        known = migrations.made(self.resource.name.singular)
        if known is not None and known.command != self.resource.specification:
            raise ScaffoldError(
                f"There is a resource {self.resource.name.singular} already, made by: {known.command}"
            )
        if known is None:
            self._refuse_taken()
        rendering = Rendering(self.resource, self.layout)
        new = rendering.modules()
        registered = Registration(rendering).added()
        if known is None:
            up, down = creating(self.resource)
            (folder / "migration").mkdir()
            path, text = migrations.write(
                folder / "migration",
                f"create {self.resource.name.plural_words}",
                up=up,
                down=down,
            )
            new[path] = text
        styled, texts = formatted_edits(folder / "styled", new, registered)
        return [
            *(Change(path, None, text) for path, text in self._missing(styled).items()),
            *edits(registered, texts),
        ]

    def _refuse_taken(self) -> None:
        """Refuse the name of a table that is there, and of a class that models have."""
        name = self.resource.name
        if name.plural in self.layout.models:
            raise SpecificationError(
                f"There is a table {name.plural} already; take another name, or another --plural."
            )
        if name.class_name in set(bound(self.layout.tree(self.layout.module("models")))):
            raise SpecificationError(f"There is a model {name.class_name} already.")

    def _missing(self, texts: Mapping[Path, str]) -> dict[Path, str]:
        """Give the files that are not there; all others are as they would be."""
        found = {path: content(self.layout.root / path) for path in texts}
        differing = [
            path
            for path, text in texts.items()
            if (there := found[path]) is not None and not is_same_code(there, text)
        ]
        if differing:
            raise ScaffoldError(
                f"{listed(differing)} there already, and no file is overwritten: move what is in the"
                " way, or take another name."
            )
        return {path: text for path, text in texts.items() if found[path] is None}


def resource_of(
    layout: Layout, name: str, fields: Iterable[str], *, plural: str | None = None
) -> Resource:
    """Read a resource, and look up what it refers to.

    Raises:
        SpecificationError: it makes no sense, or refers to nothing.
    """
    named = Name.parse(name, plural=plural)
    parsed = fields_of(tuple(fields))
    targets = {
        field.table: _target(layout, named, field) for field in parsed if field.kind == "ref"
    }
    owned = any(field.is_owner for field in parsed)
    if owned and named.plural in targets:  # a table of their own, of which all have theirs
        own = targets[named.plural]
        targets[named.plural] = Target(
            own.table, own.class_name, own.module, guarded_by=named.plural
        )
    return Resource(named, parsed, targets)


def _target(layout: Layout, name: Name, field: Field) -> Target:
    if field.table != name.plural:
        return layout.target(field.table)
    if not field.optional:
        raise SpecificationError(
            f"{field.name} refers to its own table, so that it must be optional: the first row has"
            " nothing to refer to."
        )
    return Target(name.plural, name.class_name, layout.module("models", name.singular))


def edits(registered: Mapping[Path, tuple[str, str]], texts: Mapping[Path, str]) -> list[Change]:
    """Give the changes of files that are there.

    Args:
        registered: what is in each of them now, first.
        texts: what will be.
    """
    return [
        Change(path, now, texts[path])
        for path, (now, _) in registered.items()
        if texts[path] != now
    ]


def listed(paths: Iterable[Path]) -> str:
    """Give paths as the beginning of a sentence: "a and b are"."""
    names = [path.as_posix() for path in paths]
    if len(names) == 1:
        return f"{names[0]} is"
    return f"{', '.join(names[:-1])} and {names[-1]} are"
