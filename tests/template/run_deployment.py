"""What a generated service is deployed and checked by, carried out in empty folders.

The Dockerfile's RUN, CMD and HEALTHCHECK, the migration job's command, the hooks of pre-commit, and every `run:` line
of both kinds of CI. No image is built: there need be no Docker.

Run by the nox session `template_run`:  python tests/template/run_deployment.py [image] [hooks] [github] [gitlab]
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import redis as redis_client
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.redis_server import running_redis
from tests.template import ci_runs
from tests.template.dockerfile import Image
from tests.template.dockerfile import build as build_image
from tests.template.harness import commit, git, snapshot
from tests.template.servers import postgres
from tests.template.services import ACCOUNT, ENVIRONMENT, UV, Served, build, generate, run, say, use

from bedplate.secret_strength import generate_secret

READS_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


def image(home: Path, template: Path, wheel: Path) -> None:
    """Carry out the Dockerfile, then run what it made as compose and Kubernetes do."""
    context = home / "service"
    generate(template, context, wheel, "redis=true", "kubernetes=true", "project_name=Shop")
    emptied = home / "empty"
    emptied.mkdir()
    text = (context / "Dockerfile").read_text(encoding="utf-8")
    made = build_image(text, {"": context, "bedplate": wheel.parent}, emptied, ENVIRONMENT)
    built = state(made.root)
    runs_for_nobody(made)
    job = yaml.safe_load((context / "kubernetes/migration/job.yaml").read_text(encoding="utf-8"))
    [migration] = job["spec"]["template"]["spec"]["containers"]
    with postgres() as database, running_redis() as counters:
        settings = ENVIRONMENT | made.environment
        settings["DATABASE_URL"] = database.database()
        settings["REDIS_URL"] = counters.url
        settings["SECRET_KEY"] = generate_secret()
        run(made.folder, *migration["command"], env=settings)
        with Served(made.folder, made.command, settings) as service:
            health = [word.replace("8000", str(service.port)) for word in made.health]
            run(made.folder, *health, env=settings)
            service.demand(201, "/users", ACCOUNT)
            use(service)
            wrong = (("username", "nobody@example.com"), ("password", "wrong"))
            for status in (*[401] * 10, 429):
                service.demand(status, "/auth/token", wrong)
        if not redis_client.Redis(port=counters.port).dbsize():
            sys.exit("the attempts were not counted in Redis")
    if state(made.root) != built:
        sys.exit("it wrote where a container's file system is read only")


def runs_for_nobody(made: Image) -> None:
    """Import the service as the image's user, whom this machine does not know."""
    if os.geteuid() or not shutil.which("setpriv"):
        return  # it takes root to become another
    user, group = made.user.split(":")
    become = ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *READS_ALL)
    settings = ENVIRONMENT | made.environment
    settings |= {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "SECRET_KEY": generate_secret()}
    program = "import os; from app.main import create_app; create_app(); print(os.getuid())"
    run(made.folder, *become, "python", "-c", program, env=settings)


def state(root: Path) -> dict[Path, tuple[int, int]]:
    """Give when everything below a folder was changed last, and its size."""
    found = ((path, path.lstat()) for path in root.rglob("*"))
    return {path: (seen.st_mtime_ns, seen.st_size) for path, seen in found}


def hooks(home: Path, template: Path, wheel: Path) -> None:
    """Activate pre-commit as the README says; it takes a good commit and refuses bad ones."""
    folder = home / "service"
    generate(template, folder, wheel)
    commit(folder)
    if any(name.startswith(".venv/") for name in git(folder, "ls-files").splitlines()):
        sys.exit("what is installed is committed, and the hooks would change it")
    tools = ENVIRONMENT | {"PATH": f"{Path(UV).parent}{os.pathsep}{os.environ['PATH']}"}
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    committing = ("git", *identity, "commit", "--quiet", "--all", "--message")
    run(folder, "uvx", "--quiet", "pre-commit", "install", env=tools)
    run(folder, "uvx", "--quiet", "pre-commit", "run", "--all-files", env=tools)
    model = folder / "src/app/models/user.py"
    good = model.read_text(encoding="utf-8")
    for message, text, taken in (
        ("user: a comment", f"{good}\n# a comment\n", False),
        ("feat(users): a number", f"{good}\nCOUNT: str = 1\n", False),
        ("docs(users): a comment", f"{good}\n\n# a comment\n", True),
    ):
        model.write_text(text, encoding="utf-8")
        say(f"git commit --message {message!r}, which must be {'taken' if taken else 'refused'}")
        done = subprocess.run(
            [*committing, message],
            cwd=folder,
            env=tools,
            capture_output=True,
            text=True,
            check=False,
        )
        if (done.returncode == 0) is not taken:
            sys.exit(f"it was not\n{done.stdout}{done.stderr}")
    if git(folder, "status", "--porcelain"):
        sys.exit("a hook has left something behind")


PARTS = {"image": image, "hooks": hooks, "github": ci_runs.github, "gitlab": ci_runs.gitlab}


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name).resolve()
        wheel = build(home / "dist")
        template = snapshot(home / "template")
        for part in names or PARTS:
            say(f"--- {part}")
            (home / part).mkdir()
            PARTS[part](home / part, template, wheel)
    say(f"{len(names or PARTS)} passed, 0 failed")


if __name__ == "__main__":
    main(sys.argv[1:])
