"""`bedplate routes`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bedplate.cli.errors import ExitCode

type Write = Callable[[str, str], Path]
APP = """
from fastapi import FastAPI

def create_app():
    app = FastAPI(openapi_url=None)

    @app.get("/orders/{order_id}")
    async def read_order(order_id: int) -> None: ...

    @app.post("/orders")
    async def add_order() -> None: ...

    return app
"""


@pytest.fixture
def project(write: Write, tmp_path: Path) -> Path:
    write("pyproject.toml", '[tool.bedplate]\napp = "app:create_app"\n')
    write("app.py", APP)
    return tmp_path


def test_methods_path_and_function_stand_in_columns(
    project: Path, bedplate: Callable[..., Any]
) -> None:
    outcome = bedplate("routes")
    assert (outcome.exit_code, outcome.err) == (ExitCode.DONE, "")
    assert outcome.out.splitlines() == [
        "POST  /orders             add_order",
        "GET   /orders/{order_id}  read_order",
    ]
    assert bedplate("routes", "/orders/").out.splitlines() == [
        "GET  /orders/{order_id}  read_order"
    ]


@pytest.mark.unhappy
def test_a_path_that_is_not_there_fails(project: Path, bedplate: Callable[..., Any]) -> None:
    outcome = bedplate("routes", "/nothing")
    assert (outcome.exit_code, outcome.sentence) == (
        ExitCode.FAILURE,
        "Error: No route begins with /nothing.",
    )


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("app", "sentence"),
    [
        ("async def create_app(scope, receive, send): ...", "is no FastAPI, Litestar or Starlette"),
        ("def create_app():\n    raise RuntimeError('boom')", "app:create_app fails: RuntimeError"),
        ("import nowhere", "app cannot be imported: ModuleNotFoundError"),
        (
            "from fastapi import FastAPI\ncreate_app = FastAPI(openapi_url=None)",
            "There are no routes",
        ),
    ],
)
def test_an_application_that_cannot_be_listed_is_one_sentence(
    project: Path, write: Write, bedplate: Callable[..., Any], app: str, sentence: str
) -> None:
    write("app.py", app)
    outcome = bedplate("routes")
    assert outcome.exit_code == ExitCode.FAILURE
    assert sentence in outcome.sentence


@pytest.mark.unhappy
def test_without_an_application_it_is_the_projects_fault(
    write: Write, bedplate: Callable[..., Any]
) -> None:
    write("pyproject.toml", "[tool.bedplate]\n")
    outcome = bedplate("routes")
    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert 'app = "module:attribute"' in outcome.sentence
