"""Where users are kept."""

from uuid import UUID

from bedplate.auth.accounts import AccountRepository
from bedplate.repositories import at_least, contains, less_than

from app.models.user import ADMINISTRATOR, User


class UserRepository(AccountRepository[User]):
    """All users."""

    model = User
    filterable = {
        "email": contains(User.email),
        "created_after": at_least(User.created_at),
        "created_before": less_than(User.created_at),
    }

    async def lock_administrators(self) -> set[UUID]:
        """Give the active administrators, whom nobody else can change until the transaction ends.

        They are locked in the order of their ids, so that two who do this never deadlock.
        """
        locked = await self.locked().list(
            User.is_active.is_(True),
            User.roles.contains([ADMINISTRATOR]),
            order_by=[User.id],
        )
        return {user.id for user in locked}
