"""How much code a service's owner owns, beside the templates that others start from.

Counted are lines of `src/` and `alembic/env.py` as black formats them that are no blanks, comments or docstrings, of a
service with full auth and one resource (its users). Migrations are not counted, nor is what is imported from packages.

    python -m tests.template.owned_code
"""

import ast
import io
import sys
import tempfile
import tokenize
from pathlib import Path

from tests.template.harness import generate, snapshot

BUDGET = 500
FRAMEWORKS = {"fastapi": "FastAPI", "litestar": "Litestar", "starlette": "Starlette"}
PEERS = {
    "full-stack-fastapi-template": 1086,
    "FastAPI-boilerplate": 1644,
    "litestar-fullstack": 8132,
}
"""Counted by the same rules, without front ends: in 2026, each at its newest commit."""


def owned(folder: Path) -> dict[str, int]:
    """Give the lines of code of a service by file."""
    files = [*sorted((folder / "src").rglob("*.py")), folder / "alembic/env.py"]
    return {path.relative_to(folder).as_posix(): lines_of_code(path) for path in files}


def lines_of_code(path: Path) -> int:
    """Count lines that are no blanks, comments or docstrings."""
    source = path.read_text(encoding="utf-8")
    lines: set[int] = set()
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in skipped and token.string:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


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
