"""UUID version 7 as RFC 9562 has it, increasing within a process."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122

import pytest

from bedplate.models import uuid7
from bedplate.models.uuid7 import _STEP, _Generator


def timestamp(value: int) -> int:
    return value >> 80


def test_has_version_variant_and_the_time_in_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == RFC_4122
    assert before <= timestamp(made.int) <= after + 1


def test_sorts_by_age_within_a_process() -> None:
    made = [uuid7() for _ in range(10_000)]
    assert made == sorted(made)
    assert [str(each) for each in made] == sorted(str(each) for each in made)


@pytest.mark.unhappy
def test_each_thread_gets_its_own() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: uuid7(), range(5_000)))
    assert len(set(made)) == 5_000


@pytest.mark.unhappy
def test_a_clock_that_goes_back_does_not_make_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    generate = _Generator()
    first = generate()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    made = [generate() for _ in range(100)]
    assert [first, *made] == sorted([first, *made])
    assert timestamp(made[-1].int) == timestamp(first.int)


@pytest.mark.unhappy
def test_a_clock_that_stands_still_gives_no_duplicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    generate = _Generator()
    made = [generate() for _ in range(10_000)]
    assert len(set(made)) == 10_000
    assert made == sorted(made)


@pytest.mark.unhappy
def test_an_exhausted_counter_moves_the_time_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    generate = _Generator()
    first = generate()
    generate._next = generate._end - _STEP
    last, second, third = generate(), generate(), generate()
    assert timestamp(last.int) == timestamp(first.int)
    assert timestamp(second.int) == timestamp(first.int) + 1
    assert first < last < second < third
    assert {each.version for each in (last, second)} == {7}
    assert {each.variant for each in (last, second)} == {RFC_4122}


@pytest.mark.unhappy
def test_two_processes_do_not_count_alike() -> None:
    one, other = _Generator(), _Generator()
    made = [generate() for _ in range(2_000) for generate in (one, other)]
    assert len(set(made)) == len(made)


@pytest.mark.unhappy
def test_a_forked_process_draws_anew() -> None:
    """It has its parent's memory, and with it all that was drawn beforehand."""
    uuid7()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"".join(uuid7().bytes for _ in range(100)))
        os._exit(0)
    os.waitpid(child, 0)
    raw = os.read(reader, 1600)
    theirs = {raw[start + 12 : start + 16] for start in range(0, 1600, 16)}
    ours = {uuid7().bytes[12:] for _ in range(100)}
    assert len(theirs & ours) < 3


@pytest.mark.unhappy
def test_the_random_bits_tell_nothing_of_the_next_one() -> None:
    tails = {uuid7().int & 0xFFFF_FFFF for _ in range(1_000)}
    assert len(tails) > 990
