"""How the command fails: one sentence for people, one exit code for scripts."""

from enum import IntEnum
from typing import ClassVar

from bedplate.errors import BedplateError


class ExitCode(IntEnum):
    """What the exit code of the command means."""

    DONE = 0
    FAILURE = 1
    """It could not be done: the database is down, the port is taken, a check failed."""
    USAGE = 2
    """The command line is wrong."""
    CONFIGURATION = 3
    """A setting, pyproject.toml or the installation is wrong, or this is no project's folder."""
    INTERRUPTED = 130
    """Ctrl+C before it was done (128 + SIGINT)."""
    TERMINATED = 143
    """SIGTERM or a closed terminal before it was done (128 + SIGTERM)."""


class CommandError(BedplateError):
    """The command cannot go on; the message says what to do."""

    code = "command"
    exit_code: ClassVar[ExitCode] = ExitCode.FAILURE


class ProjectError(CommandError):
    """The folder or its pyproject.toml is not what the command needs."""

    code = "project"
    exit_code = ExitCode.CONFIGURATION


class Terminated(BaseException):
    """The process was asked to end by SIGTERM or SIGHUP."""
