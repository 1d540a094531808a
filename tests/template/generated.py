"""A service generated from the built wheel: its own checks, and then what a newcomer does by hand.

Run by the nox session `service`:  python tests/template/generated.py FRAMEWORK [arguments of the service's pytest]
"""

import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.template import examples
from tests.template.harness import snapshot
from tests.template.services import ACCOUNT, ENVIRONMENT, UV, Served, build, generate, run, say, use

LONG = 150


def main(framework: str, arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name).resolve()
        wheel = build(home / "dist")
        template = snapshot(home / "template")
        spaced = home / "my service"
        long = home / "a-long-path" / ("x" * (LONG - len(str(home)))) / "service"
        for folder in (spaced, long):
            generate(template, folder, wheel, f"framework={framework}")
        for check in ("ruff check .", "black --check --quiet .", "mypy src/", "mypy"):
            run(spaced, UV, "run", *check.split())
        run(spaced, UV, "run", "pytest", *arguments)
        say("its unit tests, without a database")
        no_database = {"TEST_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
        run(spaced, UV, "run", "pytest", "--quiet", "tests/unit", env=no_database)
        say("what its examples show, done by hand")
        for command in examples.commands(spaced):
            run(spaced, UV, "run", "bedplate", *command)
        examples.write(spaced)
        for check in ("ruff check .", "black --check --quiet .", "mypy"):
            run(spaced, UV, "run", *check.split())
        run(spaced, UV, "run", "pytest", "--quiet", "--no-cov", examples.SALES)
        refuses_to_start_in_production(spaced)
        with ExitStack() as stack:
            say("two services side by side, in a path with a space and in a long one")
            for service in [stack.enter_context(Served(folder)) for folder in (spaced, long)]:
                service.demand(201, "/users", ACCOUNT)
                use(service)
        say("a second start, which finds the data again")
        with Served(spaced) as service:
            service.demand(409, "/users", ACCOUNT)
            use(service)
    say("done: every check passed")


def refuses_to_start_in_production(folder: Path) -> None:
    """Without its settings the service says in one message which are missing."""
    say("a start in production without settings, which must be refused")
    production = ENVIRONMENT | {"ENVIRONMENT": "production"}
    command = [UV, "run", "bedplate", "serve"]
    done = subprocess.run(
        command, cwd=folder, env=production, capture_output=True, text=True, check=False
    )
    told = done.stdout + done.stderr
    names = {"DATABASE_URL", "SECRET_KEY"}
    if not done.returncode or "Traceback" in told or names - set(re.findall(r"[A-Z_]+", told)):
        sys.exit(f"it should have been refused in one message:\n{told}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
