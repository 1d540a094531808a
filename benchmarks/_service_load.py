"""Sends one request again and again over a number of connections: a process of its own.

    python benchmarks/_service_load.py < ORDER      the order and the answer are JSON

It does next to nothing per answer (it finds the end of the head, the status and the length), so that
it takes a small part of what the servers take; it needs nothing installed, and keeps the time of
every single request.
"""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Self


@dataclass(slots=True)
class Order:
    """What is sent, and for how long."""

    port: int
    request: str
    connections: int
    seconds: float
    until: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @classmethod
    def read(cls, text: str) -> Self:
        return cls(**json.loads(text))


class Client(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is complete."""

    def __init__(self, order: Order, done: asyncio.Future[None]) -> None:
        self._order, self._done = order, done
        self._request = order.request.encode()
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        now = perf_counter()
        self._order.times.append(now - self._began)
        self._order.statuses[int(head[9:12])] += 1
        if now < self._order.until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done.done():
            return
        if perf_counter() < self._order.until:
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))
        else:
            self._done.set_result(None)

    def _send(self) -> None:
        self._answer = b""
        self._began = perf_counter()
        self._transport.write(self._request)


def _length(head: bytes) -> int:
    """Give the length of a body; all of the servers announce it."""
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


async def load(order: Order) -> dict[str, Any]:
    """Carry an order out, and give the time of each request in seconds."""
    loop = asyncio.get_running_loop()
    began = perf_counter()
    order.until = began + order.seconds
    ends = [loop.create_future() for _ in range(order.connections)]
    for end in ends:
        await loop.create_connection(lambda end=end: Client(order, end), "127.0.0.1", order.port)
    await asyncio.gather(*ends)
    return {
        "times": order.times,
        "statuses": order.statuses,
        "seconds": perf_counter() - began,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(Order.read(sys.stdin.read())))))
