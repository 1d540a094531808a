"""How much code a service's owner owns, beside the templates that others start from.

Counted are lines that are no blanks, comments or docstrings: `src/` and `alembic/env.py` of a service with full auth and
one resource (its users). Tests and migrations are not counted, nor is what is imported from packages.

    python -m tests.template.owned_code [FOLDER ...]      ours, or those of a folder of somebody else's
"""

import io
import sys
import tempfile
import tokenize
from itertools import pairwise
from pathlib import Path

from tests.template.harness import generate, snapshot

BUDGET = 500
FRAMEWORKS = {"fastapi": "FastAPI", "litestar": "Litestar", "starlette": "Starlette"}
PEERS = {
    "full-stack-fastapi-template": 928,
    "FastAPI-boilerplate": 1502,
    "litestar-fullstack": 7612,
}
"""Counted by the same rules, without front ends, at 68adb40d, b88fe20 and 8b637ce4."""
_NOT_OWNED = {"tests", "test", "versions", "migrations"}
_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT}


def owned(folder: Path) -> dict[str, int]:
    """Give the lines of code of a service by file."""
    files = [*sorted((folder / "src").rglob("*.py")), folder / "alembic/env.py"]
    return {path.relative_to(folder).as_posix(): lines_of_code(path) for path in files}


def lines_of_code(path: Path) -> int:
    """Count lines that are no blanks, comments or docstrings, by tokens: a newer Python's syntax is no matter."""
    source = path.read_text(encoding="utf-8")
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


def of_folder(folder: Path) -> int:
    """Count the code of a folder of any project."""
    modules = [
        path for path in folder.rglob("*.py") if not _NOT_OWNED & {*path.relative_to(folder).parts}
    ]
    return sum(map(lines_of_code, modules))


def table(ours: dict[str, int]) -> str:
    """Give the counts as a table of the documentation.

    Args:
        ours: lines of code by framework.
    """
    fewest = min(ours.values())
    rows = {f"bedplate, {FRAMEWORKS[name]}": lines for name, lines in ours.items()} | PEERS
    lines = [
        f"| {name} | {lines:,} | {lines / fewest:.1f} x |"
        for name, lines in sorted(rows.items(), key=lambda row: row[1])
    ]
    return "\n".join(["| template | lines of code | |", "| --- | ---: | ---: |", *lines])


def main() -> None:
    for name in sys.argv[1:]:
        sys.stdout.write(f"{of_folder(Path(name)):>7,}  {name}\n")
    if sys.argv[1:]:
        return
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        template = snapshot(Path(name) / "template")
        folders = {
            framework: generate(template, Path(name) / f"my-{framework}", framework=framework)
            for framework in FRAMEWORKS
        }
        counted = {name: sum(owned(folder).values()) for name, folder in folders.items()}
        sys.stdout.write(f"{table(counted)}\n")


if __name__ == "__main__":
    main()
