"""The rules of the accounts, without a database."""

from unittest.mock import MagicMock
from uuid import UUID, uuid4

import pytest
from bedplate.auth.password_policy import PasswordPolicy
from bedplate.auth.passwords import BcryptHasher
from bedplate.errors import DuplicateError, HasherBusyError, NotFoundError, WeakPasswordError
from bedplate.testing import FakeUnitOfWork
from pytest_mock import MockerFixture

from app.core.exceptions import EmailTakenError, LastAdministratorError
from app.models import User
from app.models.user import ADMINISTRATOR
from app.repositories.auth import SessionRepository
from app.repositories.user import UserRepository
from app.schemas.user import UserCreate, UserUpdate
from app.services.user import UserService

NEW = {"email": "Ada@Example.com", "password": "correct horse battery staple"}


@pytest.fixture(scope="module")
def mocks(module_mocker: MockerFixture) -> dict[type, MagicMock]:
    """Made once, for a specification is read slowly; each test has them as new."""
    kinds = (UserRepository, SessionRepository, BcryptHasher)
    return {kind: module_mocker.create_autospec(kind, instance=True) for kind in kinds}


@pytest.fixture(autouse=True)
def _as_new(mocks: dict[type, MagicMock]) -> None:
    for mock in mocks.values():
        mock.reset_mock(return_value=True, side_effect=True)


@pytest.fixture
def users(mocks: dict[type, MagicMock]) -> MagicMock:
    repository = mocks[UserRepository]
    repository.lock_administrators.return_value = set()
    return repository


@pytest.fixture
def sessions(mocks: dict[type, MagicMock]) -> MagicMock:
    return mocks[SessionRepository]


@pytest.fixture
def uow(users: MagicMock, sessions: MagicMock) -> FakeUnitOfWork:
    return FakeUnitOfWork(users=users, sessions=sessions)


@pytest.fixture
def hasher(mocks: dict[type, MagicMock]) -> MagicMock:
    hasher = mocks[BcryptHasher]
    hasher.hash.return_value = "hashed"
    return hasher


@pytest.fixture
def service(uow: FakeUnitOfWork, hasher: MagicMock) -> UserService:
    return UserService(uow, PasswordPolicy(), hasher)  # type: ignore[arg-type]


def account(user_id: UUID | None = None, *, is_active: bool = True, roles: list[str]) -> User:
    return User(id=user_id or uuid4(), email="a@example.com", is_active=is_active, roles=roles)


async def test_registering_stores_the_hash_and_commits(
    service: UserService, users: MagicMock, uow: FakeUnitOfWork
) -> None:
    user = await service.register(UserCreate.model_validate(NEW))
    users.add.assert_awaited_once_with(user)
    assert (user.email, user.password_hash) == ("ada@example.com", "hashed")
    assert uow.committed


async def test_one_of_two_administrators_may_leave(
    service: UserService, users: MagicMock, uow: FakeUnitOfWork
) -> None:
    leaving = uuid4()
    users.lock_administrators.return_value = {leaving, uuid4()}
    await service.delete(leaving)
    users.delete.assert_awaited_once_with(leaving)
    assert uow.committed


async def test_a_change_leaves_the_sessions_of_an_active_account(
    service: UserService, users: MagicMock, sessions: MagicMock, uow: FakeUnitOfWork
) -> None:
    users.update.return_value = user = account(roles=[])
    changes = UserUpdate(is_verified=True)
    assert await service.change(user.id, changes) is user
    users.update.assert_awaited_once_with(user.id, {"is_verified": True})
    sessions.revoke_all.assert_not_awaited()
    assert uow.committed


@pytest.mark.unhappy
async def test_a_taken_address_is_told_and_nothing_is_stored(
    service: UserService, users: MagicMock, uow: FakeUnitOfWork
) -> None:
    users.add.side_effect = DuplicateError(constraint="uq_users_email", columns=["email"])
    with pytest.raises(EmailTakenError):
        await service.register(UserCreate.model_validate(NEW))
    assert not uow.committed


@pytest.mark.unhappy
@pytest.mark.parametrize("password", ["short", "password1234", "ada@example.com"])
async def test_a_weak_password_costs_no_hash(
    service: UserService, hasher: MagicMock, uow: FakeUnitOfWork, password: str
) -> None:
    with pytest.raises(WeakPasswordError):
        await service.register(UserCreate.model_validate({**NEW, "password": password}))
    hasher.hash.assert_not_awaited()
    assert not uow.committed


@pytest.mark.unhappy
async def test_no_connection_is_taken_while_the_hasher_is_busy(
    service: UserService, users: MagicMock, hasher: MagicMock, uow: FakeUnitOfWork
) -> None:
    hasher.hash.side_effect = HasherBusyError
    with pytest.raises(HasherBusyError):
        await service.register(UserCreate.model_validate(NEW))
    assert (uow.commits, uow.rollbacks) == (0, 0)


@pytest.mark.unhappy
async def test_the_last_administrator_does_not_leave(
    service: UserService, users: MagicMock, uow: FakeUnitOfWork
) -> None:
    last = uuid4()
    users.lock_administrators.return_value = {last}
    with pytest.raises(LastAdministratorError):
        await service.delete(last)
    users.delete.assert_not_awaited()
    assert not uow.committed


@pytest.mark.unhappy
@pytest.mark.parametrize(("is_active", "roles"), [(True, []), (False, [ADMINISTRATOR])])
async def test_the_last_administrator_does_not_step_down(
    service: UserService, users: MagicMock, uow: FakeUnitOfWork, is_active: bool, roles: list[str]
) -> None:
    users.update.return_value = last = account(is_active=is_active, roles=roles)
    users.lock_administrators.return_value = {last.id}
    with pytest.raises(LastAdministratorError):
        await service.change(last.id, UserUpdate())
    assert not uow.committed


@pytest.mark.unhappy
async def test_deactivating_an_account_ends_its_sessions_in_the_same_transaction(
    service: UserService, users: MagicMock, sessions: MagicMock, uow: FakeUnitOfWork
) -> None:
    users.update.return_value = user = account(is_active=False, roles=[])
    await service.change(user.id, UserUpdate(is_active=False))
    sessions.revoke_all.assert_awaited_once_with(user.id)
    assert uow.committed


@pytest.mark.unhappy
async def test_what_is_not_there_is_not_changed(
    service: UserService, users: MagicMock, uow: FakeUnitOfWork
) -> None:
    users.update.side_effect = users.delete.side_effect = NotFoundError(resource="User")
    with pytest.raises(NotFoundError):
        await service.change(uuid4(), UserUpdate(is_verified=True))
    with pytest.raises(NotFoundError):
        await service.delete(uuid4())
    assert not uow.committed
