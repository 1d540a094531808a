"""Rounds in which all ways of one operation take turns, and the medians and ratios that come of it.

A ratio is the median of the ratios of single rounds: what slows the machine for a while slows both
sides of such a pair.
"""

import gc
import random
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from _clock import Clock

type Call = Callable[[Any], Awaitable[object]]
"""One operation, for one input."""

type Opened = AbstractAsyncContextManager[tuple[Call, Clock]]
"""The operation within a transaction of its own, which is rolled back at the end; and its clock."""

type Prepare = Callable[[Any], Awaitable[Any]]
"""Makes an input ready for one way, outside the time that is measured."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do an operation."""

    name: str
    open: Callable[[], Opened]
    prepare: Prepare | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds that one operation took in each round, by way."""

    seconds: Mapping[str, Sequence[float]]

    def median(self, way: str) -> float:
        """Give the median of a way."""
        return statistics.median(self.seconds[way])

    def ratio(self, way: str, other: str) -> float:
        """Give how many times as long as the other one way takes."""
        return statistics.median(self._ratios(way, other))

    def spread(self, way: str, other: str) -> tuple[float, float]:
        """Give the quartiles of that ratio."""
        low, _, high = statistics.quantiles(self._ratios(way, other), n=4)
        return low, high

    def _ratios(self, way: str, other: str) -> list[float]:
        pairs = zip(self.seconds[way], self.seconds[other], strict=True)
        return [one / another for one, another in pairs]


async def measure(
    ways: Sequence[Way],
    inputs: Callable[[int], Sequence[Any]],
    *,
    rounds: int,
    slice_seconds: float,
    most_calls: int,
) -> Measured:
    """Let all ways take turns.

    Args:
        ways: what is compared.
        inputs: gives so many inputs, other ones each time; all ways of a round get the same.
        rounds: how often each has its turn.
        slice_seconds: about how long a turn is.
        most_calls: most operations in a turn.
    """
    calls = {}
    for way in ways:  # a first time for what is prepared and compiled once, a second to count
        await _turn(way, inputs(min(8, most_calls)))
        second = await _turn(way, inputs(min(8, most_calls)))
        calls[way.name] = max(1, min(most_calls, round(slice_seconds / second)))
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    gc.collect()
    gc.freeze()  # what is loaded by now is not searched again and again
    for _ in range(rounds):
        given = inputs(max(calls.values()))
        for way in random.sample(ways, len(ways)):
            gc.collect()
            seconds[way.name].append(await _turn(way, given[: calls[way.name]]))
    gc.unfreeze()
    return Measured(seconds)


async def _turn(way: Way, inputs: Sequence[Any]) -> float:
    """Give the seconds of one operation."""
    prepared = inputs if way.prepare is None else [await way.prepare(each) for each in inputs]
    async with way.open() as (call, clock):
        begin = clock()
        for each in prepared:
            await call(each)
        return (clock() - begin) / len(prepared)
