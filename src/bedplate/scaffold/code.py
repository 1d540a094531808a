"""Questions to Python code: what it imports and binds, and whether two texts are the same code."""

import ast
import io
import tokenize
from collections.abc import Iterator

__all__ = ["bound", "imported", "is_same_code"]


def imported(tree: ast.Module) -> Iterator[str]:
    """Give the names of the modules that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def bound(tree: ast.Module) -> Iterator[str]:
    """Give the names that a module binds at its top level."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.TypeAlias):
            yield node.name.id
        elif isinstance(node, ast.Assign):
            yield from (name.id for name in node.targets if isinstance(name, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def is_same_code(one: str, other: str) -> bool:
    """Tell whether two modules differ in nothing but their formatting.

    Args:
        one: code of a module.
        other: that of another; what is no Python is the same as nothing.
    """
    try:
        same = ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
        return same and _comments(one) == _comments(other)
    except (SyntaxError, ValueError, tokenize.TokenError):
        return False


def _comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]
