"""The accounts' repository and the unit of work."""

from bedplate.auth.accounts import AccountRepository
from bedplate.unit_of_work import UnitOfWork, repository
from notes.models import User


class UserRepository(AccountRepository[User]):
    """All accounts."""

    model = User


class NotesUnitOfWork(UnitOfWork):
    """One transaction."""

    users = repository(UserRepository)
