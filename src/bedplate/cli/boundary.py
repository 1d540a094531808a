"""The outermost edge of the command: every failure becomes one sentence and an exit code."""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from bedplate._extras import MissingExtraError, missing_extra
from bedplate.cli.errors import CommandError, ExitCode, Terminated
from bedplate.errors import BedplateError, ConfigurationError, DatabaseUnavailableError

_DEBUG = "--debug"
_NO_DATABASE = (
    "The database that DATABASE_URL names does not answer: start it, or correct host, port and"
    f" password ({_DEBUG} shows what it was)."
)
_ENDING = (signal.SIGTERM, signal.SIGHUP)


def main() -> NoReturn:
    """Run the command line of this process, and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line and give the exit code.

    Args:
        arguments: what follows the name of the command; `--debug` may stand anywhere.
    """
    own, separator, rest = _partition(arguments)
    debug = _DEBUG in own
    words = [word for word in own if word != _DEBUG] + separator + rest
    return guarded(lambda: _invoke(words, debug=debug), debug=debug)


def guarded(action: Callable[[], int], *, debug: bool) -> int:
    """Give the exit code of an action; print its failure as one sentence on standard error.

    Args:
        action: what to do.
        debug: whether to print the traceback before the sentence.
    """
    try:
        with terminable():
            return action()
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Terminated:
        return ExitCode.TERMINATED
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter would complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILURE
    except Exception as error:  # noqa: BLE001 - this is the boundary
        return report(error, debug=debug)


def report(error: Exception, *, debug: bool) -> int:
    """Print a failure on standard error and give its exit code.

    Args:
        error: what happened.
        debug: whether to print the traceback too.
    """
    if debug:
        _complain(redacted("".join(traceback.format_exception(error)), lines=True))
    sentence, exit_code = judge(error)
    _complain(f"Error: {sentence}\n")
    return exit_code


def redacted(text: str, *, lines: bool = False) -> str:
    """Hide what looks like a secret in a text that others wrote.

    Args:
        text: an error's message, a traceback.
        lines: whether line ends stay.
    """
    from bedplate.logging.redaction import redact_text, redact_traceback

    return redact_traceback(text) if lines else redact_text(text)


@contextmanager
def terminable() -> Iterator[None]:
    """Turn SIGTERM and a closed terminal into an exception, so that `with` blocks are left."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *_ENDING)}
    for number in _ENDING:
        if before[number] != signal.SIG_IGN:  # as nohup asks for
            signal.signal(number, _terminate)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _complain(text: str) -> None:
    with contextlib.suppress(OSError):  # whoever read it has gone
        sys.stderr.write(text)
        sys.stderr.flush()


def ignore_signals(*numbers: signal.Signals) -> None:
    """Let nothing disturb the cleaning up that is left; `terminable` undoes it.

    Args:
        numbers: what not to react to.
    """
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def leave_at_once() -> NoReturn:
    """End this process in good order, but for threads that nothing can end: these are not waited for."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(ExitCode.DONE)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    ignore_signals(*_ENDING)  # whoever asks twice must not cut the cleaning up short
    raise Terminated


def _partition(arguments: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Split at `--`, after which no option is ours."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at : at + 1], words[at + 1 :]


def _invoke(words: list[str], *, debug: bool) -> int:
    try:
        import typer
    except ImportError as error:
        raise missing_extra("cli", "typer") from error
    from bedplate.cli.app import app

    try:
        # standalone_mode would print a panel of its own and hide the kind of the failure
        result = app(words, prog_name="bedplate", standalone_mode=False, obj=debug)
    except typer.Abort:
        return ExitCode.INTERRUPTED
    return result if isinstance(result, int) else ExitCode.DONE


def judge(error: Exception) -> tuple[str, int]:
    """Give the sentence for a failure, without secrets, and its exit code.

    Args:
        error: what happened.
    """
    sentence, exit_code = _judge(error)
    return redacted(sentence), exit_code


def _judge(error: Exception) -> tuple[str, int]:
    if isinstance(error, BedplateError):
        return _judge_ours(error)
    if isinstance(error, MissingExtraError):
        return f"{error}.", ExitCode.CONFIGURATION
    if (usage := _usage(error)) is not None:
        return usage, ExitCode.USAGE
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"Unexpected {type(error).__name__} in {os.path.basename(place.filename)}, line"  # noqa: PTH119
        f" {place.lineno}; run it again with {_DEBUG} to see where it comes from."
    ), ExitCode.FAILURE


def _judge_ours(error: BedplateError) -> tuple[str, int]:
    if isinstance(error, CommandError):
        return error.message, error.exit_code
    if isinstance(error, ConfigurationError):
        return error.message, ExitCode.CONFIGURATION
    if error.message == DatabaseUnavailableError.default_message:
        return _NO_DATABASE, ExitCode.FAILURE
    return error.message, ExitCode.FAILURE


def _usage(error: Exception) -> str | None:
    """Say what is wrong with the command line, if that is what the error is about."""
    try:
        from typer import TyperException
    except ImportError:
        return None
    if not isinstance(error, TyperException):
        return None
    message = error.format_message().strip().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "bedplate"
    return f"{message}; see: {command} --help"
