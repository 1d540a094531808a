"""Code in the style of the service: its own ruff and black, with its own settings."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

__all__ = ["formatted", "formatted_edits"]

_TOOLS = (
    ("ruff", "check", "--quiet", "--exit-zero", "--no-cache", "--fix", "--select=I,RUF022"),
    ("black", "--quiet"),
)


def formatted(folder: Path, *groups: Mapping[Path, str]) -> list[dict[Path, str]]:
    """Sort the imports of modules and lay them out, as far as the tools are installed.

    Args:
        folder: one within the service, whose settings the tools then find.
        groups: the code, by path in the service; all of it in one run of each tool.
    """
    places = {
        (number, path): folder / str(number) / path
        for number, group in enumerate(groups)
        for path in group
    }
    for (number, path), place in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(groups[number][path], encoding="utf-8")
    for tool, *arguments in _TOOLS:
        if places and find_spec(tool) is not None:
            command = [sys.executable, "-m", tool, *arguments, *map(str, places.values())]
            # one that fails leaves the code as it is, which is still right
            subprocess.run(command, cwd=folder, capture_output=True, check=False)  # noqa: S603
    return [
        {path: places[number, path].read_text(encoding="utf-8") for path in group}
        for number, group in enumerate(groups)
    ]


def formatted_edits(
    folder: Path, new: Mapping[Path, str], edited: Mapping[Path, tuple[str, str]]
) -> tuple[dict[Path, str], dict[Path, str]]:
    """Lay out new files, and those edited ones that have the service's style already.

    Args:
        folder: one within the service.
        new: files to come.
        edited: what is in each file now, and the same with the edits; lines end as they did.
    """
    before = {path: now.replace("\r\n", "\n") for path, (now, _) in edited.items()}
    after = {path: text for path, (_, text) in edited.items()}
    new_styled, before_styled, after_styled = formatted(folder, new, before, after)
    texts = {}
    for path, (now, _) in edited.items():
        text = after_styled[path] if before_styled[path] == before[path] else after[path]
        texts[path] = text.replace("\n", "\r\n") if "\r\n" in now else text
    return new_styled, texts
