"""What AGENTS.md and .ai/ cite exists, and what they show as code works where they say it belongs.

Its types are checked by the nox session `service`.
"""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.template import examples
from tests.template.harness import ROOT, commit, generate

FRAMEWORKS = ["fastapi", "litestar", "starlette"]
CITED = re.compile(r"(?:src|tests|alembic|\.ai|docs)/[\w./-]*|[\w-]+\.(?:md|py|toml)")
BEDPLATE = str(Path(sys.executable).with_name("bedplate"))
HOW_TO = ROOT / "docs/how-to/add-a-feature.md"


@pytest.fixture(scope="module", params=FRAMEWORKS)
def grown(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A service in which all was done that its examples show."""
    made = tmp_path_factory.mktemp("grown") / "my-service"
    folder = generate(template, made, framework=request.param)
    commit(folder)
    for command in examples.commands(folder):
        assert run(folder, BEDPLATE, *command) == ""
    examples.write(folder)
    return folder


def documents(folder: Path) -> dict[str, str]:
    paths = [folder / "AGENTS.md", *sorted((folder / ".ai").iterdir())]
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def run(folder: Path, *arguments: str) -> str:
    """Run Python in a service, and give what it printed if that failed."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_the_examples_work_where_they_say_that_they_belong(grown: Path) -> None:
    tests = (examples.SALES, "tests/unit/test_products.py")
    failed = run(grown, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider", *tests)
    assert failed == ""


@pytest.mark.unhappy
def test_no_example_is_badly_written(grown: Path) -> None:
    for tool in ("ruff check .", "black --check ."):
        assert run(grown, "-m", *tool.split()) == "", tool


@pytest.mark.unhappy
def test_no_path_is_cited_that_is_not_there(grown: Path) -> None:
    cited = {
        (document, name)
        for document, text in documents(grown).items()
        for quoted in re.findall(r"`([^`\n]+)`|\]\(([^)]+)\)", text)
        for name in CITED.findall("".join(quoted))
    }
    assert len(cited) > 20
    missing = [
        (document, name)
        for document, name in sorted(cited)
        if not any((start / name).exists() for start in (grown, grown / ".ai", grown / "src/app"))
    ]
    assert missing == []


@pytest.mark.unhappy
def test_no_line_of_the_map_names_what_is_not_there(grown: Path) -> None:
    drawn = documents(grown)["context.md"].partition("```\n")[2].partition("```")[0]
    here, found = grown, 0
    for line in drawn.splitlines():
        if not line.startswith(" "):
            here = grown / line.split()[0]
            assert here.is_dir(), line
        for name in re.findall(r"(?:^| )([\w/]+(?:\.py|/))(?= |$)", line):
            found += 1
            start = here if line.startswith(" ") else grown
            assert any((place / name).exists() for place in (start, here)) or any(
                start.rglob(name)
            ), line
    assert found > 12


@pytest.mark.unhappy
def test_no_tool_is_called_that_is_not_installed(grown: Path) -> None:
    project = tomllib.loads((grown / "pyproject.toml").read_text(encoding="utf-8"))
    dependencies = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    installed = {re.split(r"[\[>=<]", name)[0] for name in dependencies} | {"pytest"}
    called = set(re.findall(r"uv run ([\w-]+)", "".join(documents(grown).values())))
    assert {"bedplate", "black", "mypy", "pytest", "ruff"} <= called <= installed


@pytest.mark.unhappy
def test_the_guide_shows_nothing_but_what_is_tested_here(services: Callable[[str], Path]) -> None:
    tested = examples.read(services("fastapi"))
    shown = re.findall(
        r"```(?:py|sh)\n(.*?)^```", HOW_TO.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert len(shown) > 4
    for block in shown:
        if "add resource" in block or not block.startswith(("uv ", "git ")):
            assert block.strip() in tested
