"""bedplate.asgi.rate_counters: counting in this process, and while another place is down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedplate.asgi.rate_counters import Count, FallbackRateCounter, MemoryRateCounter
from bedplate.errors import UnavailableError

from .conftest import Records


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Shaky:
    """A counter that may be down."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False
        self.closed = False

    async def count(self, key: str, seconds: int) -> Count:
        self.asked += 1
        if self.down:
            raise UnavailableError
        return self.asked, 1.0

    async def close(self) -> None:
        self.closed = True


async def test_a_window_begins_with_its_first_request() -> None:
    clock = Clock()
    counter = MemoryRateCounter(clock=clock)
    assert await counter.count("a", 10) == (1, 10.0)
    clock.now += 4
    assert await counter.count("a", 10) == (2, 6.0)
    assert await counter.count("b", 10) == (1, 10.0)
    clock.now += 6
    assert await counter.count("a", 10) == (1, 10.0)


async def test_when_the_first_answers_again_it_counts_again(records: Records) -> None:
    clock, first = Clock(), Shaky()
    counter = FallbackRateCounter(first, MemoryRateCounter(clock=clock), pause=5, clock=clock)
    first.down = True
    assert await counter.count("a", 60) == (1, 60.0)
    first.down = False
    clock.now += 5
    assert await counter.count("a", 60) == (2, 1.0)
    events = [record["event"] for record in records.all()]
    assert events == ["rate_counter_unavailable", "rate_counter_available_again"]


@pytest.mark.unhappy
async def test_while_the_first_is_down_few_requests_wait_for_it_and_one_error_is_logged(
    records: Records,
) -> None:
    clock, first = Clock(), Shaky()
    counter = FallbackRateCounter(first, MemoryRateCounter(clock=clock), pause=5, clock=clock)
    first.down = True
    used = []
    for _ in range(100):
        used.append((await counter.count("a", 3600))[0])
        clock.now += 0.1
    assert used == list(range(1, 101))
    assert first.asked == 2
    [record] = records.all()
    assert (record["level"], record["counted_in"]) == ("error", "MemoryRateCounter")


@pytest.mark.unhappy
async def test_closing_closes_both() -> None:
    first, second = Shaky(), Shaky()
    await FallbackRateCounter(first, second).close()
    assert (first.closed, second.closed) == (True, True)


@pytest.mark.unhappy
async def test_windows_that_are_over_do_not_stay_in_memory() -> None:
    clock = Clock()
    counter = MemoryRateCounter(clock=clock)
    for number in range(20_000):
        await counter.count(f"client {number}", 10)
        clock.now += 0.1
    assert len(counter._windows) < 3000


@pytest.mark.unhappy
async def test_clients_without_number_cost_no_memory_without_limit() -> None:
    counter = MemoryRateCounter(most=1000, clock=Clock())
    for number in range(5000):
        await counter.count(f"client {number}", 10)
    assert len(counter._windows) <= 1000
    assert (await counter.count("client 4999", 10))[0] == 2  # the latest is still known


@pytest.mark.unhappy
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 7)), max_size=60))
async def test_it_counts_as_a_simple_model_does(requests: list[tuple[str, int]]) -> None:
    clock = Clock()
    counter = MemoryRateCounter(clock=clock)
    model: dict[str, list[float]] = {}
    for key, pause in requests:
        clock.now += pause
        times = model.setdefault(key, [])
        if times and times[0] + 10 <= clock.now:
            times.clear()
        times.append(clock.now)
        assert await counter.count(key, 10) == (len(times), times[0] + 10 - clock.now)


@pytest.mark.unhappy
async def test_a_counter_that_was_closed_begins_anew() -> None:
    counter = MemoryRateCounter()
    await counter.count("a", 60)
    await counter.close()
    assert (await counter.count("a", 60))[0] == 1
