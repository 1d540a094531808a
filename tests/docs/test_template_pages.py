"""The commands on the pages about the template are ones that exist and that other sessions run."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from bedplate.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / f"docs/how-to/{name}.md" for name in ("template-options", "deploy", "upgrade")]
QUESTIONS: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
README = (ROOT / "template/README.md.jinja").read_text(encoding="utf-8")
SESSIONS = (ROOT / "noxfile.py").read_text(encoding="utf-8")


def commands(page: Path) -> list[str]:
    """Give every line of a page's shell blocks, each part of a chain by itself."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).splitlines()
    return [part.strip() for line in lines for part in line.split("&&") if part.strip()]


SHOWN = [command for page in PAGES for command in commands(page)]


def bare(text: str) -> str:
    """Leave away what a README asks of the service's name and of its options."""
    text = re.sub(r"{%.*?%}.*?{% endif %}", "", text, flags=re.DOTALL)
    return re.sub(r"{{ (project_slug|kubernetes_name) }}", "my-service", text)


def test_each_page_shows_commands() -> None:
    assert all(len(commands(page)) >= 3 for page in PAGES)


@pytest.mark.unhappy
def test_no_answer_is_shown_that_the_template_does_not_take() -> None:
    given = [pair for command in SHOWN for pair in re.findall(r"--data (\w+)=(\w+)", command)]
    assert len(given) >= 4
    for name, answer in given:
        choices = QUESTIONS[name].get("choices", {"yes": "true", "no": "false"})
        assert answer in choices.values(), name
    page = PAGES[0].read_text(encoding="utf-8")
    for name, question in QUESTIONS.items():
        if "choices" in question or (isinstance(question, dict) and question.get("type") == "bool"):
            assert f"| `{name}` |" in page


@pytest.mark.unhappy
def test_no_call_of_bedplate_is_one_that_it_refuses() -> None:
    calls = [
        command.removeprefix("uv run bedplate ") for command in SHOWN if "run bedplate" in command
    ]
    assert len(calls) >= 2
    for call in calls:
        command: Any = typer.main.get_command(app)
        arguments = shlex.split(call)
        while hasattr(command, "commands"):
            command = command.commands[arguments.pop(0)]
        command.make_context(call, arguments)


@pytest.mark.unhappy
def test_what_deploys_is_what_the_readme_of_a_service_says() -> None:
    deploying = [command for command in SHOWN if command.startswith(("docker ", "kubectl "))]
    assert len(deploying) >= 8
    said = re.sub(r"{% if \w+ %}|{%-? (if|endif)[^%]*%}", "", README)
    for command in deploying:
        first = command.split(" .")[0]
        assert first in bare(README) or first in bare(said), command


@pytest.mark.unhappy
def test_no_session_is_named_that_is_not_there() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"`nox -s (\w+)`|nox session `(\w+)`", text))
    names = {one or other for one, other in named}
    assert {"template_lint", "template_run", "update", "matrix"} <= names
    assert [name for name in names if f"def {name}(" not in SESSIONS] == []
