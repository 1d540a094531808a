"""A start that fails, told by the error it failed with."""

from types import TracebackType

from litestar import Litestar
from litestar.events import SimpleEventEmitter


class _PlainEmitter(SimpleEventEmitter):
    """Litestar's emitter of events, whose tasks do not wrap what goes wrong elsewhere in a group."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        try:
            await super().__aexit__(exc_type, exc_val, exc_tb)
        except BaseExceptionGroup as group:
            if group.exceptions != (exc_val,):
                raise
            # what it holds goes on by itself


def fail_plainly(app: Litestar) -> None:
    """Let an error of the start come out as it is, unless the application has its own emitter."""
    if type(app.event_emitter) is SimpleEventEmitter:
        emitter = _PlainEmitter([])
        emitter.listeners = app.event_emitter.listeners
        app.event_emitter = emitter
