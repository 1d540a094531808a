"""Services of many combinations of answers: each is linted, typed, tested on PostgreSQL and started once.

Every two answers meet, and each framework is there with everything and with nothing; `--short` is these extremes alone.
One virtual environment serves all combinations of a framework: what a combination lacks is taken out of it again.
Combinations with the same code and the same packages are typed and tested once. The three frameworks run side by side.

Run by the nox session `matrix`:  python tests/template/matrix.py [--short] [words of the combinations to run]
"""

import hashlib
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, product
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.redis_server import running_redis
from tests.template.harness import ROOT, generate, snapshot
from tests.template.servers import postgres
from tests.template.services import ACCOUNT, UV, Served, build, install, run, say, use

from bedplate.secret_strength import generate_secret

type Answers = dict[str, object]

ANSWERS: dict[str, list[object]] = {
    "framework": ["fastapi", "litestar", "starlette"],
    "redis": [True, False],
    "jobs": [True, False],
    "kubernetes": [True, False],
    "ci": ["github", "gitlab", "none"],
}
EVERYTHING: Answers = {"redis": True, "jobs": True, "kubernetes": True, "ci": "github"}
NOTHING: Answers = {"redis": False, "jobs": False, "kubernetes": False, "ci": "none"}


def pairwise() -> list[Answers]:
    """Give few combinations in which every two answers meet."""
    names = list(ANSWERS)
    everything = [dict(zip(names, values, strict=True)) for values in product(*ANSWERS.values())]
    missing = {pair for answers in everything for pair in pairs(answers)}
    chosen: list[Answers] = []
    while missing:
        best = max(everything, key=lambda answers: len(pairs(answers) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def pairs(answers: Answers) -> set[tuple[tuple[str, object], tuple[str, object]]]:
    """Give which two answers meet in a combination."""
    return set(combinations(answers.items(), 2))


def chosen(*, whole: bool) -> list[Answers]:
    """Give the combinations to run, those of a framework beside each other."""
    extremes = [
        {"framework": one} | rest for one in ANSWERS["framework"] for rest in (EVERYTHING, NOTHING)
    ]
    wanted = [*extremes, *pairwise()] if whole else extremes
    unique = {str(sorted(answers.items())): answers for answers in wanted}
    return sorted(unique.values(), key=lambda answers: str(answers["framework"]))


def code(folder: Path) -> str:
    """Give what decides how typing and tests come out: the code, and what it is installed with."""
    read = [folder / "pyproject.toml", *sorted(folder.rglob("*.py"))]
    digest = hashlib.sha256()
    for path in read:
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def check_all(framework: object, services: list[tuple[Path, Answers]], installed: Path) -> None:
    """Hold the services of one framework to what their README promises.

    Args:
        framework: theirs.
        services: each with what it was made with.
        installed: where their virtual environment is.
    """
    # mypy keeps what it knows of the packages, which are the same but for a few
    environment = {
        "UV_PROJECT_ENVIRONMENT": str(installed),
        "MYPY_CACHE_DIR": f"{installed}-types",
    }
    seen: dict[str, Path] = {}
    for folder, answers in services:
        say(f"--- {framework}: {answers}")
        alike = seen.setdefault(code(folder), folder)
        install(folder, environment)
        checks = ["ruff check .", "black --check --quiet ."]
        if alike == folder:
            checks += ["mypy src/", "pytest --quiet"]
        else:
            say(f"{folder.name} has the same code and packages as {alike.name}, which is tested")
        for command in checks:
            run(folder, UV, "run", *command.split(), env=environment)
        starts(folder, answers, environment)


def starts(folder: Path, answers: Answers, environment: Mapping[str, str]) -> None:
    """Start a service as in production, and use it."""
    with postgres() as database, running_redis() as counters:
        settings = {**environment, "ENVIRONMENT": "production", "SECRET_KEY": generate_secret()}
        settings["DATABASE_URL"] = database.database()
        if answers["redis"]:
            settings["REDIS_URL"] = counters.url
        run(folder, UV, "run", "bedplate", "db", "upgrade", env=settings)
        with Served(folder, env=settings) as service:
            service.demand(201, "/users", ACCOUNT)
            use(service)


def main(arguments: list[str]) -> None:
    words = [word for word in arguments if not word.startswith("-")]
    wanted = [
        answers
        for answers in chosen(whole="--short" not in arguments)
        if all(word in str(list(answers.values())) for word in words)
    ]
    asked = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    if unknown := set(ANSWERS) - set(asked):
        sys.exit(f"the template does not ask for {unknown}")
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name).resolve()
        wheel = build(home / "dist")
        template = snapshot(home / "template")
        made: dict[object, list[tuple[Path, Answers]]] = {}
        for number, answers in enumerate(wanted, 1):
            folder = home / f"service{number}"
            given = {"project_name": "My Service", "bedplate_source": str(wheel), **answers}
            generate(template, folder, **given)
            made.setdefault(answers["framework"], []).append((folder, answers))
        with ThreadPoolExecutor(3) as pool:
            checks = [
                pool.submit(check_all, framework, services, home / f"venv-{framework}")
                for framework, services in made.items()
            ]
        for check in checks:
            check.result()
    say(f"{len(wanted)} passed, 0 failed")


if __name__ == "__main__":
    main(sys.argv[1:])
