"""Calls to other services: bounded in time, carrying the request's id, repeated only where safe."""

import asyncio
import random
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from bedplate._extras import missing_extra
from bedplate.clock import utc_now
from bedplate.context import current_context

try:
    import httpx
except ImportError as error:
    raise missing_extra("http", "httpx") from error

__all__ = ["HTTPClient"]

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""Methods that have the same effect however often they arrive (RFC 9110, section 9.2.2)."""

_CONNECT = 2.0
_TRANSIENT = frozenset({502, 503, 504})
_ASKS_TO_WAIT = frozenset({429, 503})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
_CUT_OFF = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)


class HTTPClient(httpx.AsyncClient):
    """httpx's client for calls to other services; keep one for the life of the process.

    Each request carries ``X-Request-ID`` and, where the caller sent one, ``traceparent`` (W3C Trace
    Context) of the request that is being handled; headers that are set already stay. A request
    is sent again, after a pause with jitter, when it had no effect yet (no connection was made) or
    may have it twice (RFC 9110, section 9.2.2, or an ``Idempotency-Key``): after a connection
    that broke, and after 502, 503 and 504. ``Retry-After`` is honoured up to 2 seconds; what asks
    for more is the caller's to see. A body that is a stream is sent once only, and a read that
    timed out is not repeated: a slow server is not helped by more work.

    Args:
        timeout: seconds to wait for a connection of the pool, for each write and for each read;
            connecting may take 2 at most.
        retries: how often a request is sent again at most; 0 for never.
        options: whatever ``httpx.AsyncClient`` takes besides, such as ``base_url``.

    Raises:
        ValueError: ``timeout`` is not positive, or ``retries`` is negative.
    """

    def __init__(
        self,
        *,
        timeout: float = 10.0,
        retries: int = 2,
        **options: Any,  # noqa: ANN401 - httpx declares them
    ) -> None:
        if timeout <= 0 or retries < 0:
            raise ValueError("timeout must be positive, and retries must not be negative")
        super().__init__(timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT)), **options)
        self._retries = retries

    async def send(
        self,
        request: httpx.Request,
        **options: Any,  # noqa: ANN401 - httpx declares them
    ) -> httpx.Response:
        """Send a request, and again as long as that is safe and of use.

        Args:
            request: what to send.
            options: whatever ``httpx.AsyncClient.send`` takes besides.

        Raises:
            httpx.HTTPError: no answer came.
        """
        _carry_context(request.headers)
        whole = isinstance(request.stream, httpx.ByteStream)
        for attempt in range(self._retries if whole else 0):
            pause: float | None = _jitter(attempt)
            try:
                response = await super().send(request, **options)
            except _NOTHING_SENT:
                pass
            except _CUT_OFF:
                if not _repeatable(request):
                    raise
            else:
                pause = _pause_after(response, request, attempt)
                if pause is None:
                    return response
                await response.aclose()
            await _sleep(pause or 0.0)
        return await super().send(request, **options)


def _carry_context(headers: httpx.Headers) -> None:
    context = current_context()
    if context is not None:
        headers.setdefault("X-Request-ID", context.request_id)
        if context.traceparent is not None:
            headers.setdefault("traceparent", context.traceparent)


def _repeatable(request: httpx.Request) -> bool:
    return request.method in IDEMPOTENT or "idempotency-key" in request.headers


def _pause_after(response: httpx.Response, request: httpx.Request, attempt: int) -> float | None:
    """Give the seconds to wait before another attempt, or None to keep this answer."""
    if not _repeatable(request):
        return None
    if (
        response.status_code in _ASKS_TO_WAIT
        and (asked := _asked_for(response.headers)) is not None
    ):
        return asked if asked <= _LONGEST_PAUSE else None
    return _jitter(attempt) if response.status_code in _TRANSIENT else None


def _asked_for(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds or a date (RFC 9110, section 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - utc_now()).total_seconds())


def _jitter(attempt: int) -> float:
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**attempt)
    return random.uniform(0, longest)  # noqa: S311 - nothing secret


_sleep = asyncio.sleep
