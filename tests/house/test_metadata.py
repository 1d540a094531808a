"""What pyproject.toml, the constraints and the documentation say of the package agree."""

import importlib
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import bedplate

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = [
    name
    for _, name, is_package in pkgutil.walk_packages(bedplate.__path__, "bedplate.")
    if is_package
]


def test_the_changelog_speaks_of_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{bedplate.__version__}]" in changelog


@pytest.mark.unhappy
def test_no_extra_is_missing_from_the_documentation() -> None:
    page = (ROOT / "docs" / "reference" / "extras.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z0-9]+)` \|", page, flags=re.MULTILINE))
    assert documented == set(PROJECT["optional-dependencies"])


@pytest.mark.unhappy
def test_no_dependency_is_without_a_reason_in_the_documentation() -> None:
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8").lower()
    requirements = [*PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        requirements += extra
    names = {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in requirements}
    assert sorted(name for name in names - {"bedplate"} if f"`{name}`" not in page) == []


@pytest.mark.unhappy
@pytest.mark.parametrize("name", PACKAGES)
def test_no_public_surface_names_what_is_not_there(name: str) -> None:
    package = importlib.import_module(name)
    exported = getattr(package, "__all__", [])
    assert len(set(exported)) == len(exported)
    assert [symbol for symbol in exported if not hasattr(package, symbol)] == []


@pytest.mark.unhappy
def test_the_constraints_hold_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 50
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9._-]+==[^\s/@]+", line)] == []
