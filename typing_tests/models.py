"""The models and repositories that these files ask about."""

from uuid import UUID

from sqlalchemy.orm import Mapped

from bedplate.models import Base, UUIDv7Mixin
from bedplate.repositories import Repository
from bedplate.unit_of_work import UnitOfWork, repository


class User(UUIDv7Mixin, Base):
    """Someone."""

    __tablename__ = "users"
    email: Mapped[str]
    age: Mapped[int | None]


class UserRepository(Repository[User]):
    """All of them."""

    model = User

    async def find_by_email(self, email: str) -> User | None:
        """Give the one with this address, or None."""
        return await self.first(User.email == email)


class AppUnitOfWork(UnitOfWork):
    """One transaction."""

    users = repository(UserRepository)


NOBODY = UUID(int=0)
