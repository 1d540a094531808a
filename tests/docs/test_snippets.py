"""The Python of README and documentation, as it stands there.

A page's blocks, one after the other, are one program that must run; a block with a title is a quotation and must stand in
the template's file of that name.
"""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bedplate.database import Database

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"^( *)```python(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^ *```",
    re.DOTALL | re.MULTILINE,
)
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def blocks_of(page: Path, *, quoted: bool) -> list[re.Match[str]]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [block for block in found if bool(block["title"]) is quoted]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


PROGRAMS = [page for page in PAGES if blocks_of(page, quoted=False)]
QUOTING = [page for page in PAGES if blocks_of(page, quoted=True)]


def run_program(page: Path, tmp_path: Path, url: str) -> subprocess.CompletedProcess[str]:
    program = tmp_path / "snippet.py"
    program.write_text(
        "\n".join(block["code"] for block in blocks_of(page, quoted=False)), encoding="utf-8"
    )
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=tmp_path,
        env={**env, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def output_of(page: Path) -> str:
    blocks = re.findall(
        r"^```text title=\"output\"\n(.*?)^```",
        page.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    return "".join(blocks)


def test_there_are_pages_to_run() -> None:
    assert len(PROGRAMS) >= 3


@pytest.mark.unhappy
@pytest.mark.parametrize("page", PROGRAMS, ids=name_of)
def test_no_page_says_what_does_not_happen(
    page: Path, tmp_path: Path, committed_database: Database
) -> None:
    url = committed_database.engine.url.render_as_string(hide_password=False)
    done = run_program(page, tmp_path, url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == output_of(page)


@pytest.mark.unhappy
@pytest.mark.parametrize("page", QUOTING, ids=name_of)
def test_no_quotation_differs_from_its_source(page: Path) -> None:
    for block in blocks_of(page, quoted=True):
        source = (ROOT / "template" / block["title"]).read_text(encoding="utf-8")
        indented = textwrap.indent(block["code"], "    ")  # a method is quoted without its class
        assert block["code"] in source or indented in source, block["title"]
