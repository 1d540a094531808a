"""Services of many combinations of answers: each is linted, typed, tested on PostgreSQL and started once.

Each framework with everything and with nothing; `--whole` adds combinations until every two answers have met.
One virtual environment serves all combinations of a framework: what a combination lacks is taken out of it again.

Run by the nox session `matrix`:  python tests/template/matrix.py [--whole] [words of the combinations to run]
"""

import sys
import tempfile
from collections.abc import Mapping
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


def check(folder: Path, answers: Answers, environment: Mapping[str, str]) -> None:
    """Hold one generated service to what its README promises.

    Args:
        folder: the service.
        answers: what it was made with.
        environment: where its virtual environment is.
    """
    install(folder, environment)
    for command in ("ruff check .", "black --check --quiet .", "mypy src/", "pytest --quiet"):
        run(folder, UV, "run", *command.split(), env=environment)
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
        for answers in chosen(whole="--whole" in arguments)
        if all(word in str(list(answers.values())) for word in words)
    ]
    asked = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    if unknown := set(ANSWERS) - set(asked):
        sys.exit(f"the template does not ask for {unknown}")
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name).resolve()
        wheel = build(home / "dist")
        template = snapshot(home / "template")
        for number, answers in enumerate(wanted, 1):
            say(f"--- {number} of {len(wanted)}: {answers}")
            folder = home / f"service{number}"
            given = {"project_name": "My Service", "bedplate_source": str(wheel), **answers}
            generate(template, folder, **given)
            check(
                folder, answers, {"UV_PROJECT_ENVIRONMENT": str(home / str(answers["framework"]))}
            )
    say(f"{len(wanted)} passed, 0 failed")


if __name__ == "__main__":
    main(sys.argv[1:])
