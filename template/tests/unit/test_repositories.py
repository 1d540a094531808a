"""The statements of the repositories, without a database."""

from unittest.mock import MagicMock
from uuid import uuid4

import pytest
from bedplate.errors import InvalidCursorError
from bedplate.pagination import CursorCodec
from pytest_mock import MockerFixture
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import User
from app.repositories.user import UserRepository
from app.schemas.user import UserListParams


@pytest.fixture
def session(mocker: MockerFixture) -> MagicMock:
    session: MagicMock = mocker.create_autospec(AsyncSession, instance=True)
    return session


@pytest.fixture
def users(session: MagicMock) -> UserRepository:
    return UserRepository(session, cursors=CursorCodec(b"k" * 32))


async def test_the_administrators_are_locked_while_something_is_decided(
    users: UserRepository, session: MagicMock, mocker: MockerFixture
) -> None:
    administrator = User(id=uuid4())
    session.scalars.return_value = found = mocker.MagicMock()
    found.unique.return_value = found
    found.all.return_value = [administrator]
    assert await users.lock_administrators() == {administrator.id}
    statement = session.scalars.await_args.args[0]
    sql = str(statement)
    assert "users.is_active" in sql
    assert sql.index("ORDER BY users.id") < sql.index("FOR UPDATE")


@pytest.mark.unhappy
async def test_what_is_no_address_is_not_looked_up(
    users: UserRepository, session: MagicMock
) -> None:
    assert await users.find_by_email("nobody\0") is None
    assert session.mock_calls == []


@pytest.mark.unhappy
@pytest.mark.parametrize("cursor", ["", "forged", "é", "AAAA" * 100])
async def test_a_forged_cursor_is_refused_before_any_statement(
    users: UserRepository, session: MagicMock, cursor: str
) -> None:
    with pytest.raises(InvalidCursorError):
        await users.cursor_page(UserListParams(cursor=cursor))
    assert session.mock_calls == []
