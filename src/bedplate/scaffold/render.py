"""The new files of a resource, from the templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path

from mako.template import Template

from bedplate.scaffold.imports import KNOWN, OF_FIELDS, with_imports
from bedplate.scaffold.layout import Layout
from bedplate.scaffold.resource import Resource

__all__ = ["Rendering"]

_TESTS = Path("tests")
_LITESTAR, _STARLETTE = "bedplate.integrations.litestar", "bedplate.integrations.starlette"
_ROUTES = {
    "fastapi": {
        **dict.fromkeys(("Router", "error_responses"), "bedplate.integrations.fastapi"),
        "Query": "fastapi",
    },
    "litestar": {
        **dict.fromkeys(("Router", "error_responses"), _LITESTAR),
        **dict.fromkeys(("FromPath", "FromQuery", "JSONBody"), "litestar.params"),
    },
    "starlette": dict.fromkeys(("Body", "Path", "Query", "Routes"), _STARLETTE),
}
"""Where the names come from that only routes use."""


@dataclass(frozen=True)
class Rendering:
    """A resource written out for one service."""

    resource: Resource
    layout: Layout

    def modules(self) -> dict[Path, str]:
        """Give the code of each new module, by its path in the service.

        Raises:
            SpecificationError: the resource's name hides one that the code needs.
            ScaffoldError: the service lacks what the code needs.
        """
        layout, name = self.layout, self.resource.name
        layout.demand(layout.module("models", "base"), "Base")
        layout.demand(layout.module("models", "user"), "User", "ADMINISTRATOR")
        layout.demand(layout.module("api", "deps"), "AnyPrincipal", "CurrentUser", "AdminUser")
        routes = _ROUTES[layout.framework]
        return {
            layout.path(self._model): self._code("model.py"),
            layout.path(self._schema): self._code("schema.py"),
            layout.path(self._repository): self._code("repository.py"),
            layout.path(self._service): self._code("service.py"),
            layout.path(self.routes): self._code(f"routes_{layout.framework}.py", routes),
            _TESTS / "unit" / f"test_{name.plural}.py": self._code("test_unit.py"),
            _TESTS / "integration" / f"test_{name.plural}.py": self._code("test_integration.py"),
        }

    @property
    def _model(self) -> str:
        return self.layout.module("models", self.resource.name.singular)

    @property
    def _schema(self) -> str:
        return self.layout.module("schemas", self.resource.name.singular)

    @property
    def _repository(self) -> str:
        return self.layout.module("repositories", self.resource.name.singular)

    @property
    def _service(self) -> str:
        return self.layout.module("services", self.resource.name.singular)

    @property
    def routes(self) -> str:
        """Give the module of the routes."""
        return self.layout.module("api", "v1", self.resource.name.plural)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Give the modules of the service that the code imports from, by the names they define."""
        layout, name = self.layout, self.resource.name
        found = {
            "Base": layout.module("models", "base"),
            "User": layout.module("models", "user"),
            "ADMINISTRATOR": layout.module("models", "user"),
            layout.unit_of_work_class: layout.unit_of_work_module,
            **dict.fromkeys(
                ("AnyPrincipal", "CurrentUser", "AdminUser"), layout.module("api", "deps")
            ),
            **dict.fromkeys(("Member", "assert_problem"), "tests.integration.people"),
            **{one.class_name: one.module for one in self.resource.targets.values()},
            name.class_name: self._model,
            **{one.words: self._model for one in self.resource.enums},
            **{
                f"{name.class_name}{kind}": self._schema
                for kind in ("Create", "Update", "Read", "ListParams")
            },
            f"{name.class_name}Repository": self._repository,
            f"{name.class_name}Service": self._service,
            name.plural_class_name: layout.module("dependencies"),
        }
        if name.plural_class_name == name.class_name:  # data, series: no module needs both
            found[name.class_name] = self._model
        return found

    @cached_property
    def _known(self) -> dict[str, str]:
        """Give the names of libraries that the code of this resource may use."""
        unused = OF_FIELDS - self.resource.words_of_fields
        return {name: module for name, module in KNOWN.items() if name not in unused}

    def _code(self, template: str, further: Mapping[str, str] | None = None) -> str:
        body = _template(template).render(
            it=self.resource, uow_class=self.layout.unit_of_work_class
        )
        own = self.names
        if template.startswith("routes"):
            own = {**own, self.resource.name.plural_class_name: self.layout.module("dependencies")}
        return with_imports(body, own, known={**self._known, **(further or {})})


@lru_cache
def _template(name: str) -> Template:
    text = (files("bedplate.scaffold") / "templates" / f"{name}.mako").read_text(encoding="utf-8")
    return Template(text, strict_undefined=True)  # noqa: S702 - it makes code, no page
