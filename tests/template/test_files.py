"""The files of a generated service, without installing it."""

import ast
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import copier
import pytest
import yaml
from tests.template.harness import ROOT, commit, generate, git, texts
from tests.template.owned_code import BUDGET, FRAMEWORKS, owned, table


def test_a_service_has_what_its_readme_and_rules_name(service: Path) -> None:
    names = set(texts(service))
    assert {".env.example", ".gitattributes", ".copier-answers.yml", "AGENTS.md"} <= names
    for page in ("README.md", "AGENTS.md", *(name for name in names if name.startswith(".ai/"))):
        text = (service / page).read_text(encoding="utf-8")
        links = re.findall(r"\]\(([^)#:]+)\)", text)
        paths = re.findall(r"`((?:src|tests|alembic)/[\w./]+)`", text)
        for name in links:
            assert (service / page).parent.joinpath(name).exists(), f"{page} links to {name}"
        for name in paths:
            if page != ".ai/examples.md":  # of which test_examples.py does what it speaks of
                assert (service / name).exists(), f"{page} speaks of {name}"


def test_every_configuration_file_can_be_read(service: Path) -> None:
    for name, text in texts(service).items():
        if name.endswith((".yml", ".yaml")):
            yaml.safe_load(text)
        elif name.endswith(".toml"):
            tomllib.loads(text)
        elif name.endswith(".py"):
            ast.parse(text, name)


def test_no_ci_leaves_no_workflows(template: Path, tmp_path: Path) -> None:
    folder = generate(template, tmp_path / "service", ci="none")
    assert not (folder / ".github").exists()
    with_ci = generate(template, tmp_path / "other")
    assert set(texts(with_ci)) - set(texts(folder)) == {
        ".github/workflows/ci.yml",
        ".github/workflows/template-update.yml",
    }


@pytest.mark.unhappy
def test_no_template_language_is_left(service: Path) -> None:
    for name, text in texts(service).items():
        left = re.findall(r"{%|%}|(?<!\$){{(?! *secrets| *github)|{#", text)
        assert left == [], name
        assert not name.endswith(".jinja")


@pytest.mark.unhappy
def test_nothing_of_the_templates_own_house_is_copied(service: Path, template: Path) -> None:
    names = set(texts(service))
    assert "ruff.toml" not in names
    assert not [name for name in names if "_cache" in name or name.endswith((".pyc", ".orig"))]
    # where the service came from is written down; nothing else of this machine is
    told = {name: text.replace(str(template), "") for name, text in texts(service).items()}
    assert not [name for name, text in told.items() if str(ROOT) in text or str(service) in text]


@pytest.mark.unhappy
def test_no_python_file_varies_but_by_one_line_and_the_one_that_carries_the_name() -> None:
    source = ROOT / "template/src"
    varying = {path.relative_to(source).as_posix(): path for path in source.rglob("*.py.jinja")}
    del varying["app/__init__.py.jinja"]
    assert len(varying) == len(list((ROOT / "template").rglob("*.py.jinja"))) - 1
    # in place this package has a part in each folder
    assert "{" not in varying.pop("app/repositories/__init__.py.jinja").read_text("utf-8")
    options = ROOT / "template/options"
    for path in options.rglob("*.py"):
        name = path.relative_to(options).as_posix()
        line = f'{{% set whole %}}{{% include "template/options/{name}" %}}{{% endset %}}'
        text = varying.pop(f"{name}.jinja").read_text("utf-8")
        assert text.startswith(line)
        assert text.count("\n") == 1
    for name, path in varying.items():
        python = name.removesuffix(".jinja")
        line = f'{{% include "template/frameworks/" ~ framework ~ "/{python}" -%}}\n'
        assert path.read_text(encoding="utf-8") == line
        for framework in FRAMEWORKS:
            assert (ROOT / "template/frameworks" / framework / python).is_file()
    for framework in FRAMEWORKS:
        folder = ROOT / "template/frameworks" / framework
        variants = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
        assert variants == {name.removesuffix(".jinja") for name in varying}


@pytest.mark.unhappy
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_varies_is_copied_as_it_lies(services: Callable[[str], Path], framework: str) -> None:
    folder = ROOT / "template/frameworks" / framework
    for path in folder.rglob("*.py"):
        copied = services(framework) / "src" / path.relative_to(folder)
        assert copied.read_bytes() == path.read_bytes()
    assert not (services(framework) / "frameworks").exists()
    assert not (services(framework) / "options").exists()
    # the words of the other frameworks are in no file of this one
    others = {"FastAPI", "Litestar", "Starlette"} - {FRAMEWORKS[framework]}
    for name, text in texts(services(framework)).items():
        if framework == "fastapi" or name.startswith("src/"):
            others -= {"Starlette"}  # FastAPI is built on it
        assert not [other for other in others if other in text], name


@pytest.mark.unhappy
def test_secrets_and_local_state_are_never_committed(template: Path, tmp_path: Path) -> None:
    folder = generate(template, tmp_path / "service")
    for name in (".env", ".bedplate/secret_key", ".venv/x", ".coverage"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("SECRET_KEY=x", encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    staged = git(folder, "diff", "--cached", "--name-only").splitlines()
    assert not {".env", ".bedplate/secret_key", ".venv/x", ".coverage"} & set(staged)
    assert ".env.example" in staged


@pytest.mark.unhappy
def test_an_update_to_the_same_template_changes_nothing(template: Path, tmp_path: Path) -> None:
    repository = shutil.copytree(template, tmp_path / "bedplate")
    commit(repository)
    git(repository, "tag", "v0.1.0")
    folder = generate(repository, tmp_path / "service", project_name="Bob's shop", ci="none")
    commit(folder)
    copier.run_update(folder, defaults=True, quiet=True, overwrite=True)
    assert git(folder, "status", "--porcelain") == ""


@pytest.mark.unhappy
def test_the_examples_documentation_shows_are_python(service: Path) -> None:
    blocks = [
        block
        for name, text in texts(service).items()
        if name.endswith(".md")
        for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    ]
    assert len(blocks) >= 4
    for block in blocks:
        ast.parse(block)


@pytest.mark.unhappy
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_service_owns_less_code_than_its_budget(
    services: Callable[[str], Path],
    framework: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = owned(services(framework))
    with capsys.disabled():
        print(f"{framework}: {sum(lines.values())} lines of code")  # noqa: T201
    assert 100 < sum(lines.values()) < BUDGET, lines


@pytest.mark.unhappy
@pytest.mark.parametrize("module", ["dependencies.py", "api/deps.py"])
def test_no_dependency_of_fastapi_is_sent_to_a_thread(module: str) -> None:
    """FastAPI runs plain functions in a pool of threads, which costs more than all they do."""
    source = ROOT / "template" / "frameworks" / "fastapi" / "app" / module
    functions = [
        each
        for each in ast.walk(ast.parse(source.read_text()))
        if isinstance(each, ast.FunctionDef)
    ]
    assert [
        each.name for each in functions if each.name != "allowed"
    ] == []  # it makes dependencies


@pytest.mark.unhappy
def test_the_documentation_shows_no_other_counts(services: Callable[[str], Path]) -> None:
    counted = {framework: sum(owned(services(framework)).values()) for framework in FRAMEWORKS}
    page = (ROOT / "docs/explanation/owned-code.md").read_text(encoding="utf-8")
    assert table(counted) in page, "python -m tests.template.owned_code prints what it must show"
