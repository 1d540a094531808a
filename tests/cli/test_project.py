from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedplate.cli.errors import ExitCode, ProjectError
from bedplate.cli.project import find_project
from bedplate.settings import ServiceSettings

TABLE = """
[tool.bedplate]
app = "app.main:create_app"
settings = "app.config:Settings"
unit-of-work = "app.units:AppUnitOfWork"

[tool.alembic]
script_location = "alembic"
"""


def test_a_project_is_found_from_a_folder_below_it(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    write("pyproject.toml", TABLE)
    below = tmp_path / "src" / "app"
    below.mkdir(parents=True)
    found = find_project(below)
    assert found.root == tmp_path
    assert (found.app, found.settings) == ("app.main:create_app", "app.config:Settings")
    assert found.unit_of_work == "app.units:AppUnitOfWork"
    assert found.migrated


def test_a_package_of_a_workspace_belongs_to_the_service_above(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    write("pyproject.toml", TABLE)
    write("packages/tools/pyproject.toml", "[project]\nname = 'tools'\n")
    assert find_project(tmp_path / "packages" / "tools").root == tmp_path


def test_without_a_settings_class_the_librarys_own_is_used(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    write("pyproject.toml", "[tool.bedplate]\n")
    found = find_project(tmp_path)
    assert found.load_settings_class() is ServiceSettings
    assert not found.migrated


@pytest.mark.unhappy
def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"not the folder of a service.*\[tool\.bedplate\]"):
        find_project(tmp_path)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "text", ["[tool.bedplate", "a = 1\na = 2", '[tool.bedplate]\napp = "\\ud800"']
)
def test_broken_toml_is_named_with_its_file(
    tmp_path: Path, write: Callable[[str, str], Path], text: str
) -> None:
    write("pyproject.toml", text)
    with pytest.raises(ProjectError, match=r"pyproject\.toml is not valid TOML"):
        find_project(tmp_path)


@pytest.mark.unhappy
def test_a_file_that_is_not_text_is_not_valid_toml(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProjectError, match="is not valid TOML"):
        find_project(tmp_path)


@pytest.mark.unhappy
@pytest.mark.parametrize("text", ["[tool]\nbedplate = 3", 'tool = {bedplate = "x"}'])
def test_something_else_than_a_table_is_refused(
    tmp_path: Path, write: Callable[[str, str], Path], text: str
) -> None:
    write("pyproject.toml", text)
    with pytest.raises(ProjectError, match="is not a table"):
        find_project(tmp_path)


@pytest.mark.unhappy
def test_a_misspelt_key_is_refused_by_name(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    write("pyproject.toml", '[tool.bedplate]\nunit_of_work = "app.a:B"\n')
    with pytest.raises(ProjectError, match="unknown key 'unit_of_work'; known are app, settings"):
        find_project(tmp_path)


@pytest.mark.unhappy
@pytest.mark.parametrize("value", ['"app.main"', '"app.main:"', '"a b:c"', '""', "3", "[]"])
def test_a_place_must_be_a_module_and_an_attribute(
    tmp_path: Path, write: Callable[[str, str], Path], value: str
) -> None:
    write("pyproject.toml", f"[tool.bedplate]\napp = {value}\n")
    with pytest.raises(ProjectError, match=r'app .* is not of the form "module:attribute"'):
        find_project(tmp_path)


@pytest.mark.unhappy
def test_a_settings_class_must_be_one(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    write("pyproject.toml", '[tool.bedplate]\nsettings = "app.config:Settings"\n')
    write("src/app/config.py", "class Settings: ...\n")
    project = find_project(tmp_path)
    project.enter()
    with pytest.raises(ProjectError, match="is not a subclass of"):
        project.load_settings_class()


@pytest.mark.unhappy
def test_a_part_that_is_not_named_is_asked_for(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    write("pyproject.toml", "[tool.bedplate]\n")
    with pytest.raises(ProjectError, match='app = "module:attribute"'):
        find_project(tmp_path).load_app()


@pytest.mark.unhappy
def test_a_working_directory_that_was_removed_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bedplate: Callable[..., Any]
) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "cwd", gone)
    outcome = bedplate("doctor")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert "working directory has been removed" in outcome.sentence
