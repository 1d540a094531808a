"""Where a resource is made known: models, unit of work, dependencies, router."""

from dataclasses import dataclass
from pathlib import Path

from bedplate.scaffold.edits import Module
from bedplate.scaffold.render import Rendering
from bedplate.scaffold.wiring import WIRINGS, Wiring, calls

__all__ = ["Registration"]


@dataclass(frozen=True)
class Registration:
    """The lines of a resource in files that the service has already."""

    rendering: Rendering

    def added(self) -> dict[Path, tuple[str, str]]:
        """Give each file as it is and as it would be with the resource, the router last.

        Raises:
            ScaffoldError: a file is not laid out as it must be for that, or a name is taken.
        """
        return self._edited(add=True)

    def removed(self) -> dict[Path, tuple[str, str]]:
        """Give each file as it is and as it would be without the resource, the router first.

        Raises:
            ScaffoldError: a file is not laid out as it must be for that.
        """
        return dict(reversed(self._edited(add=False).items()))

    def _edited(self, *, add: bool) -> dict[Path, tuple[str, str]]:
        layout = self.rendering.layout
        edits = {
            layout.module("models"): self._models,
            layout.unit_of_work_module: self._unit_of_work,
            layout.module("dependencies"): self._dependencies,
            layout.module("api", "v1"): self._routes,
        }
        found = {}
        for name, edit in edits.items():
            path = layout.path(name)
            before = layout.text(name)
            module = Module(before.replace("\r\n", "\n"), path.as_posix())
            edit(module, add)
            _ = module.tree  # still Python
            found[path] = (before, module.text)
        return found

    def _models(self, module: Module, add: bool) -> None:  # noqa: FBT001
        name = self.rendering.resource.name.class_name
        _import(module, self.rendering.names[name], name, add=add)
        if add:
            module.add_exported(name)
        else:
            module.remove_exported(name)

    def _unit_of_work(self, module: Module, add: bool) -> None:  # noqa: FBT001
        name, layout = self.rendering.resource.name, self.rendering.layout
        kind = f"{name.class_name}Repository"
        line = f"{name.plural} = repository({kind})"
        _import(module, self.rendering.names[kind], kind, add=add)
        if add:
            module.add_import("bedplate.unit_of_work", "repository")
            module.add_attribute(layout.unit_of_work_class, line, like=calls("repository"))
        else:
            module.remove_statement(line, within=layout.unit_of_work_class)

    def _dependencies(self, module: Module, add: bool) -> None:  # noqa: FBT001
        service = f"{self.rendering.resource.name.class_name}Service"
        _import(module, self.rendering.names[service], service, add=add)
        self._wiring.edit_dependencies(module, add=add)

    def _routes(self, module: Module, add: bool) -> None:  # noqa: FBT001
        name, layout = self.rendering.resource.name, self.rendering.layout
        _import(module, layout.module("api", "v1"), name.plural, add=add)
        self._wiring.edit_router(module, add=add)

    @property
    def _wiring(self) -> Wiring:
        return WIRINGS[self.rendering.layout.framework](self.rendering.resource)


def _import(module: Module, source: str, name: str, *, add: bool) -> None:
    if add:
        module.add_import(source, name)
    else:
        module.remove_import(source, name)
