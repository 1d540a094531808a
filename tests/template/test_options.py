"""What each option brings, and that nothing of it is there where it was not chosen."""

import re
import tomllib
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from tests.template.harness import ROOT, generate, texts

from bedplate.cli.server import GRACE
from bedplate.cli.serving import DRAIN
from bedplate.jobs import Worker

ON: dict[str, Any] = {"redis": True, "jobs": True, "kubernetes": True}
UNIT_OF_WORK = "src/app/repositories/unit_of_work.py"


def manifests(folder: Path) -> dict[str, Any]:
    """Give every manifest of a service, by its kind, and the worker's as ``Worker``."""
    paths = list((folder / "kubernetes").rglob("*.yaml"))
    found = [(path.stem, yaml.safe_load(path.read_text())) for path in paths]
    return {"Worker" if name == "worker" else one["kind"]: one for name, one in found}


def container(manifest: dict[str, Any]) -> dict[str, Any]:
    [only] = manifest["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


@pytest.fixture(scope="module")
def full(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service with every option."""
    return generate(template, tmp_path_factory.mktemp("full") / "my-service", ci="gitlab", **ON)


@pytest.fixture(scope="module")
def bare(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service with none."""
    return generate(template, tmp_path_factory.mktemp("bare") / "my-service", ci="none")


@pytest.fixture(scope="module")
def kinds(full: Path) -> dict[str, Any]:
    return manifests(full)


def test_redis_comes_with_its_extra_and_its_server(full: Path) -> None:
    project = tomllib.loads((full / "pyproject.toml").read_text())["project"]
    assert "throttle" in Requirement(project["dependencies"][0]).extras
    compose = yaml.safe_load((full / "docker-compose.yml").read_text())["services"]
    host = re.match(r"redis://(\w+):", compose["app"]["environment"]["REDIS_URL"])
    assert host is not None
    assert host[1] in compose
    assert host[1] in compose["app"]["depends_on"]


def test_jobs_come_with_a_worker_wherever_the_service_runs(
    full: Path, bare: Path, kinds: dict[str, Any]
) -> None:
    project = tomllib.loads((full / "pyproject.toml").read_text())
    assert "jobs" in Requirement(project["project"]["dependencies"][0]).extras
    module, _, function = project["tool"]["bedplate"]["worker"].partition(":")
    code = (full / "src" / module.replace(".", "/")).with_suffix(".py").read_text()
    assert f"def {function}(" in code
    compose = yaml.safe_load((full / "docker-compose.yml").read_text())["services"]["worker"]
    assert compose["command"] == container(kinds["Worker"])["command"] == ["bedplate", "worker"]
    assert set(compose["environment"]) >= {"DATABASE_URL", "WORKER_PORT", "REDIS_URL"}
    [port] = container(kinds["Worker"])["ports"]
    assert str(port["containerPort"]) in compose["healthcheck"]["test"][-1]
    environment = {one["name"]: one["value"] for one in container(kinds["Worker"])["env"]}
    assert environment == {"WORKER_HOST": "0.0.0.0", "WORKER_PORT": str(port["containerPort"])}
    rules = kinds["NetworkPolicy"]["spec"]["ingress"]
    assert port["name"] in {one["port"] for rule in rules for one in rule["ports"]}
    with_jobs = (full / UNIT_OF_WORK).read_text().splitlines()
    without = (bare / UNIT_OF_WORK).read_text().splitlines()
    assert [line for line in with_jobs if line not in without] == [
        "from bedplate.auth.mail_queue import MailQueue",
        "from bedplate.jobs import JobQueue",
        "    jobs = repository(JobQueue)",
        "    mails = repository(MailQueue)",
    ]
    assert set(without) <= set(with_jobs)


def test_the_manifests_are_one_application(kinds: dict[str, Any]) -> None:
    template = kinds["Deployment"]["spec"]["template"]
    labels = template["metadata"]["labels"]
    selecting = [
        kinds["Deployment"]["spec"]["selector"]["matchLabels"],
        kinds["Service"]["spec"]["selector"],
        kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= labels.items() for selector in selecting)
    worker = kinds["Worker"]["spec"]["template"]["metadata"]["labels"]
    assert kinds["Worker"]["spec"]["selector"]["matchLabels"] == worker
    assert not kinds["Service"]["spec"]["selector"].items() <= worker.items()
    job = kinds["Job"]["spec"]["template"]["metadata"]["labels"]
    assert kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"].items() <= job.items()
    assert not kinds["Service"]["spec"]["selector"].items() <= job.items()
    ports = {
        port["name"]: port["containerPort"] for port in container(kinds["Deployment"])["ports"]
    }
    assert ports[kinds["Service"]["spec"]["ports"][0]["targetPort"]] == 8000
    assert kinds["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "my-service"
    [image] = kinds["Component"]["images"]
    assert image["name"] == container(kinds["Deployment"])["image"]
    assert image["name"] == container(kinds["Job"])["image"]


def test_every_manifest_is_in_a_kustomization(full: Path) -> None:
    listed = set()
    for path in (full / "kubernetes").rglob("kustomization.yaml"):
        kustomization = yaml.safe_load(path.read_text())
        listed.add(path)
        listed |= {path.parent / name for name in kustomization.get("resources", [])}
        for component in kustomization.get("components", []):
            assert (path.parent / component / "kustomization.yaml").is_file()
    assert listed == set((full / "kubernetes").rglob("*.yaml"))


@pytest.mark.unhappy
@pytest.mark.parametrize("kind", ["Deployment", "Job", "Worker"])
def test_no_container_may_more_than_it_needs(kinds: dict[str, Any], kind: str) -> None:
    pod = kinds[kind]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    security = container(kinds[kind])["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container(kinds[kind])["resources"]["limits"]


@pytest.mark.unhappy
def test_nobody_is_killed_who_still_answers(kinds: dict[str, Any]) -> None:
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    [_, seconds] = container(kinds["Deployment"])["lifecycle"]["preStop"]["exec"]["command"]
    assert pod["terminationGracePeriodSeconds"] > float(seconds) + DRAIN + GRACE
    update = kinds["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    assert update == {"maxSurge": 1, "maxUnavailable": 0}
    assert "replicas" not in kinds["Deployment"]["spec"]  # an apply would undo the autoscaler
    worker = kinds["Worker"]["spec"]
    assert worker["replicas"] > 1
    assert worker["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    grace = signature(Worker).parameters["grace"].default
    assert worker["template"]["spec"]["terminationGracePeriodSeconds"] > grace + 5


@pytest.mark.unhappy
def test_the_scraper_finds_the_metrics_and_nobody_else_does(
    full: Path, kinds: dict[str, Any]
) -> None:
    ports = {
        port["name"]: port["containerPort"] for port in container(kinds["Deployment"])["ports"]
    }
    told = kinds["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert told == {"prometheus.io/scrape": "true", "prometheus.io/port": str(ports["metrics"])}
    whole = yaml.safe_load((full / "kubernetes/kustomization.yaml").read_text())
    variables = dict(line.split("=") for line in whole["configMapGenerator"][0]["literals"])
    assert variables["METRICS_PORT"] == told["prometheus.io/port"]
    assert [port["targetPort"] for port in kinds["Service"]["spec"]["ports"]] == ["http"]
    [let_in] = [
        rule["from"]
        for rule in kinds["NetworkPolicy"]["spec"]["ingress"]
        if {"port": "metrics"} in rule["ports"]
    ]
    assert all("matchLabels" in peer["namespaceSelector"] for peer in let_in)


@pytest.mark.unhappy
def test_a_database_that_is_away_does_not_restart_the_service(kinds: dict[str, Any]) -> None:
    for app in (container(kinds["Deployment"]), container(kinds["Worker"])):
        asked = {name: app[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness")}
        assert asked == {"startup": "/health/startup", "liveness": "/health/live"}
        assert app["readinessProbe"]["httpGet"]["path"] == "/health/ready"


@pytest.mark.unhappy
def test_no_manifest_holds_a_secret(full: Path, kinds: dict[str, Any]) -> None:
    assert "Secret" not in kinds
    for name, text in texts(full).items():
        if name.startswith("kubernetes/"):
            assert not re.search(r"^[^#\n]*(SECRET_KEY|DATABASE_URL|REDIS_URL)", text, re.MULTILINE)


@pytest.mark.unhappy
def test_what_was_not_chosen_leaves_no_trace(bare: Path) -> None:
    found = texts(bare)
    assert not [name for name in found if name.startswith((".git/", ".github", ".gitlab", "kub"))]
    assert not [name for name in found if "jobs" in name or "worker" in name]
    for word, speaking in (
        ("bedplate worker", set()),
        ("pgqueuer", set()),
        ("redis", {".env.example"}),
        ("kubernetes", set()),
        ("kubectl", set()),
    ):
        naming = {name for name, text in found.items() if word in text.lower()}
        allowed = {"Dockerfile", ".copier-answers.yml", "tests/conftest.py", *speaking}
        assert naming <= allowed, word


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("2024", "app-2024"),
        ("3d viewer", "app-3d-viewer"),
        ("x" * 64, "x" * 50),
        ("a" * 49 + "-b", "a" * 49),
    ],
)
def test_a_name_that_kubernetes_refuses_becomes_one_that_it_takes(
    template: Path, tmp_path: Path, name: str, label: str
) -> None:
    folder = generate(template, tmp_path / "service", project_name=name, **ON)
    kinds = manifests(folder)
    assert kinds["Service"]["metadata"]["name"] == label
    for manifest in kinds.values():
        if "metadata" in manifest:
            assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", manifest["metadata"]["name"])


@pytest.mark.unhappy
def test_the_two_kinds_of_ci_run_the_same_checks() -> None:
    github = yaml.safe_load((ROOT / "template/.github/workflows/ci.yml").read_text())
    gitlab = yaml.safe_load((ROOT / "template/.gitlab-ci.yml").read_text())
    steps = [step["run"] for step in github["jobs"]["checks"]["steps"] if "run" in step]
    assert steps == gitlab["checks"]["script"]
    assert len(steps) == len(set(steps)) >= 5
    images = {github["jobs"]["checks"]["services"]["postgres"]["image"]}
    assert images == {service["name"] for service in gitlab["checks"]["services"]}
