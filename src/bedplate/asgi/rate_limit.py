"""How many requests a client may send: counted before any work is done, and told in each answer."""

# else Python evaluates those of an inner function anew for each request
from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass
from time import monotonic

from bedplate._networks import network_of
from bedplate.asgi.answer import answer_problem
from bedplate.asgi.problems import problem_for
from bedplate.asgi.rate_counters import RateCounter
from bedplate.asgi.types import ASGIApp, Message, Receive, Scope, Send
from bedplate.context import bind
from bedplate.errors import ConfigurationError, ThrottledError
from bedplate.logging import get_logger
from bedplate.rate import Rate

EXEMPT = ("/health/", "/metrics")
"""Paths that no limit covers: whoever operates the service asks there."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_SLASHES = re.compile("//+")
_REMIND_AFTER = 300.0
_ROUNDING = 1e-6  # seconds; what a moment and a period add up to is a little more, now and then
_STARTS = {"http.response.start", "websocket.http.response.start"}
_log = get_logger("bedplate.rate_limit")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A rate, and the requests that it holds for; a client is an IPv4 address or an IPv6 /64.

    Args:
        name: what it is called in headers and logs: lower-case letters, digits and hyphens.
        rate: how many requests in how long.
        paths: the beginnings of the paths that it covers.
        methods: the methods that it covers; none for all.

    Raises:
        ConfigurationError: the name is of another form, or a path begins without a slash.
    """

    name: str
    rate: Rate
    paths: Sequence[str] = ("/",)
    methods: Collection[str] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError("A rate limit's name is of the form sign-up.")
        if isinstance(self.paths, str) or not all(path.startswith("/") for path in self.paths):
            raise ConfigurationError("The paths of a rate limit each begin with a slash.")
        object.__setattr__(self, "paths", tuple(self.paths))
        object.__setattr__(self, "methods", frozenset(map(str.upper, self.methods)))

    def covers(self, method: str, path: str) -> bool:
        """Tell whether it holds for a request, or for an operation by its template."""
        return (
            path.startswith(tuple(self.paths))
            and not path.startswith(EXEMPT)
            and (not self.methods or method in self.methods)
        )


class RateLimitMiddleware:
    """Refuses with 429 what is beyond a limit.

    Every answer tells what is left: ``RateLimit`` and ``RateLimit-Policy`` as of the IETF draft
    draft-ietf-httpapi-ratelimit-headers-10; a refusal has ``Retry-After`` besides. A request whose
    client's address is not known, as behind a Unix socket, is not counted: it would be everybody's.
    """

    def __init__(self, app: ASGIApp, limits: Sequence[RateLimit], counter: RateCounter) -> None:
        """Wrap an application.

        Args:
            app: the application.
            limits: each request is counted by those that cover it, up to the first it is beyond.
            counter: where it is counted; it is closed when the application has ended.

        Raises:
            ConfigurationError: two limits have one name.
        """
        if len({limit.name for limit in limits}) < len(limits):
            raise ConfigurationError("Each rate limit has a name of its own.")
        self.app = app
        self.limits = tuple(limits)
        # taken apart once, for speed
        self._held = [
            (each, tuple(each.paths), each.methods, each.rate.amount, each.rate.seconds,
             f"{each.name}:", f'"{each.name}";r=', f'"{each.name}";q={each.rate.amount};w={each.rate.seconds}'.encode())
            for each in limits
        ]  # fmt: skip
        self._counter = counter
        self._reminded = -math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        kind = scope["type"]
        if kind == "lifespan":
            try:
                await self.app(scope, receive, send)
            finally:
                await self.close()
            return
        client = scope.get("client")
        if kind not in {"http", "websocket"} or client is None:
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if "//" in path or scope.get("root_path"):
            path = _own_path(scope)
        if path.startswith(EXEMPT):
            await self.app(scope, receive, send)
            return
        network = network_of(client[0])
        policies = told = b""
        for limit, paths, methods, amount, seconds, key, item, policy in self._held:
            if not path.startswith(paths) or (
                methods and scope.get("method", "GET") not in methods
            ):
                continue
            used, left = await self._counter.count(key + network, seconds)
            wait = math.ceil(left - _ROUNDING)
            this = f"{item}{amount - used if used < amount else 0};t={wait}".encode()
            policies, told = (b"%b, %b" % (policies, policy), b"%b, %b" % (told, this)) if told else (policy, this)  # fmt: skip
            if used > amount:
                send = _telling(policies, told, send)
                await self._refuse(limit, wait, scope, receive, send)
                return
        await self.app(scope, receive, _telling(policies, told, send) if told else send)

    async def close(self) -> None:
        """Let go of what the counter holds open."""
        await self._counter.close()

    async def _refuse(
        self, limit: RateLimit, wait: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        bind(rate_limit=limit.name)  # into the access record
        self._remind_of_proxies(scope)
        error = ThrottledError("Too many requests; try again later.", retry_after=wait)
        await answer_problem(problem_for(error), scope, receive, send)

    def _remind_of_proxies(self, scope: Scope) -> None:
        """Say, now and then, that all clients of a proxy that is not trusted are counted as one."""
        if monotonic() - self._reminded < _REMIND_AFTER or "bedplate.forwarded" in scope:
            return
        if scope["client"][1] == 0:  # the server has read it already: no client has this port
            return
        if any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
            self._reminded = monotonic()
            _log.warning("x_forwarded_for_ignored", remedy="name your proxies in TRUSTED_PROXIES")


def _own_path(scope: Scope) -> str:
    """Give the path as the application's routes have it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root.rstrip("/") + "/"):
        path = path[len(root.rstrip("/")) :]
    return _SLASHES.sub("/", path) if "//" in path else path  # as some routers do


def _telling(policies: bytes, told: bytes, send: Send) -> Send:
    """Wrap ``send`` so that answers tell what is left."""

    # not async: each message would cost one more coroutine
    def send_with_rate_limits(message: Message) -> Awaitable[None]:
        if message["type"] in _STARTS:
            given = message.get("headers", ())
            headers = [*given, (b"ratelimit-policy", policies), (b"ratelimit", told)]
            # of a copy: who sends one message again and again would send ever more of them
            message = {**message, "headers": headers}
        return send(message)

    return send_with_rate_limits
