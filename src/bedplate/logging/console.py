"""Records for people: one line each, tracebacks indented below it."""

from collections.abc import Mapping

from bedplate.logging.redaction import Json

_COLOURS = {
    "debug": "\x1b[2m",
    "info": "\x1b[32m",
    "warning": "\x1b[33m",
    "error": "\x1b[31m",
    "critical": "\x1b[1;31m",
}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_OWN_PLACE = {"timestamp", "level", "event", "logger", "exception", "stack"}


def render_console(record: Mapping[str, Json], *, colours: bool) -> str:
    """Write a record as ``time level event key=value ...``.

    Lines of a traceback are indented behind a bar, so that none can pass for a record.
    """
    level = str(record.get("level", ""))
    clock = str(record.get("timestamp", ""))[11:23]
    event = str(record.get("event", ""))
    pairs = [f"{key}={_show(value)}" for key, value in record.items() if key not in _OWN_PLACE]
    if logger := record.get("logger"):
        pairs.append(f"[{logger}]")
    if colours:
        head = f"{_DIM}{clock}{_RESET} {_COLOURS.get(level, '')}{level:<8}{_RESET} {_BOLD}{event}{_RESET}"
        line = f"{head} {_DIM}{' '.join(pairs)}{_RESET}" if pairs else head
    else:
        line = " ".join([clock, f"{level:<8}", event, *pairs])
    blocks = [record[name] for name in ("stack", "exception") if record.get(name)]
    return "\n".join([line, *(f"  | {row}" for block in blocks for row in str(block).split("\n"))])


def _show(value: Json) -> str:
    if isinstance(value, str) and value and not any(mark in value for mark in " =\"'"):
        return value
    return repr(value)
