"""What holds for every file of this repository."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listing.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_the_repository_has_what_a_public_project_has() -> None:
    wanted = ["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "constraints.txt"]
    assert [name for name in wanted if not (ROOT / name).is_file()] == []


@pytest.mark.unhappy
def test_no_source_or_test_file_is_longer_than_400_lines() -> None:
    lengths = {path: text_of(path).count("\n") for path in tracked("*.py", "*.py.jinja")}
    assert len(lengths) > 10
    assert {str(path): n for path, n in lengths.items() if n > LONGEST} == {}


@pytest.mark.unhappy
def test_no_lock_file_records_where_packages_came_from() -> None:
    names = {path.name for path in tracked()}
    assert names & {"uv.lock", "poetry.lock", "package-lock.json", "pylock.toml"} == set()


@pytest.mark.unhappy
def test_no_file_names_the_home_folder_of_root() -> None:
    pattern = re.compile(r"/ro[o]t/")
    found = [str(path.relative_to(ROOT)) for path in tracked() if pattern.search(text_of(path))]
    assert found == []


@pytest.mark.unhappy
def test_no_module_is_without_a_docstring() -> None:
    modules = [path for path in tracked("src/**/*.py", "template/src/**/*.py") if text_of(path)]
    assert [str(path) for path in modules if not text_of(path).startswith('"""')] == []


@pytest.mark.unhappy
def test_no_expected_type_error_is_without_its_code_and_reason() -> None:
    files = tracked("typing_tests/*.py")
    lines = [
        line for path in files for line in text_of(path).splitlines() if "type: ignore" in line
    ]
    assert len(lines) > 10
    reasoned = re.compile(r"  # type: ignore\[[a-z,-]+\] # \w")
    assert [line for line in lines if not reasoned.search(line)] == []


@pytest.mark.unhappy
def test_no_check_of_types_is_left_out_by_the_type_checker() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert "typing_tests" in settings["files"]
    assert settings["strict"]  # an error that is expected and does not come is one then
    assert not any(
        "warn_unused_ignores" in part or "strict" in part for part in settings["overrides"]
    )
