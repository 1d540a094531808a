"""What a generated service is deployed and checked by, read by the linters of each.

hadolint, the JSON schemas of compose, GitHub and GitLab, actionlint, shellcheck, zizmor, the schemas of Kubernetes, and kubectl's
kustomize where it is given. Each of them first has to find a fault that was put there.

Run by the nox session `template_lint`:  python tests/template/lint_deployment.py [path of kubectl]
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import copier

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.template import workflows
from tests.template.harness import snapshot

BIN = Path(sys.executable).parent
PINNED_BY_TAG = "rules: {unpinned-uses: {config: {policies: {'*': ref-pin}}}}"
NAMES_ITS_REGISTRY = """
import re, sys
images = re.findall("image: (.*)", open(sys.argv[1]).read())
bare = [image for image in images if "/" not in image]
sys.exit(f"of {images} these name no registry: {bare}" if bare or not images else 0)
"""
SOURCES = {
    "index": "",
    "git": "git+https://git.example.com/bedplate",
    "folder": "/a folder/bedplate",
    "wheel": "/x/bedplate-1.0-py3-none-any.whl",
}


@dataclass(frozen=True, slots=True)
class Linter:
    """A program that reads a service's files.

    Args:
        name: what it is called.
        file: what it reads; a service without it has nothing to lint.
        fault: what to replace there and by what, which the linter must find.
        commands: what to run in the folder of a service.
    """

    name: str
    file: str
    fault: tuple[str, str]
    commands: Callable[[Path], Iterator[list[str]]]

    def complaints(self, folder: Path) -> str:
        """Run it, and give what it says against a service; nothing if it is content."""
        for command in self.commands(folder):
            program = [str(BIN / command[0]), *command[1:]]
            done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                return f"{done.stdout}{done.stderr}" or f"it ended with {done.returncode}"
        return ""

    def misses_fault(self, folder: Path, copy: Path) -> bool:
        """Tell whether it finds nothing against a service with its fault."""
        shutil.copytree(folder, copy)
        path = copy / self.file
        good = path.read_text(encoding="utf-8")
        bad = good.replace(*self.fault, 1)
        if bad == good:
            sys.exit(f"the fault for {self.name} cannot be put into {self.file}")
        path.write_text(bad, encoding="utf-8")
        return not self.complaints(copy)


def schema(name: str, *options: str) -> Callable[[Path], Iterator[list[str]]]:
    """Check a file by the schema that check-jsonschema carries."""

    def commands(folder: Path) -> Iterator[list[str]]:
        found = sorted(folder.glob(options[0]))
        command = ["check-jsonschema", "--quiet", f"--builtin-schema=vendor.{name}", *options[1:]]
        yield [*command, *map(str, found)]

    return commands


def hadolint(folder: Path) -> Iterator[list[str]]:
    yield ["hadolint", "--failure-threshold=style", "Dockerfile"]


def actionlint(folder: Path) -> Iterator[list[str]]:
    found = sorted((folder / ".github/workflows").glob("*.yml"))
    yield ["actionlint", "-shellcheck", str(BIN / "shellcheck"), *map(str, found)]


def zizmor(folder: Path) -> Iterator[list[str]]:
    config = folder.with_name(f"{folder.name}-zizmor.yml")
    config.write_text(PINNED_BY_TAG, encoding="utf-8")
    yield ["zizmor", "--offline", "--quiet", f"--config={config}", ".github"]


def shellcheck(folder: Path) -> Iterator[list[str]]:
    """Check what GitLab's shell runs; actionlint does it for GitHub's."""
    for job in ("checks", "template-update"):
        [step] = workflows.gitlab(folder / ".gitlab-ci.yml", job).steps
        script = folder.with_name(f"{folder.name}-{job}.sh")
        script.write_text(step.script, encoding="utf-8")
        yield ["shellcheck", "--shell=bash", str(script)]


def kubernetes(folder: Path) -> Iterator[list[str]]:
    found = sorted((folder / "kubernetes").rglob("*.yaml"))
    manifests = [str(path) for path in found if path.name != "kustomization.yaml"]
    yield ["kubernetes-validate", "--strict", "--quiet", *manifests]


def kustomize(kubectl: str) -> Callable[[Path], Iterator[list[str]]]:
    """Let kubectl put the manifests together, and check what comes out."""

    def commands(folder: Path) -> Iterator[list[str]]:
        for part in ("kubernetes", "kubernetes/migration"):
            rendered = folder.with_name(f"{folder.name}-rendered.yaml")
            yield [kubectl, "kustomize", part, f"--output={rendered}"]
            yield ["kubernetes-validate", "--strict", "--quiet", str(rendered)]
            yield ["python", "-c", NAMES_ITS_REGISTRY, str(rendered)]

    return commands


GITHUB = ".github/workflows/ci.yml"
MANIFEST = "kubernetes/deployment.yaml"
LINTERS = [
    Linter("hadolint", "Dockerfile", ("WORKDIR /srv", "WORKDIR srv"), hadolint),
    Linter(
        "schema of compose",
        "docker-compose.yml",
        ("image: postgres", "imagine: postgres"),
        schema("compose-spec", "docker-compose.yml"),
    ),
    Linter(
        "schema of GitHub",
        GITHUB,
        ("runs-on:", "runs-in:"),
        schema("github-workflows", ".github/workflows/*.yml"),
    ),
    Linter("actionlint", GITHUB, ("- run: uv sync", "- run: test -z $(ls) &&"), actionlint),
    Linter("zizmor", GITHUB, ("actions/checkout@v6", "actions/checkout"), zizmor),
    Linter(
        "schema of GitLab",
        ".gitlab-ci.yml",
        ("interruptible: true", "interruptible: sometimes"),
        schema("gitlab-ci", ".gitlab-ci.yml", "--data-transform=gitlab-ci"),
    ),
    Linter("shellcheck", ".gitlab-ci.yml", ('"$unmerged$marked"', "$unmerged$marked"), shellcheck),
    Linter("schemas of Kubernetes", MANIFEST, ("containerPort: 8000", "port: 8000"), kubernetes),
]


def main(kubectl: str | None = None) -> None:
    if kubectl is not None:
        fault = ("image: shop", "image: elsewhere")
        LINTERS.append(Linter("kubectl kustomize", MANIFEST, fault, kustomize(kubectl)))
    checked = 0
    with tempfile.TemporaryDirectory(prefix="bedplate-") as name:
        home = Path(name).resolve()
        template = snapshot(home / "template")
        untried = {linter.name for linter in LINTERS}
        for number, (origin, source) in enumerate([*SOURCES.items(), *SOURCES.items()]):
            options = number < len(SOURCES)
            ci = ("github", "gitlab")[number % 2]
            folder = home / f"{origin}{number}"
            answers = {"project_name": "Shop", "bedplate_source": source, "ci": ci}
            answers |= {"redis": options, "jobs": options, "kubernetes": options}  # type: ignore[dict-item]
            copier.run_copy(str(template), folder, data=answers, defaults=True, quiet=True)
            for linter in (one for one in LINTERS if (folder / one.file).exists()):
                copy = home / f"{linter.name.replace(' ', '-')}-fault"
                if linter.name in untried and linter.misses_fault(folder, copy):
                    sys.exit(f"{linter.name} finds no fault where there is one")
                untried.discard(linter.name)
                if said := linter.complaints(folder):
                    sys.exit(f"{linter.name} on a service from {origin}, {answers}:\n{said}")
                checked += 1
                print(f"{linter.name}: bedplate from {origin}, CI on {ci}", flush=True)
        if untried:
            sys.exit(f"nothing was linted by {untried}")
    print(f"{checked} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
