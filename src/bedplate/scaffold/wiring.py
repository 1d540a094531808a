"""How each web framework is told of a service and of routes."""

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bedplate.scaffold.edits import Container, Module
from bedplate.scaffold.errors import ScaffoldError
from bedplate.scaffold.resource import Resource

__all__ = ["WIRINGS", "Wiring", "calls"]


@dataclass(frozen=True)
class Wiring(ABC):
    """The lines of a resource in ``dependencies.py`` and in the router of the API."""

    resource: Resource

    def edit_dependencies(self, module: Module, *, add: bool) -> None:
        """Give routes the service by name, or no longer.

        Raises:
            ScaffoldError: the module is not laid out as it must be for that.
        """
        alias, is_alias = self._alias()
        if add:
            like = _is_function
            module.add_statement(self._function(), like=like, what="function", apart=2)
            module.add_statement(alias, like=is_alias, what="name of a dependency")
        else:
            module.remove_statement(alias)
            module.remove_statement(self._function())

    @abstractmethod
    def edit_router(self, module: Module, *, add: bool) -> None:
        """Put the routes into the router, or take them out.

        Raises:
            ScaffoldError: the module is not laid out as it must be for that.
        """

    @abstractmethod
    def _alias(self) -> tuple[str, Callable[[ast.stmt], bool]]:
        """Give the name for the service, and what tells statements of that kind."""

    @property
    @abstractmethod
    def _signature(self) -> tuple[str, str]:
        """Give the parameter of the function that makes the service, and what has its resources."""

    @property
    def _service(self) -> str:
        return f"{self.resource.name.class_name}Service"

    @property
    def _give(self) -> str:
        return f"get_{self.resource.name.singular}_service"

    def _function(self, *, prefix: str = "") -> str:
        parameter, app = self._signature
        words = self.resource.name.plural_words
        return (
            f"{prefix}def {self._give}({parameter}) -> {self._service}:\n"
            f'    """Give the service for {words} a unit of work of its own."""\n'
            f"    return {self._service}({app}.unit_of_work())"
        )


class FastAPIWiring(Wiring):
    """FastAPI: ``Annotated[..., Depends(...)]``, ``include_router``."""

    def edit_router(self, module: Module, *, add: bool) -> None:
        """Include the router, or no longer."""
        line = f"router.include_router({self.resource.name.plural}.router)"
        if add:
            module.add_statement(line, like=calls("include_router"), what="include_router")
        else:
            module.remove_statement(line)

    def _alias(self) -> tuple[str, Callable[[ast.stmt], bool]]:
        name = self.resource.name.plural_class_name
        return f"{name} = Annotated[{self._service}, Depends({self._give})]", _subscribes(
            "Annotated"
        )

    def _function(self, *, prefix: str = "async ") -> str:
        return super()._function(prefix=prefix)  # FastAPI would send a plain one to a thread

    @property
    def _signature(self) -> tuple[str, str]:
        return "app: App", "app"


class StarletteWiring(Wiring):
    """Starlette: ``Annotated[..., FromRequest(...)]``, the arguments of ``Routes``."""

    def edit_router(self, module: Module, *, add: bool) -> None:
        """Put the routes into ``Routes``, or take them out."""
        edit = module.add_element if add else module.remove_element
        edit(_assigned("routes", ast.Call, module), f"{self.resource.name.plural}.routes")

    def _alias(self) -> tuple[str, Callable[[ast.stmt], bool]]:
        name = self.resource.name.plural_class_name
        code = f"{name} = Annotated[{self._service}, FromRequest({self._give})]"
        return code, _subscribes("Annotated")

    @property
    def _signature(self) -> tuple[str, str]:
        return "connection: HTTPConnection", "get_resources(connection)"


class LitestarWiring(Wiring):
    """Litestar: ``NamedDependency``, the dictionary of dependencies, ``route_handlers``."""

    def edit_dependencies(self, module: Module, *, add: bool) -> None:
        """Give handlers the service by name, or no longer."""
        super().edit_dependencies(module, add=add)
        edit = module.add_element if add else module.remove_element
        item = f'"{self.resource.plural_variable}": {self._give}'
        edit(_assigned("dependencies", ast.Dict, module), item)

    def edit_router(self, module: Module, *, add: bool) -> None:
        """Put the router among the handlers, or take it out."""
        edit = module.add_element if add else module.remove_element
        edit(_route_handlers(module), f"{self.resource.name.plural}.router")

    def _alias(self) -> tuple[str, Callable[[ast.stmt], bool]]:
        name = self.resource.name.plural_class_name
        return f"{name} = NamedDependency[{self._service}]", _subscribes("NamedDependency")

    def _function(self, *, prefix: str = "async ") -> str:
        return super()._function(prefix=prefix)

    @property
    def _signature(self) -> tuple[str, str]:
        return "app: App", "app"


WIRINGS: Mapping[str, type[Wiring]] = {
    "fastapi": FastAPIWiring,
    "litestar": LitestarWiring,
    "starlette": StarletteWiring,
}


def calls(name: str) -> Callable[[ast.stmt], bool]:
    """Give a test for statements that are, or assign, a call of this function or method."""

    def test(node: ast.stmt) -> bool:
        call = node.value if isinstance(node, ast.Expr | ast.Assign) else None
        if not isinstance(call, ast.Call):
            return False
        called = call.func
        return (isinstance(called, ast.Name) and called.id == name) or (
            isinstance(called, ast.Attribute) and called.attr == name
        )

    return test


def _is_function(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _subscribes(name: str) -> Callable[[ast.stmt], bool]:
    """Give a test for statements that assign ``name[...]``."""

    def test(node: ast.stmt) -> bool:
        value = node.value if isinstance(node, ast.Assign) else None
        return (
            isinstance(value, ast.Subscript)
            and isinstance(value.value, ast.Name)
            and value.value.id == name
        )

    return test


def _assigned(name: str, kind: type[ast.expr], module: Module) -> Container:
    """Find the call or dictionary that is assigned to a name."""

    def find(tree: ast.Module) -> ast.expr:
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, kind):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    return node.value
        raise ScaffoldError(f"{module.name} assigns no {kind.__name__.lower()} to {name}.")

    return find


def _route_handlers(module: Module) -> Container:
    """Find the list of the router's handlers."""

    def find(tree: ast.Module) -> ast.expr:
        router = _assigned("router", ast.Call, module)(tree)
        for keyword in router.keywords if isinstance(router, ast.Call) else []:
            if keyword.arg == "route_handlers" and isinstance(keyword.value, ast.List):
                return keyword.value
        raise ScaffoldError(f"{module.name}: the router has no list of route_handlers.")

    return find
