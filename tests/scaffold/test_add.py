"""`bedplate add resource` in a service: what is written, what is refused, and that nothing is half done."""

import ast
from pathlib import Path

import pytest
from tests.scaffold.conftest import Call, python_of
from tests.template.harness import git

from bedplate.cli.errors import ExitCode
from bedplate.scaffold import changes

PRODUCT = ("product", "sku:str(20)!", "name:str", "price:decimal", "notes:text?")
FILES = {
    "src/app/models/product.py",
    "src/app/schemas/product.py",
    "src/app/repositories/product.py",
    "src/app/services/product.py",
    "src/app/api/v1/products.py",
    "tests/unit/test_products.py",
    "tests/integration/test_products.py",
}
REGISTERED = {
    "src/app/models/__init__.py",
    "src/app/repositories/unit_of_work.py",
    "src/app/dependencies.py",
    "src/app/api/v1/__init__.py",
}


def status(shop: Path) -> dict[str, str]:
    """What git shows, by path."""
    lines = git(shop, "status", "--porcelain", "--untracked-files=all").splitlines()
    return {line[3:]: line[:2].strip() for line in lines}


def migration_of(shop: Path) -> Path:
    [found] = (shop / "alembic" / "versions").glob("*_create_products.py")
    return found


def test_a_resource_is_written_in_all_layers_and_registered(shop: Path, call: Call) -> None:
    outcome = call("add", "resource", *PRODUCT)
    assert outcome.exit_code == ExitCode.DONE, outcome.err
    migration = migration_of(shop).relative_to(shop).as_posix()
    assert {path for path, mark in status(shop).items() if mark == "??"} == FILES | {migration}
    assert {path for path, mark in status(shop).items() if mark == "M"} == REGISTERED
    code = python_of(shop)
    for path in (*FILES, *REGISTERED, migration):
        ast.parse(code[path])
    assert (
        "    products = repository(ProductRepository)"
        in code["src/app/repositories/unit_of_work.py"]
    )
    assert (
        "    sku: Mapped[str] = mapped_column(String(20), unique=True)"
        in code["src/app/models/product.py"]
    )
    assert [len(part) for part in Path(migration).name.split("_")[:4]] == [4, 2, 2, 4]


def test_a_second_run_finds_nothing_to_do_and_finishes_what_was_cut_off(
    shop: Path, call: Call
) -> None:
    call("add", "resource", *PRODUCT)
    whole = python_of(shop)
    again = call("add", "resource", *PRODUCT)
    assert (again.exit_code, "nothing to do" in again.out) == (ExitCode.DONE, True)
    (shop / "src/app/services/product.py").unlink()
    git(shop, "checkout", "--", "src/app/api/v1/__init__.py")
    finished = call("add", "resource", *PRODUCT)
    assert finished.exit_code == ExitCode.DONE, finished.err
    assert python_of(shop) == whole


def test_a_dry_run_shows_and_does_nothing(shop: Path, call: Call) -> None:
    outcome = call("add", "resource", *PRODUCT, "--dry-run")
    assert outcome.exit_code == ExitCode.DONE
    for path in FILES | REGISTERED:
        assert path in outcome.out
    assert "+    products = repository(ProductRepository)" in outcome.out
    assert status(shop) == {}


@pytest.mark.unhappy
def test_no_file_is_overwritten(shop: Path, call: Call) -> None:
    for path in sorted(FILES)[:2]:
        (shop / path).write_text("# mine\n", encoding="utf-8")
    outcome = call("add", "resource", *PRODUCT)
    assert outcome.exit_code == ExitCode.FAILURE
    assert all(path in outcome.sentence for path in sorted(FILES)[:2])
    assert "no file is overwritten" in outcome.sentence
    assert set(status(shop)) == set(sorted(FILES)[:2])


@pytest.mark.unhappy
def test_the_same_resource_with_other_fields_is_refused(shop: Path, call: Call) -> None:
    call("add", "resource", *PRODUCT)
    before = python_of(shop)
    outcome = call("add", "resource", *PRODUCT[:-1])
    assert outcome.exit_code == ExitCode.FAILURE
    assert "made by: bedplate add resource product 'sku:str(20)!'" in outcome.sentence
    assert python_of(shop) == before


@pytest.mark.unhappy
@pytest.mark.parametrize("fails_at", [0, 4, 8, 11])
def test_an_interrupted_run_leaves_nothing(
    shop: Path, call: Call, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    moved, move = [], changes._move

    def interrupted(path: Path, source: Path | None) -> None:
        moved.append(path)
        if len(moved) == fails_at + 1:
            raise KeyboardInterrupt
        move(path, source)

    with monkeypatch.context() as patch:
        patch.setattr(changes, "_move", interrupted)
        outcome = call("add", "resource", *PRODUCT)
    assert outcome.exit_code == ExitCode.INTERRUPTED
    assert status(shop) == {}
    assert call("add", "resource", *PRODUCT).exit_code == ExitCode.DONE


@pytest.mark.unhappy
def test_what_a_killed_run_leaves_git_shows_and_the_next_run_finishes(
    shop: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    moved, move = [], changes._move

    def until_killed(path: Path, source: Path | None) -> None:
        moved.append(path)
        if len(moved) == 9:
            raise Killed
        move(path, source)

    with monkeypatch.context() as patch:
        patch.setattr(changes, "_move", until_killed)
        patch.setattr(changes, "_undo", killed)
        with pytest.raises(Killed):
            call("add", "resource", *PRODUCT)
    left = status(shop)
    assert set(left) >= FILES, "all that was written is to be seen"
    assert not REGISTERED & set(left), "nothing is known to the service yet"
    assert call("add", "resource", *PRODUCT).exit_code == ExitCode.DONE
    assert set(status(shop)) == FILES | REGISTERED | set(left)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("path", "old", "new", "sentence"),
    [
        ("src/app/api/v1/__init__.py", "router.include_router", "include", "has no include_router"),
        (
            "src/app/repositories/unit_of_work.py",
            "class AppUnitOfWork",
            "class Other",
            "AppUnitOfWork",
        ),
        (
            "src/app/models/__init__.py",
            "__all__ = [",
            'OTHERS = ["Base"]\n__all__ = [*OTHERS, ',
            "__all__ is no plain list",
        ),
        ("src/app/api/deps.py", "AdminUser =", "Administrator =", "has no AdminUser"),
        (
            "src/app/dependencies.py",
            "Users = Annotated",
            "Products = Annotated",
            "something else called",
        ),
        ("src/app/dependencies.py", "def get_auth", "def get auth", "is no Python"),
    ],
)
def test_a_service_that_is_laid_out_otherwise_is_told_so(
    shop: Path, call: Call, path: str, old: str, new: str, sentence: str
) -> None:
    text = (shop / path).read_text(encoding="utf-8")
    assert old in text
    (shop / path).write_text(text.replace(old, new), encoding="utf-8")
    outcome = call("add", "resource", *PRODUCT)
    assert outcome.exit_code in {ExitCode.FAILURE, ExitCode.CONFIGURATION}
    assert sentence in outcome.sentence
    assert set(status(shop)) == {path}


@pytest.mark.unhappy
def test_files_that_people_changed_keep_their_changes_and_their_layout(
    shop: Path, call: Call
) -> None:
    routes = shop / "src/app/api/v1/__init__.py"
    mine = 'router.include_router( confirmation.router )  # mine\n\nEXTRA = {\n    "a":1 }\n'
    text = routes.read_text(encoding="utf-8").replace(
        "router.include_router(confirmation.router)\n", mine
    )
    routes.write_bytes(text.replace("\n", "\r\n").encode())
    assert call("add", "resource", *PRODUCT).exit_code == ExitCode.DONE
    added = mine.replace("\n\n", "\nrouter.include_router(products.router)\n\n", 1)
    after = routes.read_bytes().decode()
    assert added.replace("\n", "\r\n") in after
    assert after.count("\n") == after.count("\r\n")


@pytest.mark.unhappy
def test_outside_of_a_service_it_is_one_sentence(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("add", "resource", *PRODUCT).exit_code == ExitCode.CONFIGURATION
    (tmp_path / "pyproject.toml").write_text('[tool.bedplate]\napp = "a:b"\n', encoding="utf-8")
    outcome = call("add", "resource", *PRODUCT)
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert "laid out as the template" in outcome.sentence
