"""bedplate.testing.fakes"""

import contextlib

import pytest
from pytest_mock import MockerFixture

from bedplate.repositories import SoftDeleteRepository
from bedplate.repositories.entity_reads import EntityReads
from bedplate.testing import FakeUnitOfWork


async def test_it_gives_its_mocks_and_counts_commits() -> None:
    users = object()
    async with FakeUnitOfWork(users=users) as uow:
        assert uow.users is users
        await uow.commit()
    assert (uow.commits, uow.rollbacks, uow.committed) == (1, 0, True)


async def test_callbacks_are_called_once_after_the_commit() -> None:
    called: list[str] = []

    async def later() -> None:
        called.append("awaited")

    async with FakeUnitOfWork() as uow:
        uow.after_commit(lambda: called.append("called"))
        uow.after_commit(later)
        assert not called
        await uow.commit()
        await uow.commit()
    assert called == ["called", "awaited"]


@pytest.mark.unhappy
async def test_leaving_without_a_commit_counts_as_a_rollback() -> None:
    async with FakeUnitOfWork() as uow:
        pass
    assert (uow.commits, uow.rollbacks, uow.committed) == (0, 1, False)


@pytest.mark.unhappy
async def test_an_error_inside_rolls_back_and_goes_on() -> None:
    uow = FakeUnitOfWork()
    with pytest.raises(LookupError):
        async with uow:
            raise LookupError
    assert uow.rollbacks == 1


@pytest.mark.unhappy
async def test_a_rollback_forgets_the_callbacks() -> None:
    called: list[str] = []
    async with FakeUnitOfWork() as uow:
        uow.after_commit(lambda: called.append("called"))
        await uow.rollback()
        await uow.commit()
    assert not called


@pytest.mark.unhappy
async def test_a_savepoint_that_raises_forgets_its_own_callbacks() -> None:
    called: list[str] = []
    async with FakeUnitOfWork() as uow:
        uow.after_commit(lambda: called.append("outside"))
        with contextlib.suppress(LookupError):
            async with uow.savepoint():
                uow.after_commit(lambda: called.append("inside"))
                raise LookupError
        await uow.commit()
    assert called == ["outside"]


@pytest.mark.unhappy
def test_a_repository_is_out_of_reach_outside_with() -> None:
    with pytest.raises(RuntimeError, match="not entered"):
        _ = FakeUnitOfWork(users=object()).users


@pytest.mark.unhappy
async def test_a_repository_that_was_not_given_is_missing() -> None:
    async with FakeUnitOfWork(users=object()) as uow:
        with pytest.raises(AttributeError, match="given no 'orders'"):
            _ = uow.orders


@pytest.mark.unhappy
async def test_entering_it_while_entered_is_refused() -> None:
    async with FakeUnitOfWork() as uow:
        with pytest.raises(RuntimeError, match="entered already"):
            await uow.__aenter__()


async def test_a_read_only_one_gives_its_mocks_and_counts_nothing(mocker: MockerFixture) -> None:
    notes = mocker.create_autospec(SoftDeleteRepository, instance=True)
    notes.get.return_value = "a note"
    uow = FakeUnitOfWork(notes=notes).acting_as("Ada")
    for reading in (uow.read_only(), uow.latest(), uow.snapshot()):
        async with reading:
            assert await reading.notes.get(1) == "a note"
            await reading.rollback()
        assert (reading.actor, reading.commits, reading.rollbacks) == ("Ada", 0, 0)
    async with uow:
        await uow.notes.add("another")
        await uow.commit()
    assert uow.committed


@pytest.mark.unhappy
async def test_a_read_only_one_refuses_every_write_of_a_repository(mocker: MockerFixture) -> None:
    notes = mocker.create_autospec(SoftDeleteRepository, instance=True)
    views = {"if_changed", "known_by", "natural_key"}  # they send nothing themselves
    reads = {*dir(EntityReads), "only_deleted", "with_deleted", *views} - {"locked"}
    writes = [name for name in dir(SoftDeleteRepository) if not name.startswith("_")]
    async with FakeUnitOfWork(notes=notes).read_only() as uow:
        for write in writes:
            if write not in reads:
                with pytest.raises(RuntimeError, match=f"^this only reads: {write} is refused$"):
                    await getattr(uow.notes, write)()
    assert notes.mock_calls == []


@pytest.mark.unhappy
async def test_a_read_only_one_has_nothing_to_commit() -> None:
    async with FakeUnitOfWork().snapshot() as uow:
        with pytest.raises(RuntimeError, match="only reads"):
            await uow.commit()
        with pytest.raises(RuntimeError, match="only reads"):
            uow.after_commit(lambda: None)
        with pytest.raises(RuntimeError, match="only reads"):
            await uow.savepoint().__aenter__()


@pytest.mark.unhappy
async def test_a_read_only_one_is_entered_like_any_other() -> None:
    uow = FakeUnitOfWork(notes=object()).read_only()
    with pytest.raises(RuntimeError, match="not entered"):
        _ = uow.notes
