"""Every `run:` line of a generated service's CI, in fresh clones: the checks, and the weekly update."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.template import workflows
from tests.template.harness import commit, git
from tests.template.servers import postgres
from tests.template.services import ENVIRONMENT, UV, generate, say
from tests.template.workflows import Job

GH = """\
#!/bin/sh
echo "gh $*" >> "$GH_CALLS"
[ "$2" != view ]
"""
TOKEN = "for-tests"
PUSHED_TO = f"https://oauth2:{TOKEN}@gitlab.example.com/team/shop.git"
CHANGED = "A line of the newer template."


@dataclass
class Service:
    """A service in a repository of its own, made from a template that has a newer version since.

    Args:
        home: an empty folder.
        template: the template's files.
        wheel: where bedplate comes from.
        ci: what its checks run on.
    """

    home: Path
    template: Path
    wheel: Path
    ci: str
    clones: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.source = self.home / "template.git"
        self.source.mkdir()
        git(self.template, "-C", str(self.source), "init", "--quiet", "--initial-branch=main")
        subprocess.run(["cp", "-R", f"{self.template}/.", str(self.source)], check=True)
        commit(self.source)
        git(self.source, "tag", "v0.1.0")
        made = self.home / "service"
        generate(self.source, made, self.wheel, f"ci={self.ci}")
        commit(made)
        (self.home / "origin.git").mkdir()
        self.origin = self.home / "origin.git"
        git(self.home, "clone", "--quiet", "--bare", str(made), str(self.origin))
        git(self.origin, "config", "receive.advertisePushOptions", "true")

    def release(self) -> None:
        """Give the template a newer version."""
        readme = self.source / "template/README.md.jinja"
        text = readme.read_text(encoding="utf-8")
        readme.write_text(text.replace("## Start\n", f"{CHANGED}\n\n## Start\n"), encoding="utf-8")
        commit(self.source)
        git(self.source, "tag", "v0.2.0")

    def edit(self) -> None:
        """Change, as a user, the line where the newer template has changed something."""
        clone = self.clone()
        readme = clone / "README.md"
        text = readme.read_text(encoding="utf-8")
        readme.write_text(text.replace("## Start\n", "Ours.\n\n## Begin\n"), encoding="utf-8")
        commit(clone)
        git(clone, "push", "--quiet", "origin", "main")

    def clone(self) -> Path:
        """Clone the service into an empty folder."""
        self.clones += 1
        folder = self.home / f"clone{self.clones}"
        git(self.home, "clone", "--quiet", str(self.origin), str(folder))
        return folder

    def branches(self) -> list[str]:
        return git(self.origin, "branch", "--format=%(refname:short)").split()

    def proposed(self) -> str:
        """Give what the branch with the update changes."""
        return git(self.origin, "diff", "main", "template-update")

    def forget_proposal(self) -> None:
        git(self.origin, "branch", "-D", "template-update")


def github(home: Path, template: Path, wheel: Path) -> None:
    """Run what GitHub runs."""
    service = Service(home, template, wheel, "github")
    calls = home / "gh-calls"
    tools = home / "tools"
    tools.mkdir()
    (tools / "gh").write_text(GH, encoding="utf-8")
    (tools / "gh").chmod(stat.S_IRWXU)
    path = os.pathsep.join([str(tools), str(Path(UV).parent), os.environ["PATH"]])
    machine = {"PATH": path, "GH_CALLS": str(calls)}
    machine["GIT_CONFIG_GLOBAL"] = str(home / "gitconfig")
    clone = service.clone()
    checks = workflows.github(clone / ".github/workflows/ci.yml", "checks", {})
    with postgres() as database:
        passed(clone, checks, machine | {"TEST_DATABASE_URL": database.url})
    workflow = clone / ".github/workflows/template-update.yml"
    whole = workflows.github(workflow, "update", {"github.token": TOKEN})
    checked = {step.script for step in checks.steps}
    update = Job([step for step in whole.steps if step.script not in checked], [])
    weekly_updates(service, update, machine)
    told = calls.read_text(encoding="utf-8").splitlines()
    created = "gh pr create --fill --head template-update"
    if told != ["gh pr view template-update --json url", created]:
        sys.exit(f"the change should have been proposed once:\n{told}")


def gitlab(home: Path, template: Path, wheel: Path) -> None:
    """Run what GitLab runs."""
    service = Service(home, template, wheel, "gitlab")
    python = home / "python"
    subprocess.run([sys.executable, "-m", "venv", str(python)], check=True)
    config = home / "gitconfig"
    config.write_text(f'[url "{service.origin}"]\n  insteadOf = {PUSHED_TO}\n', encoding="utf-8")
    machine = {
        "PATH": os.pathsep.join([str(python / "bin"), os.environ["PATH"]]),
        "GIT_CONFIG_GLOBAL": str(config),
        "CI_DEFAULT_BRANCH": "main",
        "CI_SERVER_HOST": "gitlab.example.com",
        "CI_PROJECT_PATH": "team/shop",
        "TEMPLATE_UPDATE_TOKEN": TOKEN,
    }
    clone = service.clone()
    with postgres() as database:
        job = workflows.gitlab(clone / ".gitlab-ci.yml", "checks")
        passed(clone, job, machine | {"TEST_DATABASE_URL": database.url})
    weekly_updates(service, workflows.gitlab(clone / ".gitlab-ci.yml", "template-update"), machine)


def weekly_updates(service: Service, update: Job, machine: dict[str, str]) -> None:
    """Run the weekly job: with nothing new, with something new, and with what cannot be merged."""
    say("the weekly update, with nothing new")
    passed(service.clone(), update, machine)
    if service.branches() != ["main"]:
        sys.exit("nothing was new, and a change was proposed")
    service.release()
    say("the weekly update, with a newer template")
    passed(service.clone(), update, machine)
    if f"+{CHANGED}" not in service.proposed():
        sys.exit("the newer template was not proposed")
    service.forget_proposal()
    service.edit()
    say("the weekly update, with what cannot be merged: it must be refused")
    if runs(service.clone(), update, machine):
        sys.exit("a change with conflicts was taken")
    if service.branches() != ["main"]:
        sys.exit("a change with conflicts was proposed")


def passed(folder: Path, job: Job, machine: dict[str, str]) -> None:
    """Run a job and end everything if one of its steps fails."""
    if not runs(folder, job, machine):
        sys.exit("it failed")


def runs(folder: Path, job: Job, machine: dict[str, str]) -> bool:
    """Run a job's steps as its server does, and tell whether all of them passed."""
    here: dict[str, str] = ENVIRONMENT | machine | {"CI": "true", "CI_PROJECT_DIR": str(folder)}
    kept: Callable[[str], bool] = lambda name: name in {*machine, "UV_CACHE_DIR"}  # noqa: E731
    for step in job.steps:
        say("\n    ".join(step.script.strip().splitlines()))
        given = workflows.expand(step.environment, here)
        environment = here | {name: value for name, value in given.items() if not kept(name)}
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.script]
        if subprocess.run(shell, cwd=folder, env=environment, check=False).returncode:
            return False
    return True
