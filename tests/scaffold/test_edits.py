"""Insertions into code that people have changed: located, made once, taken away without a trace."""

import ast

import pytest

from bedplate.scaffold.edits import Module
from bedplate.scaffold.errors import ScaffoldError

PLAIN = '''"""Models."""

from app.models.base import Base
from app.models.user import User

__all__ = ["Base", "User"]
'''
UNIT = '''"""One transaction."""

from bedplate.unit_of_work import UnitOfWork, repository

from app.repositories.user import UserRepository

LIMIT = 3  # é: the parser counts bytes


class AppUnitOfWork(UnitOfWork):
    """All of them."""

    users = repository(UserRepository)  # people

    def helper(self) -> int:
        return LIMIT
'''


def is_repository(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)


def edited(text: str) -> Module:
    return Module(text, "there.py")


def test_a_name_is_imported_and_exported_in_its_place_and_once() -> None:
    module = edited(PLAIN)
    for _ in range(2):
        module.add_import("app.models.order", "Order")
        module.add_exported("Order")
    assert module.text == PLAIN.replace(
        "from app.models.user", "from app.models.order import Order\nfrom app.models.user"
    ).replace('"Base", "User"', '"Base", "Order", "User"')


def test_an_attribute_follows_the_last_of_its_kind_and_goes_without_a_trace() -> None:
    module = edited(UNIT)
    line = "orders = repository(OrderRepository)"
    for _ in range(2):
        module.add_attribute("AppUnitOfWork", line, like=is_repository)
    assert f"  # people\n    {line}\n\n    def helper" in module.text
    assert module.has_statement(line, within="AppUnitOfWork")
    module.remove_statement(line, within="AppUnitOfWork")
    assert module.text == UNIT


def test_imports_of_several_names_are_widened_and_narrowed() -> None:
    text = "from app.api.v1 import (\n    auth,\n    users as people,\n)\n"
    module = edited(text)
    module.add_import("app.api.v1", "orders")
    assert "    auth,\n    orders, users as people,\n" in module.text
    module.remove_import("app.api.v1", "orders")
    assert module.text == text
    module.remove_import("app.api.v1", "auth")
    assert module.text == "from app.api.v1 import (\n    users as people,\n)\n"
    module.remove_import("app.api.v1", "users")
    assert module.text == ""


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "from app.x import X\n\n\n"),
        ('"""Doc."""', '"""Doc."""\n\nfrom app.x import X\n'),
        ("import os\n\nx = 1\n", "import os\n\nfrom app.x import X\n\nx = 1\n"),
        ("from app.z import Z\n", "from app.x import X\nfrom app.z import Z\n"),
        ("from app.a import A\nY = 1", "from app.a import A\nfrom app.x import X\nY = 1"),
        (
            "from app.x import (\n    W,  # why\n    Y,\n)\n",
            "from app.x import (\n    W,  # why\n    X, Y,\n)\n",
        ),
        ("from .x import X as Z\n", "from .x import X as Z\n\nfrom app.x import X\n"),
        ("from app.x import X\n", "from app.x import X\n"),
    ],
)
def test_an_import_finds_its_place_whatever_is_there(text: str, expected: str) -> None:
    module = edited(text)
    module.add_import("app.x", "X")
    assert module.text == expected
    ast.parse(module.text)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "taken",
    [
        "X = 1",
        "class X: ...",
        "def X(): ...",
        "from b import X",
        "import b as X",
        "X: int = 1",
        "type X = int",
    ],
)
def test_a_name_that_is_something_else_is_refused(taken: str) -> None:
    with pytest.raises(ScaffoldError, match="something else called X"):
        edited(f"{taken}\n").add_import("app.x", "X")


@pytest.mark.unhappy
def test_an_attribute_that_is_something_else_is_refused() -> None:
    module = edited(UNIT)
    with pytest.raises(ScaffoldError, match="has something called users already"):
        module.add_attribute("AppUnitOfWork", "users = repository(Other)", like=is_repository)
    with pytest.raises(ScaffoldError, match="has no class Another"):
        module.add_attribute("Another", "orders = 1", like=is_repository)
    assert module.text == UNIT


@pytest.mark.unhappy
def test_what_is_not_there_is_told_and_nothing_is_guessed() -> None:
    module = edited("for part in parts:\n    router.include_router(part)\n")
    with pytest.raises(ScaffoldError, match="has no include_router"):
        module.add_statement(
            "router.include_router(x)", like=lambda _: False, what="include_router"
        )
    before = module.text
    module.remove_statement("router.include_router(x)")
    module.remove_import("app.x", "X")
    module.remove_exported("X")
    module.add_exported("X")
    assert module.text == before


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "text", ['__all__ = [*others, "A"]', "__all__ = names()", "__all__ = []", "__all__ = None"]
)
def test_a_list_of_names_that_is_made_otherwise_is_refused(text: str) -> None:
    module = edited(f"{text}\n")
    with pytest.raises(ScaffoldError, match="__all__"):
        module.add_exported("B")
    assert module.text == f"{text}\n"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = [\n    a,  # why\n    b,\n]\n", "x = [\n    a,  # why\n    b, new,\n]\n"),
        ("x = [a, *b]\n", "x = [a, *b, new]\n"),
        ("x = []\n", "x = [new]\n"),
        ('x = f("é", key=1)\n', 'x = f("é", new, key=1)\n'),
        ("x = f()\n", "x = f(new)\n"),
        ('x = {**a, "b": c}\n', 'x = {**a, "b": c, new: 1}\n'),
        ("x = {}\n", "x = {new: 1}\n"),
    ],
)
def test_an_element_comes_last_and_goes_without_a_trace(text: str, expected: str) -> None:
    def container(tree: ast.Module) -> ast.expr:
        assert isinstance(tree.body[0], ast.Assign)
        return tree.body[0].value

    module = edited(text)
    code = "new: 1" if "{" in text else "new"
    for _ in range(2):
        module.add_element(container, code)
        assert module.text == expected
    for _ in range(2):
        module.remove_element(container, code)
        assert module.text == text


@pytest.mark.unhappy
def test_code_that_is_no_python_is_refused() -> None:
    with pytest.raises(ScaffoldError, match=r"there.py is no Python \(line 2\)"):
        edited("x = 1\ny = = 2\n").add_import("app.x", "X")
