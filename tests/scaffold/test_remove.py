"""`bedplate remove resource`: what was added and left alone goes; all else is refused with a list."""

from pathlib import Path

import pytest
from tests.scaffold.conftest import Call, python_of
from tests.template.harness import commit, git

from bedplate.cli.errors import ExitCode
from bedplate.database import Database
from bedplate.migrations import commands
from bedplate.scaffold import changes

PRODUCT = ("product", "sku:str(20)!", "price:decimal", "state:enum(new,old)", "owner:ref(users)")


@pytest.fixture
def url(committed_database: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database that is not the embedded one."""
    url = committed_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENVIRONMENT", "development")
    return url


@pytest.fixture
def added(shop: Path, call: Call, url: str) -> dict[str, str]:
    """The code of the service before a resource was added."""
    before = python_of(shop)
    assert call("add", "resource", *PRODUCT).exit_code == ExitCode.DONE
    return before


def versions(shop: Path) -> list[str]:
    found = sorted((shop / "alembic" / "versions").glob("*.py"), key=lambda path: path.name)
    return [path.name.split("_", 4)[4] for path in found]


def test_an_untouched_resource_goes_without_a_trace(
    shop: Path, call: Call, added: dict[str, str]
) -> None:
    shown = call("remove", "resource", "product", "--dry-run")
    assert (shown.exit_code, "delete  src/app/models/product.py" in shown.out) == (0, True)
    assert python_of(shop) != added
    outcome = call("remove", "resource", "Products")
    assert outcome.exit_code == ExitCode.DONE, outcome.err
    assert python_of(shop) == added
    assert git(shop, "status", "--porcelain") == ""
    assert call("add", "resource", *PRODUCT).exit_code == ExitCode.DONE


def test_the_embedded_database_is_taken_back_with_it(
    shop: Path, call: Call, added: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli.conftest import remove_cluster

    for name in ("DATABASE_URL", "ENVIRONMENT"):
        monkeypatch.delenv(name)
    try:
        assert call("db", "upgrade").exit_code == ExitCode.DONE
        monkeypatch.delenv("DATABASE_URL", raising=False)
        outcome = call("remove", "resource", "product")
        assert outcome.exit_code == ExitCode.DONE, outcome.err
        assert "Taking the migration back" in outcome.err
        assert python_of(shop) == added
        monkeypatch.delenv("DATABASE_URL", raising=False)
        assert "(newest)" in call("db", "current").out
        monkeypatch.delenv("DATABASE_URL", raising=False)
        assert call("db", "check").exit_code == ExitCode.DONE
    finally:
        remove_cluster(shop)


@pytest.mark.unhappy
def test_a_table_that_another_database_has_is_dropped_by_a_new_migration(
    shop: Path, call: Call, added: dict[str, str], url: str
) -> None:
    call("db", "upgrade")
    outcome = call("remove", "resource", "product")
    assert outcome.exit_code == ExitCode.DONE, outcome.err
    assert versions(shop)[-2:] == ["create_products.py", "drop_products.py"]
    assert "bedplate db upgrade drops the table" in outcome.out
    assert call("db", "upgrade").exit_code == ExitCode.DONE
    assert call("db", "check").exit_code == ExitCode.DONE
    assert call("db", "downgrade", "--", "-1").exit_code == ExitCode.DONE
    commands.upgrade(shop, url)
    again = call("add", "resource", *PRODUCT)
    assert again.exit_code == ExitCode.DONE, again.err
    assert len([name for name in versions(shop) if name.startswith("create_products")]) == 2
    assert call("db", "upgrade").exit_code == ExitCode.DONE


@pytest.mark.unhappy
def test_a_migration_that_others_have_or_build_on_stays(
    shop: Path, call: Call, added: dict[str, str], tmp_path: Path
) -> None:
    commit(shop)
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(shop, "push", "--quiet", str(tmp_path / "remote.git"), "HEAD:main")
    git(shop, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(shop, "fetch", "--quiet", "origin")
    assert call("remove", "resource", "product").exit_code == ExitCode.DONE
    assert versions(shop)[-2:] == ["create_products.py", "drop_products.py"]
    git(shop, "reset", "--quiet", "--hard")
    git(shop, "clean", "--quiet", "-fd")
    git(shop, "remote", "remove", "origin")
    call("add", "resource", "shelf", "name:str")
    assert call("remove", "resource", "product").exit_code == ExitCode.DONE
    assert versions(shop)[-3:] == ["create_products.py", "create_shelves.py", "drop_products.py"]


@pytest.mark.unhappy
def test_what_was_changed_is_listed_and_nothing_is_done(
    shop: Path, call: Call, added: dict[str, str]
) -> None:
    paths = ["src/app/services/product.py", "tests/unit/test_products.py"]
    for path in paths:
        with (shop / path).open("a", encoding="utf-8") as file:
            file.write("\n# mine\n")
    before = python_of(shop)
    outcome = call("remove", "resource", "product")
    assert outcome.exit_code == ExitCode.FAILURE
    assert all(path in outcome.sentence for path in paths)
    assert "src/app/models/product.py" not in outcome.sentence
    assert python_of(shop) == before


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("src/app/services/user.py", "from app.models.product import Product"),
        (
            "src/app/services/user.py",
            "async def count(uow) -> int:\n    return await uow.products.count()",
        ),
        ("src/app/dependencies.py", "from app.services.product import ProductService as Mine"),
        ("tests/unit/test_services.py", "from app.schemas.product import ProductRead"),
    ],
)
def test_what_something_else_uses_stays(
    shop: Path, call: Call, added: dict[str, str], path: str, line: str
) -> None:
    with (shop / path).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    before = python_of(shop)
    outcome = call("remove", "resource", "product")
    assert (outcome.exit_code, path in outcome.sentence) == (ExitCode.FAILURE, True), outcome.err
    assert python_of(shop) == before


@pytest.mark.unhappy
def test_what_another_table_refers_to_goes_after_that(
    shop: Path, call: Call, added: dict[str, str]
) -> None:
    call("add", "resource", "part", "product:ref(products)")
    outcome = call("remove", "resource", "product")
    assert outcome.exit_code == ExitCode.FAILURE
    assert "parts refers to products" in outcome.sentence
    assert call("remove", "resource", "part").exit_code == ExitCode.DONE
    assert call("remove", "resource", "product").exit_code == ExitCode.DONE
    assert python_of(shop) == added


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["user", "nothing", "two words"])
def test_what_was_never_added_is_told(call: Call, shop: Path, name: str) -> None:
    outcome = call("remove", "resource", name)
    assert outcome.exit_code in {ExitCode.FAILURE, ExitCode.USAGE}
    assert outcome.sentence.endswith(".")
    assert git(shop, "status", "--porcelain") == ""


@pytest.mark.unhappy
@pytest.mark.parametrize("fails_at", [0, 5, 11])
def test_an_interrupted_run_leaves_all_as_it_was(
    shop: Path, call: Call, added: dict[str, str], monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    before, moved, move = python_of(shop), [], changes._move

    def interrupted(path: Path, source: Path | None) -> None:
        moved.append(path)
        if len(moved) == fails_at + 1:
            raise KeyboardInterrupt
        move(path, source)

    with monkeypatch.context() as patch:
        patch.setattr(changes, "_move", interrupted)
        assert call("remove", "resource", "product").exit_code == ExitCode.INTERRUPTED
    assert python_of(shop) == before
