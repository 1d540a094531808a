"""Counts the lines of Python that somebody owns: no blanks, no comments, no docstrings, no tests, no migrations.

python benchmarks/_owned_code.py FOLDER ...
"""

import io
import sys
import tokenize
from itertools import pairwise
from pathlib import Path

_NOT_OWNED = {"tests", "test", "versions", "migrations", ".venv", "node_modules"}
_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT}


def lines_of_code(source: str) -> int:
    """Count the lines of one module, by its tokens alone: a newer Python's syntax is no matter."""
    lines: set[int] = set()
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in _NO_CODE
    ]
    before = tokenize.NEWLINE
    for token, after in pairwise(tokens):
        alone = before == after.type == tokenize.NEWLINE
        if token.string.strip() and not (token.type == tokenize.STRING and alone):
            lines.update(range(token.start[0], token.end[0] + 1))
        before = token.type
    return len(lines)


def owned(folder: Path) -> int:
    """Count the lines of all modules of a folder."""
    modules = (
        path for path in folder.rglob("*.py") if not _NOT_OWNED & {*path.relative_to(folder).parts}
    )
    return sum(lines_of_code(path.read_text(encoding="utf-8")) for path in modules)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{owned(Path(name)):>7,}  {name}")
