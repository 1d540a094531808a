"""A template with a history, services made of its versions, what users do to them, and what an update must leave.

`NEWEST` is this checkout. Before it comes an earlier release, where there is one, or one made up: the same template as it might
have been, with other text in every file, fewer questions, files that it has no more and without some that it has now.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from tests.template.harness import ROOT, commit, generate, git, texts

NEWEST = "v9999.0.0"
OLDER = "v0.0.1"
ANSWERS: Sequence[tuple[dict[str, Any], dict[str, Any]]] = (
    (
        {"redis": True, "jobs": True, "kubernetes": True},
        {"redis": False, "jobs": False, "kubernetes": False, "ci": "none"},
    ),
    (
        {"ci": "none"},
        {"framework": "litestar", "redis": True, "jobs": True, "kubernetes": True, "ci": "gitlab"},
    ),
    (
        {"framework": "starlette", "ci": "gitlab", "redis": True},
        {"framework": "fastapi", "ci": "github", "kubernetes": True},
    ),
)
"""Answers that become others by an update: each option comes, and goes."""
COPIER: tuple[str, ...] = (sys.executable, "-m", "copier")
VERSIONS = "alembic/versions/"
LINE = 101
MODULES = re.compile(r"^from app\.models\.(\w+) import (\([^)]*\)|.*)$", re.MULTILINE)
NEW_QUESTIONS = {"framework": "fastapi", "redis": False, "jobs": False, "kubernetes": False}
GONE = "docs/notes-of-old.md"
BROUGHT = "TrustedDevice"
MADE = "src/app/models/note.py"
RESOURCE = ("note", "text:str(200)", "owner:ref(users)")

BROUGHT_MODEL = '''

class TrustedDevice(UUIDv7Mixin, Base):
    """A device that is known already."""

    __tablename__ = "trusted_devices"
    label: Mapped[str]
'''
MIGRATION = '''\
"""{title}

Revision ID: {revision}
Revises: {after}
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "{revision}"
down_revision: str | Sequence[str] | None = "{after}"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "{table}",
        {columns},
        sa.PrimaryKeyConstraint("id", name=op.f("pk_{table}")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("{table}")
'''
BROUGHT_COLUMNS = """\
sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False)"""


def releases() -> list[str]:
    """Give the tags of earlier releases."""
    return [tag for tag in git(ROOT, "tag").split() if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]


def history(folder: Path, template: Path, release: str | None = None) -> Path:
    """Make a repository whose newest version is a template, and which has an older one.

    Args:
        folder: what to make.
        template: the files of the newest version.
        release: an earlier release of this checkout's repository; None makes one up.
    """
    if release is None:
        shutil.copytree(template, folder)
        age(folder)
    else:
        git(ROOT, "worktree", "prune")
        folder.mkdir()
        archive = subprocess.run(
            ["git", "archive", release, "copier.yml", "template"],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
        subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    commit(folder)
    git(folder, "tag", release or OLDER)
    for name in ("copier.yml", "template"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(template, folder, dirs_exist_ok=True)
    bring(folder / "template")
    commit(folder)
    git(folder, "tag", NEWEST)
    return folder


def age(folder: Path) -> None:
    """Turn a template into one as it might have been before."""
    questions = folder / "copier.yml"
    blocks = questions.read_text(encoding="utf-8").split("\n\n")
    kept = "\n\n".join(map(never_asked, blocks))
    kept = re.sub(r"^.*(kubernetes \||gitlab|'update').*\n", "", kept, flags=re.MULTILINE)
    questions.write_text(kept, encoding="utf-8")
    shutil.rmtree(folder / "template/kubernetes")
    (folder / "template/.gitlab-ci.yml").unlink()
    (folder / "template/AGENTS.md").unlink()
    gone = folder / "template" / GONE
    gone.parent.mkdir()
    gone.write_text("The template has this no more.\n", encoding="utf-8")
    for path in sorted((folder / "template").rglob("*")):
        if path.is_file() and path != gone:
            path.write_text(aged(path), encoding="utf-8")


def never_asked(block: str) -> str:
    """Turn a new question into what its default comes to: the template's files speak of it."""
    name = block.split(":", maxsplit=1)[0]
    if name not in NEW_QUESTIONS:
        return block
    return f"{name}:\n  default: {json.dumps(NEW_QUESTIONS[name])}\n  when: false"


def aged(path: Path) -> str:
    """Give a file as it might have been: its first and last lines were others."""
    text = path.read_text(encoding="utf-8")
    name = path.name.removesuffix(".jinja")
    if name.endswith(".py"):
        return re.sub(r'^"""(.)', r'"""Of old: \1', text)
    if name.endswith((".yml", ".yaml", ".toml")) or name in {"Dockerfile", ".env.example"}:
        first, newline, rest = text.partition("\n")
        return f"{first} # of old{newline}{rest}" if first.startswith("#") else f"# of old\n{text}"
    if name.endswith(".md"):
        return text.replace("\n\n", "\n\nThis was said of old.\n\n", 1)
    return text


def bring(template: Path) -> None:
    """Let the newest version have a table more, with a migration that services do not take over."""
    path = template / "src/app/models/auth.py"
    text = path.read_text(encoding="utf-8")
    for module, name in (("bedplate.models", "UUIDv7Mixin"), ("sqlalchemy.orm", "Mapped")):
        if not re.search(rf"import .*\b{name}\b", text):
            text = text.replace("\nfrom app.", f"from {module} import {name}\n\nfrom app.", 1)
    path.write_text(text + BROUGHT_MODEL, encoding="utf-8")
    register(template, "auth", BROUGHT)
    [optional] = (template / VERSIONS).glob("*_create_jobs.py")  # comes last where it is chosen
    text = optional.read_text(encoding="utf-8")
    optional.unlink()
    after = head(template)
    optional.write_text(text.replace(after, "feedfacecafe"), encoding="utf-8")
    migration = MIGRATION.format(
        title="bring", revision="feedfacecafe", after=after,
        table="trusted_devices", columns=BROUGHT_COLUMNS,
    )  # fmt: skip
    (template / VERSIONS / "2026_06_01_0000_bring.py").write_text(migration, encoding="utf-8")


def register(folder: Path, module: str, model: str) -> None:
    """Add a model to the list of all, formatted as black does."""
    path = folder / "src/app/models/__init__.py"
    text = path.read_text(encoding="utf-8")
    modules = {name: set(re.findall(r"\w+", names)) for name, names in MODULES.findall(text)}
    modules.setdefault(module, set()).add(model)
    imports = "".join(imported(name, sorted(names)) for name, names in sorted(modules.items()))
    listed = sorted(set().union(*modules.values()))
    names = "".join(f'    "{name}",\n' for name in listed)
    docstring = text[: text.index("from app.")]
    path.write_text(f"{docstring}{imports}\n__all__ = [\n{names}]\n", encoding="utf-8")


def imported(module: str, names: list[str]) -> str:
    """Give the line, or the lines, that import names."""
    line = f"from app.models.{module} import {', '.join(names)}\n"
    if len(line) <= LINE:
        return line
    return f"from app.models.{module} import (\n{''.join(f'    {name},{chr(10)}' for name in names)})\n"


def head(folder: Path) -> str:
    """Give the newest revision of a service's migrations."""
    found = "".join(path.read_text("utf-8") for path in sorted((folder / VERSIONS).glob("*.py")))
    newest: str
    after = set(re.findall(r'^down_revision\b.*= "(\w+)"', found, re.MULTILINE))
    [newest] = set(re.findall(r'^revision\b.*= "(\w+)"', found, re.MULTILINE)) - after
    return newest


def add_resource(folder: Path) -> None:
    """Add a resource with the command, as a user does it."""
    command = (str(Path(sys.executable).with_name("bedplate")), "add", "resource")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"ENVIRONMENT", "DATABASE_URL", "SECRET_KEY"}
    } | {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(
        [*command, *RESOURCE], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL
    )


EDITS: Sequence[tuple[str, str, str]] = (
    ("README.md", "## Configure\n", "## Who we are\n\nTeam Ada.\n\n## Configure\n"),
    ("pyproject.toml", 'version = "0.1.0"', 'version = "1.2.3"'),
    (
        "pyproject.toml",
        "dependencies = [\n",
        'dependencies = [\n  "httpx>=0.28", # we call others\n',
    ),
    (".env.example", "LOG_LEVEL=INFO\n", "LOG_LEVEL=INFO\n\n# how we greet\n# GREETING=Hello\n"),
    ("Dockerfile", "EXPOSE 8000\n", "LABEL team=ada\nEXPOSE 8000\n"),
    (
        "src/app/config.py",
        '    service_name: str = name or "app"\n',
        '    greeting: str = "Hello"\n    """How we greet."""\n\n    service_name: str = name or "app"\n',
    ),
    (
        "src/app/services/user.py",
        '        """Delete an account with its sessions.\n',
        '        """Delete an account with its sessions, which nobody can undo.\n',
    ),
    ("src/app/core/exceptions.py", "exists already", "is here already"),
    ("tests/unit/test_schemas.py", "correct horse battery staple", "correct horse battery stable"),
)
"""What users change in files that the template owns: by file, what and into what."""
REMOVED = ".pre-commit-config.yaml"


def edit(folder: Path) -> None:
    """Change files of the template as users do, delete one, and add some."""
    for name, before, after in EDITS:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        if before not in text:
            raise ValueError(f"{name} has no {before!r}")
        path.write_text(text.replace(before, after, 1), encoding="utf-8")
    (folder / REMOVED).unlink()
    (folder / "OWNERS").write_text("ada\n", encoding="utf-8")


def copy(
    repository: Path,
    folder: Path,
    ref: str,
    answers: dict[str, Any],
    copier: Sequence[str] = COPIER,
) -> None:
    """Make a service of one version, as a user does it."""
    given = [part for name, value in answers.items() for part in ("--data", f"{name}={value}")]
    command = (*copier, "copy", "--defaults", "--quiet", f"--vcs-ref={ref}", *given)
    subprocess.run([*command, str(repository), str(folder)], check=True)


def update(folder: Path, answers: dict[str, Any], copier: Sequence[str] = COPIER) -> None:
    """Update a service to the newest version, as a user or the weekly workflow does it."""
    given = [part for name, value in answers.items() for part in ("--data", f"{name}={value}")]
    command = (*copier, "update", "--defaults", "--quiet", "--skip-answered", *given)
    subprocess.run(command, cwd=folder, check=True)


def faults(folder: Path) -> list[str]:
    """Give what an update has left unmerged, however it says so; Copier's exit status does not."""
    unmerged = git(folder, "ls-files", "--unmerged").splitlines()
    marked = [
        f"{name}: {line}"
        for name, text in owned(folder).items()
        for line in re.findall(r"^(?:<{7}|={7}|>{7})(?: .*)?$", text, re.MULTILINE)
    ]
    rejected = [name for name in owned(folder) if name.endswith((".rej", ".orig"))]
    return [*unmerged, *marked, *rejected]


def owned(folder: Path) -> dict[str, str]:
    """Give the files that git sees, new ones too, by path."""
    listed = git(folder, "ls-files", "-z", "-co", "--exclude-standard")
    names = (name for name in set(listed.split("\0")) if name and (folder / name).is_file())
    return {name: (folder / name).read_text(encoding="utf-8") for name in sorted(names)}


def fresh_with_edits(
    template: Path | str, folder: Path, answers: dict[str, Any], like: Path
) -> dict[str, str]:
    """Give what an update must come to: a fresh copy of the newest version with the same edits.

    Args:
        template: the repository.
        folder: an empty folder.
        answers: those of the service.
        like: the updated service, whose own history of migrations stays.
    """
    generate(template, folder, **answers)
    if (like / MADE).exists():
        add_resource(folder)
    shutil.rmtree(folder / VERSIONS)
    shutil.copytree(
        like / VERSIONS, folder / VERSIONS, ignore=shutil.ignore_patterns("__pycache__")
    )
    edit(folder)
    return texts(folder)


def answers_of(folder: Path) -> dict[str, Any]:
    """Give the answers that a service remembers."""
    read: dict[str, Any] = yaml.safe_load((folder / ".copier-answers.yml").read_text("utf-8"))
    return {name: value for name, value in read.items() if not name.startswith("_")}
