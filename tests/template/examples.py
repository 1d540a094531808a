"""What .ai/examples.md of a generated service shows, done as it says."""

import re
import shlex
import textwrap
from pathlib import Path

SALES = "tests/integration/test_sales.py"
_SHOWN = re.compile(r"^## .*?in `([^`]+)`\n\n```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(r"^(?:from|import) .*\n", re.MULTILINE)


def read(folder: Path) -> str:
    """Give the page of a service."""
    return (folder / ".ai/examples.md").read_text(encoding="utf-8")


def commands(folder: Path) -> list[list[str]]:
    """Give what it begins with: calls of the command, without ``uv run bedplate``."""
    lines = re.findall(r"^uv run bedplate (.*)$", read(folder), re.MULTILINE)
    return [shlex.split(line) for line in lines]


def write(folder: Path) -> None:
    """Write what it shows as code into the files that it names."""
    for name, code in _SHOWN.findall(read(folder)):
        _put(folder / name, code)


def _put(path: Path, code: str) -> None:
    """Add code to a file: imports at its head, a method to its last class."""
    if not path.exists():
        path.write_text(code, encoding="utf-8")
        return
    imports = "".join(_IMPORT.findall(code))
    rest = _IMPORT.sub("", code).strip("\n") + "\n"
    if "(self" in rest.partition("\n")[0]:
        rest = textwrap.indent(rest, "    ")
    text = path.read_text(encoding="utf-8")
    text = text.replace("\nfrom app.", f"\n{imports}from app.", 1) if imports else text
    gap = "\n" if rest.startswith(" ") else "\n\n"
    path.write_text(f"{text}{gap}{rest}", encoding="utf-8")
