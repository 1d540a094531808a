"""Where the layers of a service lie, and what is in them already."""

import ast
import importlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Integer, Uuid
from sqlalchemy.orm import Mapper

from bedplate.scaffold.changes import content
from bedplate.scaffold.code import bound, imported
from bedplate.scaffold.errors import ScaffoldError, SpecificationError
from bedplate.scaffold.kinds import Target
from bedplate.unit_of_work import repository

__all__ = ["Layout"]

FRAMEWORKS = ("fastapi", "litestar", "starlette")
_KEY_TYPES = {
    Uuid: ("UUID", "sa.Uuid()"),
    BigInteger: ("int", "sa.BigInteger()"),
    Integer: ("int", "sa.Integer()"),
}


@dataclass(frozen=True)
class Layout:
    """A service that was generated from the template, or is laid out like one.

    Its folder is the working directory, and its code can be imported.
    """

    root: Path
    unit_of_work: str
    """Where the class is: ``app.repositories.unit_of_work:AppUnitOfWork``."""

    @property
    def package(self) -> str:
        """Give the name of the service's package."""
        return self.unit_of_work.partition(".")[0]

    @property
    def unit_of_work_module(self) -> str:
        """Give the module that has the unit of work."""
        return self.unit_of_work.partition(":")[0]

    @property
    def unit_of_work_class(self) -> str:
        """Give the name of the unit of work."""
        return self.unit_of_work.partition(":")[2]

    def module(self, *parts: str) -> str:
        """Give the name of a module of the service."""
        return ".".join((self.package, *parts))

    def path(self, module: str) -> Path:
        """Give the file of a module of the service, relative to its folder."""
        parts = module.split(".")
        source = Path("src") if (self.root / "src" / parts[0]).is_dir() else Path()
        package = source.joinpath(*parts)
        if (self.root / package).is_dir():
            return package / "__init__.py"
        return package.with_suffix(".py")

    def text(self, module: str) -> str:
        """Give the code of a module that every service has.

        Raises:
            ScaffoldError: this one has not.
        """
        path = self.path(module)
        text = content(self.root / path)
        if text is None:
            raise ScaffoldError(
                f"There is no {path.as_posix()}: resources are added to services that are laid out"
                " as the template does it."
            )
        return text

    def tree(self, module: str) -> ast.Module:
        """Give the parsed code of a module that every service has.

        Raises:
            ScaffoldError: this one has not, or it is no Python.
        """
        try:
            return ast.parse(self.text(module))
        except SyntaxError as error:
            raise ScaffoldError(
                f"{self.path(module).as_posix()} is no Python (line {error.lineno}): mend it first."
            ) from error

    @cached_property
    def framework(self) -> str:
        """Give the web framework that the routes are made with.

        Raises:
            ScaffoldError: it is none that is known.
        """
        module = self.module("api", "v1")
        for name in imported(self.tree(module)):
            root = name.removeprefix("bedplate.integrations.").partition(".")[0]
            if root in FRAMEWORKS:
                return root
        raise ScaffoldError(
            f"{self.path(module).as_posix()} imports none of {', '.join(FRAMEWORKS)}."
        )

    def demand(self, module: str, *names: str) -> None:
        """Demand names that the generated code will import.

        Raises:
            ScaffoldError: the module lacks one.
        """
        defined = set(bound(self.tree(module)))
        for name in names:
            if name not in defined:
                raise ScaffoldError(
                    f"{self.path(module).as_posix()} has no {name}, which the code of a resource"
                    " needs."
                )

    @cached_property
    def models(self) -> dict[str, Mapper[Any]]:
        """Give the models of the service by their tables."""
        importlib.import_module(self.module("models"))  # which imports all of them
        base: Any = importlib.import_module(self.module("models", "base")).Base
        tables = base.metadata.tables
        return {
            str(mapper.local_table): mapper
            for mapper in base.registry.mappers
            if mapper.local_table is tables.get(str(mapper.local_table))
        }

    def target(self, table: str) -> Target:
        """Give what a reference to a table points to.

        Raises:
            SpecificationError: there is no such table, or its key is of no kind that is known.
        """
        mapper = self.models.get(table)
        if mapper is None:
            known = ", ".join(sorted(self.models))
            raise SpecificationError(f"There is no table {table} to refer to; there are {known}.")
        key: Any = mapper.primary_key[0]
        kinds = [names for kind, names in _KEY_TYPES.items() if isinstance(key.type, kind)]
        if len(mapper.primary_key) > 1 or not kinds:
            raise SpecificationError(
                f"The key of {table} is neither one UUID nor one integer; refer to it by hand."
            )
        python, column_type = kinds[0]
        model = mapper.class_
        return Target(
            table=table,
            class_name=model.__name__,
            module=model.__module__,
            key=key.name,
            python=python,
            column_type=column_type,
            guarded_by=self._guard(model),
        )

    def _guard(self, model: type) -> str:
        """Give the repository of a model that tells whose its rows are."""
        module: Any = importlib.import_module(self.unit_of_work_module)
        unit: Any = getattr(module, self.unit_of_work_class)
        for name in dir(unit):
            declared = getattr(unit, name, None)
            if not isinstance(declared, repository):
                continue
            kind: Any = declared.kind
            if getattr(kind, "model", None) is model and hasattr(kind, "visible_to"):
                return name
        return ""
