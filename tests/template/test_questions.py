"""The answers: what they become, and which are refused."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from tests.template.harness import ROOT, commit, generate

import bedplate

QUESTIONS = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))


def project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def sources(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = project(folder)["tool"].get("uv", {}).get("sources", {})
    return found


def test_the_name_comes_from_the_folder(service: Path) -> None:
    assert project(service)["project"]["name"] == "my-service"
    assert (service / "README.md").read_text(encoding="utf-8").startswith("# my-service\n")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My Service", "my-service"),
        ("  spaces  around ", "spaces-around"),
        ("Größe & Söhne", "gr-e-s-hne"),
        ("Bob's shop", "bob-s-shop"),
        ("3d-viewer", "3d-viewer"),
        ("2024", "2024"),
        ("class", "class"),
        ("order", "order"),
        ("{{ 7 * 7 }} %(here)s ${HOME}", "7-7-here-s-home"),
        ("日本 api", "api"),
        ("x" * 64, "x" * 64),
    ],
)
def test_every_name_that_is_taken_gives_a_valid_package(
    template: Path, tmp_path: Path, name: str, slug: str
) -> None:
    folder = generate(template, tmp_path / "service", project_name=name)
    assert project(folder)["project"]["name"] == slug
    source = (folder / "src/app/__init__.py").read_text(encoding="utf-8")
    module: dict[str, Any] = {}
    exec(compile(source, "app", "exec"), module)
    assert module["__doc__"] == name.strip()
    yaml.safe_load((folder / "docker-compose.yml").read_text(encoding="utf-8"))


def test_the_library_comes_from_where_the_template_came(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absolute = generate(template, tmp_path / "absolute")
    assert sources(absolute) == {"bedplate": {"path": str(template), "editable": True}}
    monkeypatch.chdir(template.parent)
    relative = generate(template.name, tmp_path / "relative")
    assert sources(relative) == {"bedplate": {"path": str(template), "editable": True}}


def test_a_git_address_becomes_a_git_source(template: Path, tmp_path: Path) -> None:
    repository = tmp_path / "bedplate.git"
    shutil.copytree(template, repository)
    commit(repository)
    for address in (str(repository), f"git+file://{repository}"):
        folder = generate(address, tmp_path / f"service{len(address)}")
        assert sources(folder) == {"bedplate": {"git": f"file://{repository}"}}


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("gh:acme/bedplate", {"git": "https://github.com/acme/bedplate"}),
        ("gl:acme/bedplate", {"git": "https://gitlab.com/acme/bedplate"}),
        ("git@git.acme.org:x/bedplate.git", {"git": "ssh://git@git.acme.org/x/bedplate.git"}),
        ("git+https://git.acme.org/bedplate", {"git": "https://git.acme.org/bedplate"}),
        ("/a b/bedplate-1.0-py3-none-any.whl", {"path": "/a b/bedplate-1.0-py3-none-any.whl"}),
        ("../bedplate", {"path": "../bedplate", "editable": True}),
    ],
)
def test_a_source_is_written_as_uv_takes_it(
    template: Path, tmp_path: Path, source: str, written: dict[str, object]
) -> None:
    folder = generate(template, tmp_path / "service", bedplate_source=source)
    assert sources(folder) == {"bedplate": written}


@pytest.mark.unhappy
def test_without_a_source_the_package_index_is_asked(template: Path, tmp_path: Path) -> None:
    folder = generate(template, tmp_path / "service", bedplate_source="")
    assert "uv" not in project(folder)["tool"]
    assert "--build-context" not in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.unhappy
def test_the_template_asks_for_no_other_version_than_its_own(service: Path) -> None:
    [line] = project(service)["project"]["dependencies"]
    requirement = Requirement(line)
    assert requirement.extras == {"fastapi", "service"}
    assert requirement.specifier.contains(Version(bedplate.__version__))
    assert not requirement.specifier.contains("0.0.1")
    assert QUESTIONS["bedplate_version"]["default"] == bedplate.__version__


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "name",
    [
        *("", "   ", "日本", "---", 'the "best"', "back\\slash", "two\nlines", "a\x00", "x" * 65),
        *("bedplate", "FastAPI", "pytest cov"),
    ],
)
def test_a_name_that_cannot_work_is_refused(template: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="Validation error for question 'project_name'"):
        generate(template, tmp_path / "service", project_name=name)
    assert not (tmp_path / "service").exists()


@pytest.mark.unhappy
@pytest.mark.parametrize("description", ["", "x" * 201, 'say "hi"', "two\nlines"])
def test_a_description_that_cannot_work_is_refused(
    template: Path, tmp_path: Path, description: str
) -> None:
    with pytest.raises(ValueError, match="Validation error for question 'description'"):
        generate(template, tmp_path / "service", description=description)


@pytest.mark.unhappy
@pytest.mark.parametrize("source", ['/a "b"', "/a\nb", "/a\x00"])
def test_a_source_that_cannot_work_is_refused(template: Path, tmp_path: Path, source: str) -> None:
    with pytest.raises(ValueError, match="Validation error for question 'bedplate_source'"):
        generate(template, tmp_path / "service", bedplate_source=source)


@pytest.mark.unhappy
def test_a_folder_whose_name_cannot_be_the_services_is_refused(
    template: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="at least one of the letters"):
        generate(template, tmp_path / "日本")


@pytest.mark.unhappy
@pytest.mark.parametrize("answer", ["jenkins", "GitHub"])
def test_an_unknown_choice_is_refused(template: Path, tmp_path: Path, answer: str) -> None:
    with pytest.raises(ValueError, match="ci"):
        generate(template, tmp_path / "service", ci=answer)


@pytest.mark.unhappy
def test_nobody_is_asked_more_than_eight_questions() -> None:
    asked = [
        name
        for name, question in QUESTIONS.items()
        if not name.startswith("_") and question.get("when") is not False
    ]
    assert 1 <= len(asked) <= 8


@pytest.mark.unhappy
def test_the_template_executes_nothing() -> None:
    forbidden = {"_tasks", "_migrations", "_jinja_extensions", "_external_data"}
    assert forbidden & set(QUESTIONS) == set()


@pytest.mark.unhappy
def test_the_answers_hold_no_secret_and_nothing_computed(service: Path) -> None:
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text(encoding="utf-8"))
    public = {
        "project_name",
        "description",
        "framework",
        "redis",
        "jobs",
        "kubernetes",
        "ci",
        "bedplate_source",
    }
    assert {name for name in answers if not name.startswith("_")} == public
