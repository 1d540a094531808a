"""Ten resources of every type of field, added to one service one after the other.

Run by the nox session `resources`:  python tests/scaffold/ten_resources.py fastapi

The service lies in this process's environment, so that nothing is downloaded: it is linted, typed and
tested, its migrations run from nothing and back, and at last one resource is taken away again.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.template.harness import commit, generate, git, snapshot

RESOURCES = (
    ("category", "name:str!", "parent:ref(categories)?"),
    ("customer", "name:str(80)", "email:email!", "born:date?", "vip:bool"),
    (
        *("product", "sku:str(20)!", "name:str", "price:decimal", "weight:decimal(8,3)?"),
        *("stock:int", "category:ref(categories)", "details:json?", "listed:bool?"),
    ),
    (
        *("order", "customer:ref(customers)", "status:enum(new,paid,sent)", "placed_at:datetime"),
        *("note:text?", "owner:ref(users)"),
    ),
    (
        *("order_item", "order:ref(orders)", "product:ref(products)", "quantity:int"),
        *("unit_price:decimal", "owner:ref(users)"),
    ),
    ("status", "label:str!", "rank:int?", "default:bool", "check:decimal(4,4)"),
    ("group", "title:str", "select:int", "user:ref(users)?", "table:enum(a,b)?"),
    ("person", "first_name:str", "date:date", "datetime:datetime?", "external:uuid!"),
    ("data", "limit:int", "cursor:str", "sort:bool", "total:bool", "payload:json", "body:text"),
    (
        *("series", "code:uuid?", "amount:decimal", "line:str(1)", "order:ref(orders)?!"),
        *("type:enum(only)", "contact:email?", "born:date!", "owner:ref(users)"),
    ),
)
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in {"ENVIRONMENT", "DATABASE_URL", "SECRET_KEY", "PYTHONPATH"}
}


def main(framework: str) -> None:
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name).resolve()
        folder = generate(snapshot(home / "template"), home / "ten", framework=framework)
        commit(folder)
        for words in RESOURCES:
            bedplate(folder, "add", "resource", *words)
            commit(folder)
        bedplate(folder, "add", "resource", *RESOURCES[3])
        demand_clean(folder, "a second run of what was added")
        for tool in ("ruff check --quiet .", "black --check --quiet .", "mypy"):
            python(folder, *tool.split())
        # coverage is not installed here
        plain = ("--no-header", "--quiet", "-p", "no:cacheprovider", "-o", "addopts=")
        python(folder, "pytest", "-n", "2", *plain)
        bedplate(folder, "remove", "resource", "series")
        git(folder, "reset", "--quiet", "HEAD~1")  # the files stay as they are
        demand_clean(folder, "what was removed, against what was there before it was added")
    say("done: every check passed")


def demand_clean(folder: Path, what: str) -> None:
    """Demand that git shows no difference."""
    shown = git(folder, "status", "--porcelain")
    if shown:
        sys.exit(f"{what} leaves differences:\n{shown}")


def bedplate(folder: Path, *arguments: str) -> None:
    """Run the command as the service's developer does."""
    run(folder, str(Path(sys.executable).with_name("bedplate")), *arguments)


def python(folder: Path, *arguments: str) -> None:
    """Run a tool of this environment on the service."""
    run(folder, sys.executable, "-m", *arguments)


def run(folder: Path, *command: str) -> None:
    """Run a command, and end everything with its status if it fails."""
    say(" ".join([Path(command[0]).name, *command[1:]]))
    env = ENVIRONMENT | {"PYTHONPATH": str(folder / "src")}
    done = subprocess.run(command, cwd=folder, env=env, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def say(what: str) -> None:
    print(f"resources > {what}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
