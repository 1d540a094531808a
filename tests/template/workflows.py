"""The shell of a generated service's CI, in the order in which its server runs it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Step:
    """Lines that one shell runs."""

    script: str
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """What runs one after the other on a machine of its own."""

    steps: list[Step]
    services: list[str]


def github(path: Path, job: str, expressions: Mapping[str, str]) -> Job:
    """Read a job of a GitHub workflow.

    Args:
        path: the workflow.
        job: its name.
        expressions: what ``${{ ... }}`` is worth here, by its text.
    """
    read: Any = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"][job]

    def environment(part: Any) -> dict[str, str]:
        return {
            name: _worth(str(value), expressions) for name, value in part.get("env", {}).items()
        }

    shared = environment(read)
    steps = [
        Step(_worth(step["run"], expressions), shared | environment(step))
        for step in read["steps"]
        if "run" in step
    ]
    return Job(steps, [service["image"] for service in read.get("services", {}).values()])


def gitlab(path: Path, job: str) -> Job:
    """Read a job of a GitLab pipeline: one shell runs all its lines."""
    whole: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    read = whole[job]
    variables = whole["variables"] | read.get("variables", {})
    lines = [*whole["default"]["before_script"], *read["script"]]
    services = [service["name"] for service in read.get("services", [])]
    return Job([Step("\n".join(lines), variables)], services)


def expand(variables: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Put what is known into variables, as the server does before a shell sees them."""
    return {
        name: re.sub(
            r"\$(\w+)", lambda used: known.get(used[1], os.environ.get(used[1], "")), value
        )
        for name, value in variables.items()
    }


def _worth(text: str, expressions: Mapping[str, str]) -> str:
    return re.sub(r"\${{\s*(.*?)\s*}}", lambda found: expressions[found[1]], text)
