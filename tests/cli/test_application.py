import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never

import pytest

from bedplate.asgi.types import Message, Receive, Scope, Send
from bedplate.cli.application import Application, StartupFailedError, WatchedApp
from bedplate.cli.errors import CommandError, ProjectError
from bedplate.cli.project import Project
from bedplate.errors import ConfigurationError, DatabaseUnavailableError

CODE = """
from bedplate.errors import ConfigurationError

async def plain(scope, receive, send): ...
class Callable:
    async def __call__(self, scope, receive, send): ...
app = Callable()
def factory(settings=None, *, database=None): return plain
def broken(): raise LookupError("no such thing")
def unset(): raise ConfigurationError("SECRET_KEY is missing.")
def needs_more(settings): return plain
"""


@pytest.fixture
def make(tmp_path: Path, write: Callable[[str, str], Path]) -> Callable[[str], Any]:
    write("src/app/__init__.py", "")
    write("src/app/main.py", CODE)
    return lambda name: Application(Project(root=tmp_path, app=f"app.main:{name}"))()


async def lifespan_of(app: Any) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "lifespan"}, receive, send)
    return sent


@pytest.mark.parametrize("name", ["plain", "app"])
def test_an_application_is_taken_as_it_is(make: Callable[[str], Any], name: str) -> None:
    import importlib

    made = make(name)
    assert made.app is getattr(importlib.import_module("app.main"), name)


def test_a_factory_is_called_without_arguments(make: Callable[[str], Any]) -> None:
    assert make("factory").app.__name__ == "plain"


@pytest.mark.unhappy
def test_a_factory_that_fails_is_one_line(make: Callable[[str], Any]) -> None:
    with pytest.raises(CommandError, match=r"app\.main:broken fails: LookupError: no such thing"):
        make("broken")


@pytest.mark.unhappy
def test_a_function_that_is_neither_is_refused(make: Callable[[str], Any]) -> None:
    with pytest.raises(ProjectError, match="needs_more takes 'settings', so that it is neither"):
        make("needs_more")


@pytest.mark.unhappy
def test_an_error_of_ours_stays_what_it_is(make: Callable[[str], Any]) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY is missing"):
        make("unset")


@pytest.mark.unhappy
async def test_a_failed_start_keeps_the_error_and_sends_no_traceback() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> Never:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "Traceback ..."})
        raise DatabaseUnavailableError

    watched = WatchedApp(app)
    assert await lifespan_of(watched) == [{"type": "lifespan.startup.failed", "message": ""}]
    assert isinstance(watched.describe_failure(), DatabaseUnavailableError)


@pytest.mark.unhappy
async def test_a_failed_start_without_an_error_points_to_the_log() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.failed"})

    watched = WatchedApp(app)
    await lifespan_of(watched)
    assert isinstance(watched.describe_failure(), StartupFailedError)
    assert "its log says why" in str(watched.describe_failure())


@pytest.mark.unhappy
async def test_an_application_without_a_lifespan_may_still_say_so() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"

    with pytest.raises(AssertionError):
        await lifespan_of(WatchedApp(app))


@pytest.mark.unhappy
def test_an_application_without_health_is_left_in_peace() -> None:
    WatchedApp(functools.partial(print)).begin_shutdown()  # type: ignore[arg-type]
