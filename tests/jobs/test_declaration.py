"""bedplate.jobs.declaration"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from bedplate.jobs import Jobs, Retry


@dataclass
class Parcel:
    weight: int


async def test_any_type_of_pydantic_is_a_payload_and_a_job_can_be_called() -> None:
    jobs: Jobs[list[object]] = Jobs()

    @jobs.job("by id")
    async def by_id(number: UUID, shared: list[object]) -> None:
        shared.append(number)

    @jobs.job("by parcel")
    async def by_parcel(parcel: Parcel, shared: list[object]) -> None:
        shared.append(parcel)

    number, shared = uuid4(), list[object]()
    await by_id(number, shared)
    await by_parcel(by_parcel.payload.validate_json(b'{"weight": 3}'), shared)
    assert shared == [number, Parcel(3)]
    assert list(jobs.kinds) == ["by id", "by parcel"]


def test_pauses_grow_up_to_the_longest() -> None:
    retry = Retry(attempts=100, first=timedelta(seconds=2), longest=timedelta(seconds=60))
    for failures, most in ((1, 2), (2, 4), (5, 32), (6, 60), (99, 60)):
        pauses = [retry.pause(failures).total_seconds() for _ in range(100)]
        assert most / 2 <= min(pauses) <= max(pauses) <= most


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["", "x" * 101, "taken", "nightly"])
def test_a_name_is_refused_that_is_taken_or_no_name(name: str) -> None:
    jobs: Jobs[None] = Jobs()

    @jobs.job("taken")
    async def taken(_payload: int, _shared: None) -> None: ...

    @jobs.schedule("nightly", "0 3 * * *")
    async def nightly(_shared: None) -> None: ...

    with pytest.raises(ValueError, match="job"):
        jobs.job(name)
    with pytest.raises(ValueError, match="job"):
        jobs.schedule(name, "0 3 * * *")


def _plain(_payload: int, _shared: None) -> None: ...
async def _nothing() -> None: ...
async def _only_payload(_payload: int) -> None: ...
async def _untyped(payload, shared) -> None: ...  # type: ignore[no-untyped-def]


@pytest.mark.unhappy
@pytest.mark.parametrize("handler", [_plain, _nothing, _only_payload, _untyped])
def test_a_handler_is_refused_that_is_none(handler: Any) -> None:
    with pytest.raises(TypeError, match="handler"):
        Jobs[None]().job("a")(handler)


@pytest.mark.unhappy
@pytest.mark.parametrize("cron", ["", "often", "0 3 * *", "61 * * * *", "0 3 * * * *"])
def test_a_time_is_refused_that_cron_does_not_know(cron: str) -> None:
    with pytest.raises(ValueError, match="cron"):
        Jobs[None]().schedule("a", cron)


@pytest.mark.unhappy
def test_no_attempt_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Retry(attempts=0)


async def test_jobs_of_elsewhere_are_taken_in_with_what_they_share() -> None:
    others: Jobs[list[object]] = Jobs()

    @others.job("keep", retry=Retry(attempts=2))
    async def keep(number: int, kept: list[object]) -> None:
        kept.append(number)

    @others.schedule("sweep", "0 3 * * *")
    async def sweep(kept: list[object]) -> None:
        kept.clear()

    jobs: Jobs[dict[str, list[object]]] = Jobs()
    jobs.include(others, lambda shared: shared["kept"])
    shared: dict[str, list[object]] = {"kept": []}
    await jobs.kinds["keep"](7, shared)
    assert shared == {"kept": [7]}
    assert jobs.kinds["keep"].retry.attempts == 2
    await jobs.schedules["sweep"](shared)
    assert shared == {"kept": []}
    assert jobs.schedules["sweep"].cron == "0 3 * * *"


@pytest.mark.unhappy
def test_jobs_are_not_taken_in_under_a_name_that_is_taken() -> None:
    others: Jobs[None] = Jobs()

    @others.job("first")
    async def first(_payload: int, _shared: None) -> None: ...

    @others.job("second")
    async def second(_payload: int, _shared: None) -> None: ...

    jobs: Jobs[None] = Jobs()
    jobs.job("second")(second.handler)
    with pytest.raises(ValueError, match="second"):
        jobs.include(others, lambda shared: shared)
    assert list(jobs.kinds) == ["second"]


@pytest.mark.unhappy
async def test_what_a_handler_of_elsewhere_raises_is_not_hidden() -> None:
    others: Jobs[None] = Jobs()

    @others.job("fails")
    async def fails(_payload: int, _shared: None) -> None:
        raise LookupError

    jobs: Jobs[str] = Jobs()
    jobs.include(others, lambda _shared: None)
    with pytest.raises(LookupError):
        await jobs.kinds["fails"](1, "")
