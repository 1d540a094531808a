"""The request's context: what its logs and outgoing calls carry, and nothing else reads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from uuid import UUID


class RequestContext:
    """One mutable object for a whole request, so that what an endpoint binds reaches the access log.

    A ContextVar alone loses what is set in a child task or a worker thread; those share this
    object instead of copying it.
    """

    principal: UUID | str | None = None
    """Who the caller is, once that is known."""
    client: str | None = None
    """The address that the request is from, where one is known."""
    error_type: str | None = None
    """The error that an answer was made of, if any."""

    # neither slots nor keyword-only: making one is a third cheaper, and each request makes one
    def __init__(self, request_id: str, traceparent: str | None = None) -> None:
        """Begin with nothing bound.

        Args:
            request_id: what names this request in logs, responses and outgoing calls.
            traceparent: the caller's valid W3C traceparent header, or None.
        """
        self.request_id = request_id
        self.traceparent = traceparent
        self.fields: dict[str, object] = {}


_current: ContextVar[RequestContext | None] = ContextVar("bedplate_request_context", default=None)


def current_context() -> RequestContext | None:
    """Give the context of the request being handled, or None outside of any."""
    return _current.get()


def bind(**fields: object) -> None:
    """Add fields to every further log record of this request; outside of a request do nothing."""
    if (context := _current.get()) is not None:
        context.fields.update(fields)


def identify(principal: UUID | str) -> None:
    """Say who the caller is, by an identifier that is no personal data.

    Outside of a request this does nothing.
    """
    if (context := _current.get()) is not None:
        context.principal = principal


enter_context: Callable[[RequestContext], Token[RequestContext | None]] = _current.set
"""Makes a context the current one; gives what ``leave_context`` needs to undo it."""

leave_context: Callable[[Token[RequestContext | None]], None] = _current.reset
"""Undoes ``enter_context``."""


@contextmanager
def request_context(context: RequestContext) -> Iterator[RequestContext]:
    """Make ``context`` the current one inside a ``with`` block, for jobs and tests."""
    token = enter_context(context)
    try:
        yield context
    finally:
        leave_context(token)
