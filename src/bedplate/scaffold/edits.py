"""Insertions into modules that people own: located in the parsed code, nothing else is touched."""

import ast
import re
from collections.abc import Callable, Sequence
from typing import TypeGuard

from bedplate.scaffold.code import bound
from bedplate.scaffold.errors import ScaffoldError
from bedplate.scaffold.imports import member_order

__all__ = ["Module"]


type Placed = ast.stmt | ast.expr | ast.alias
type Span = tuple[Placed, Placed]
"""What something begins with and what it ends with."""

type Container = Callable[[ast.Module], ast.expr]
"""Finds a list, a dictionary or a call, or raises ScaffoldError."""


class Module:
    """The code of a module, to be changed in few places.

    Every change leaves alone what is there already, so that it can be made twice.

    Args:
        text: the code.
        name: of the file, for the sentences that refuse.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.text = text

    @property
    def tree(self) -> ast.Module:
        """Parse the code as it is now.

        Raises:
            ScaffoldError: it is no Python.
        """
        try:
            return ast.parse(self.text)
        except SyntaxError as error:
            raise ScaffoldError(
                f"{self.name} is no Python (line {error.lineno}): mend it first."
            ) from error

    def add_import(self, module: str, name: str) -> None:
        """Import a name from a module.

        Raises:
            ScaffoldError: something else has this name here.
        """
        tree = self.tree
        there = [node for node in tree.body if _imports_from(node, module)]
        if any(name in _names(node) for node in there):
            return
        self._refuse_taken(tree, name)
        if there:
            self._add_among(_spans(there[0].names), _names(there[0]), name, name)
        else:
            self._insert_import(tree, module, f"from {module} import {name}")

    def remove_import(self, module: str, name: str) -> None:
        """Import a name from a module no longer."""
        for node in self.tree.body:
            if _imports_from(node, module) and name in _names(node):
                if len(node.names) == 1:
                    self._remove(node)
                else:
                    self._remove_span(_spans(node.names), _names(node).index(name))
                return

    def add_exported(self, name: str) -> None:
        """Put a name into ``__all__``, if the module has one.

        Raises:
            ScaffoldError: it is no plain list of names.
        """
        found = self._exported()
        if found is not None and name not in _texts(found):
            if not found.elts:
                raise ScaffoldError(f"{self.name}: __all__ is empty.")
            self._add_among(_spans(found.elts), _texts(found), name, f'"{name}"')

    def remove_exported(self, name: str) -> None:
        """Take a name out of ``__all__``."""
        found = self._exported()
        if found is not None and name in _texts(found):
            self._remove_span(_spans(found.elts), _texts(found).index(name))

    def add_attribute(
        self, class_name: str, line: str, *, like: Callable[[ast.stmt], bool]
    ) -> None:
        """Put a line into a class, behind the last one of its kind.

        Args:
            class_name: the class.
            line: an assignment.
            like: tells whether a statement is of this kind.

        Raises:
            ScaffoldError: there is no such class, or it has this attribute already.
        """
        found = self._class(class_name)
        wanted = _assigned(ast.parse(line).body[0])
        for node in found.body:
            if _assigned(node) == wanted:
                if ast.dump(node) == ast.dump(ast.parse(line).body[0]):
                    return
                raise ScaffoldError(
                    f"{self.name}: {class_name} has something called {wanted} already."
                )
        anchors = [node for node in found.body if like(node)] or found.body
        indent = " " * anchors[-1].col_offset
        self._insert_after(anchors[-1], f"{indent}{line}")

    def add_statement(
        self, code: str, *, like: Callable[[ast.stmt], bool], what: str, apart: int = 0
    ) -> None:
        """Put a statement behind the last one of its kind at the top level.

        Args:
            code: the statement.
            like: tells whether a statement is of this kind.
            what: the kind, for the sentence that refuses.
            apart: how many empty lines stand between two of them.

        Raises:
            ScaffoldError: there is none of this kind, or another thing has the name.
        """
        tree = self.tree
        wanted = ast.parse(code).body[0]
        if any(ast.dump(node) == ast.dump(wanted) for node in tree.body):
            return
        name = getattr(wanted, "name", None) or _assigned(wanted)
        if name:
            self._refuse_taken(tree, name)
        anchors = [node for node in tree.body if like(node)]
        if not anchors:
            raise ScaffoldError(
                f"{self.name} has no {what}, behind which to put: {code.splitlines()[0]}"
            )
        self._insert_after(anchors[-1], "\n" * apart + code)

    def remove_statement(self, code: str, *, within: str | None = None) -> None:
        """Take a statement away that is just this.

        Args:
            code: the statement.
            within: the class that has it; by default it is at the top level.
        """
        wanted = ast.dump(ast.parse(code).body[0])
        body = self.tree.body if within is None else self._class(within).body
        for node in body:
            if ast.dump(node) == wanted:
                self._remove(node)
                return

    def add_element(self, container: Container, code: str) -> None:
        """Put an element behind the last one of a list, a dictionary or the arguments of a call.

        Args:
            container: finds it in the parsed code.
            code: the element; of a dictionary ``key: value``.
        """
        found = container(self.tree)
        if self._element(found, code) is not None:
            return
        elements = _elements(found)
        end = self._end(elements[-1][1]) if elements else self._end(found) - 1
        self._put(end, f", {code}" if elements else code)

    def remove_element(self, container: Container, code: str) -> None:
        """Take an element out of a list, a dictionary or the arguments of a call."""
        found = container(self.tree)
        number = self._element(found, code)
        if number is not None:
            self._remove_span(_elements(found), number)

    def _element(self, found: ast.expr, code: str) -> int | None:
        """Give the number of an element that is just this."""
        template = {ast.List: f"[{code}]", ast.Dict: f"{{{code}}}"}.get(type(found), f"f({code})")
        [wanted] = _elements(ast.parse(template, mode="eval").body)
        for number, element in enumerate(_elements(found)):
            if [ast.dump(part) for part in element] == [ast.dump(part) for part in wanted]:
                return number
        return None

    def has_statement(self, code: str, *, within: str | None = None) -> bool:
        """Tell whether there is a statement that is just this."""
        wanted = ast.dump(ast.parse(code).body[0])
        body = self.tree.body if within is None else self._class(within).body
        return any(ast.dump(node) == wanted for node in body)

    def _class(self, name: str) -> ast.ClassDef:
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                return node
        raise ScaffoldError(f"{self.name} has no class {name}.")

    def _exported(self) -> ast.List | ast.Tuple | None:
        for node in self.tree.body:
            if _assigned(node) == "__all__" and isinstance(node, ast.Assign | ast.AnnAssign):
                value = node.value
                if isinstance(value, ast.List | ast.Tuple) and len(_texts(value)) == len(
                    value.elts
                ):
                    return value
                raise ScaffoldError(f"{self.name}: __all__ is no plain list of names.")
        return None

    def _refuse_taken(self, tree: ast.Module, name: str) -> None:
        if name in set(bound(tree)):
            raise ScaffoldError(
                f"{self.name} has something else called {name}; take another name for the resource,"
                " or another --plural."
            )

    def _add_among(self, spans: Sequence[Span], names: Sequence[str], name: str, code: str) -> None:
        """Put a name among others, before the first that comes after it in their order."""
        later = [one for one, other in enumerate(names) if member_order(other) > member_order(name)]
        if later:
            self._put(self._start(spans[later[0]][0]), f"{code}, ")
        else:
            self._put(self._end(spans[-1][1]), f", {code}")

    def _remove_span(self, spans: Sequence[Span], number: int) -> None:
        """Take away one of several, with the comma on that side which leaves the lines as they were."""
        first, last = spans[number]
        start, end = self._start(first), self._end(last)
        before = spans[number - 1][1] if number else None
        after = spans[number + 1][0] if number + 1 < len(spans) else None
        if after is not None and (before is None or _leads_its_line(before, first, last, after)):
            end = self._start(after)
        elif before is not None:
            start = self._end(before)
        self.text = self.text[:start] + self.text[end:]

    def _put(self, place: int, code: str) -> None:
        self.text = self.text[:place] + code + self.text[place:]

    def _insert_import(self, tree: ast.Module, module: str, line: str) -> None:
        """Insert an import where its module belongs among its kind."""
        root = module.partition(".")[0]
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        kin = [
            node
            for node in imports
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == root
        ]
        before = [node for node in kin if (node.module or "") <= module]
        if before:
            self._insert_after(before[-1], line)
        elif kin:
            self._insert_before(kin[0], line)
        elif imports:
            self._insert_after(imports[-1], f"\n{line}")
        elif tree.body and ast.get_docstring(tree) is not None:
            self._insert_after(tree.body[0], f"\n{line}")
        else:
            self.text = f"{line}\n\n\n{self.text}"

    def _insert_after(self, node: ast.stmt, code: str) -> None:
        lines = _lines(self.text)
        end = node.end_lineno or node.lineno
        if not lines[end - 1].endswith("\n"):
            lines[end - 1] += "\n"
        lines.insert(end, f"{code}\n")
        self.text = "".join(lines)

    def _insert_before(self, node: ast.stmt, code: str) -> None:
        lines = _lines(self.text)
        lines.insert(node.lineno - 1, f"{code}\n")
        self.text = "".join(lines)

    def _remove(self, node: ast.stmt) -> None:
        """Take away the lines of a statement, decorators and one run of empty lines before it."""
        lines = _lines(self.text)
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(one.lineno for one in decorators)]) - 1
        end = node.end_lineno or node.lineno
        while (
            start and not lines[start - 1].strip() and (end >= len(lines) or not lines[end].strip())
        ):
            start -= 1
        self.text = "".join([*lines[:start], *lines[end:]])

    def _start(self, node: Placed) -> int:
        return self._offset(node.lineno, node.col_offset)

    def _end(self, node: Placed) -> int:
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _offset(self, line: int, column: int) -> int:
        """Give the place in the text of what the parser counts in bytes of a line."""
        lines = _lines(self.text)
        inside = lines[line - 1].encode()[:column].decode()
        return sum(map(len, lines[: line - 1])) + len(inside)


def _leads_its_line(before: Placed, first: Placed, last: Placed, after: Placed) -> bool:
    """Tell whether an element begins a line that another one goes on with."""
    return before.end_lineno != first.lineno and last.end_lineno == after.lineno


def _lines(text: str) -> list[str]:
    """Split at the line ends that the parser counts, and keep them."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _elements(found: ast.expr) -> list[Span]:
    """Give where each element of a list, a dictionary or a call's arguments begins and ends."""
    if isinstance(found, ast.List):
        return _spans(found.elts)
    if isinstance(found, ast.Dict):
        return [(key or value, value) for key, value in zip(found.keys, found.values, strict=True)]
    return _spans(found.args) if isinstance(found, ast.Call) else []


def _spans(nodes: Sequence[Placed]) -> list[Span]:
    return [(node, node) for node in nodes]


def _imports_from(node: ast.stmt, module: str) -> TypeGuard[ast.ImportFrom]:
    return isinstance(node, ast.ImportFrom) and node.module == module and not node.level


def _names(node: ast.ImportFrom) -> list[str]:
    return [alias.name for alias in node.names]


def _texts(node: ast.List | ast.Tuple) -> list[str]:
    return [
        element.value
        for element in node.elts
        if isinstance(element, ast.Constant) and isinstance(element.value, str)
    ]


def _assigned(node: ast.stmt) -> str | None:
    """Give the name that an assignment binds."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        target = node.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None
