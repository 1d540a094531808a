"""The service's application, made in the process that serves it."""

import inspect
from dataclasses import dataclass

from bedplate._extras import MissingExtraError
from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from bedplate.cli.errors import CommandError, ProjectError
from bedplate.cli.loading import failed, told_in_a_line
from bedplate.cli.project import Project
from bedplate.errors import BedplateError
from bedplate.health import Health

_ASGI_ARGUMENTS = 3  # scope, receive, send


class StartupFailedError(CommandError):
    """The application's own start-up (ASGI lifespan) failed."""

    code = "startup_failed"


class WatchedApp:
    """An application as the server sees it: how it failed to start, and how to tell it to leave."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.failure: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; of a failed start-up only the fact."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        failed_to_start = False

        async def send_without_traceback(message: Message) -> None:
            nonlocal failed_to_start
            if message["type"] == "lifespan.startup.failed":
                failed_to_start = True
                message = {"type": "lifespan.startup.failed", "message": ""}
            await send(message)

        try:
            await self.app(scope, receive, send_without_traceback)
        except BaseException as error:
            if not failed_to_start:
                raise
            self.failure = _alone(error)

    def begin_shutdown(self) -> None:
        """Turn readiness to 503, where the application has our health at `app.state.health`."""
        health = getattr(getattr(self.app, "state", None), "health", None)
        if isinstance(health, Health):
            health.begin_shutdown()

    def describe_failure(self) -> Exception:
        """Give the error to report: one of ours as it is, another in one line."""
        if isinstance(self.failure, (BedplateError, MissingExtraError)):
            return self.failure
        if self.failure is None:
            return StartupFailedError("The application did not start; its log says why.")
        described = StartupFailedError(
            failed("The application did not start", self.failure).message
        )
        described.__cause__ = self.failure
        return described


@dataclass(frozen=True, slots=True)
class Application:
    """A recipe for the application that can be sent to another process."""

    project: Project

    def __call__(self) -> WatchedApp:
        """Import and make the application.

        Raises:
            CommandError: it cannot be imported, or its factory fails.
        """
        self.project.enter()
        found = self.project.load_app()
        if not _is_factory(found, self.project.app):
            return WatchedApp(found)
        with told_in_a_line(f"{self.project.app} fails"):
            return WatchedApp(found())


def _alone(error: BaseException) -> BaseException:
    """Take an error out of the groups that task groups put around it, if it is the only one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _is_factory(found: object, place: str | None) -> bool:
    """Tell a plain function without required arguments from an ASGI application.

    Raises:
        ProjectError: it is a function, and neither.
    """
    if not inspect.isfunction(found) or inspect.iscoroutinefunction(found):
        return False
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    required = [
        name
        for name, parameter in inspect.signature(found).parameters.items()
        if parameter.default is inspect.Parameter.empty and parameter.kind not in variable
    ]
    if required and len(required) != _ASGI_ARGUMENTS:
        raise ProjectError(
            f"{place} takes {required[0]!r}, so that it is neither an ASGI application nor a"
            " factory without arguments."
        )
    return not required
