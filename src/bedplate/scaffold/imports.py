"""The imports of a generated module, found from the names that it uses."""

import ast
import sys
from collections.abc import Container, Iterable, Mapping

from bedplate.scaffold.errors import SpecificationError

__all__ = ["KNOWN", "OF_FIELDS", "member_order", "with_imports"]

KNOWN = {
    **dict.fromkeys(("Annotated", "Any", "Literal", "Self"), "typing"),
    **dict.fromkeys(("UUID", "uuid4"), "uuid"),
    **dict.fromkeys(("date", "datetime"), "datetime"),
    **dict.fromkeys(("MagicMock",), "unittest.mock"),
    **dict.fromkeys(("TimestampMixin", "UUIDv7Mixin", "choice_of"), "bedplate.models"),
    **dict.fromkeys(
        ("Amount", "Integer", "JsonObject", "Line", "Prose", "amount_of", "line_of"),
        "bedplate.fields",
    ),
    **dict.fromkeys(("CursorPage", "CursorParams", "sort_by"), "bedplate.pagination"),
    **dict.fromkeys(("Patch", "Schema", "Stored"), "bedplate.schemas"),
    **dict.fromkeys(("EVERYBODY", "Principal"), "bedplate.auth.principal"),
    **dict.fromkeys(("InvalidDataError", "NotFoundError"), "bedplate.errors"),
    **dict.fromkeys(("FakeUnitOfWork", "store_sample"), "bedplate.testing"),
    **dict.fromkeys(("AwareDatetime", "ValidationError"), "pydantic"),
    **dict.fromkeys(
        ("BigInteger", "ForeignKey", "Index", "Numeric", "String", "Text"), "sqlalchemy"
    ),
    **dict.fromkeys(("Mapped", "mapped_column"), "sqlalchemy.orm"),
    "AsyncSession": "sqlalchemy.ext.asyncio",
    "Database": "bedplate.database",
    "Decimal": "decimal",
    "Email": "bedplate.auth.schemas",
    "JSONB": "sqlalchemy.dialects.postgresql",
    "MockerFixture": "pytest_mock",
    "Repository": "bedplate.repositories",
    "mock": "unittest",
}
"""Where the names come from that templates use, whatever the service."""

OF_FIELDS = {
    *(
        "Amount",
        "AwareDatetime",
        "BigInteger",
        "Decimal",
        "Email",
        "ForeignKey",
        "Integer",
        "JSONB",
    ),
    *("JsonObject", "Line", "Literal", "Numeric", "Prose", "String", "Text", "amount_of"),
    *("choice_of", "date", "datetime", "line_of"),
}
"""Those that only some kinds of fields use."""

_MODULES = {"dt": "import datetime as dt", "httpx": "import httpx", "pytest": "import pytest"}


def with_imports(body: str, own: Mapping[str, str], *, known: Mapping[str, str] = KNOWN) -> str:
    """Put the imports of all names that a module uses behind its docstring.

    Args:
        body: a module without imports.
        own: modules of the service, by the names that they define.
        known: modules of libraries, by the names that they define.

    Raises:
        SpecificationError: a name of the service hides one of a library.
    """
    tree = ast.parse(body)
    used = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    defined = {
        node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))
    } | {name for node in tree.body for name in _assigned(node)}
    for name in sorted(used & known.keys() & (own.keys() | defined)):
        raise SpecificationError(
            f"Its code would need two things called {name}, one of them from {known[name]}; take"
            " another name for the resource."
        )
    places = {**known, **own}
    wanted = [(places[name], name) for name in used - defined if name in places]
    lines = [_MODULES[name] for name in sorted(used & _MODULES.keys())]
    docstring = tree.body[0]
    end = docstring.end_lineno or 1
    before, after = body.splitlines()[:end], body.splitlines()[end:]
    imports = _ordered(lines, wanted, {module.partition(".")[0] for module in own.values()})
    return "\n".join([*before, "", *imports, "", *_stripped(after), ""])


def _ordered(
    lines: Iterable[str], wanted: Iterable[tuple[str, str]], own: Container[str]
) -> list[str]:
    """Give import statements as ruff orders them: standard library, packages, the service."""
    by_module: dict[str, list[str]] = {}
    for module, name in wanted:
        by_module.setdefault(module, []).append(name)
    groups: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for line in lines:
        groups[_section(line.split()[1], own)].append(line)
    for module, names in sorted(by_module.items()):
        listed = ", ".join(sorted(names, key=member_order))
        groups[_section(module, own)].append(f"from {module} import {listed}")
    found: list[str] = []
    for group in groups.values():
        found += ["", *group] if found and group else group
    return found


def member_order(name: str) -> tuple[int, str]:
    """Give the place of a name in an import: constants, then classes, then the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name


def _section(module: str, own: Container[str]) -> int:
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names:
        return 0
    return 2 if root in own else 1


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _stripped(lines: list[str]) -> list[str]:
    text = "\n".join(lines).strip("\n")
    return ["", *text.splitlines()]
