"""Repositories of models with SoftDeleteMixin: what was deleted, seen, brought back, or removed."""

from copy import copy
from typing import Self

from sqlalchemy import delete
from sqlalchemy.orm import DeclarativeBase

from bedplate.repositories.reads import Condition
from bedplate.repositories.repository import Repository, conditional

__all__ = ["SoftDeleteRepository"]


class SoftDeleteRepository[M: DeclarativeBase](Repository[M]):
    """All rows of a model with SoftDeleteMixin; those marked as deleted are left out.

    Any repository of such a model marks and leaves out; this one can do what else they need::

        class UserRepository(SoftDeleteRepository[User]):
            model = User
    """

    def with_deleted(self) -> Self:
        """Give the same repository, seeing deleted rows too, also in relationships it loads."""
        view = copy(self)
        view._scope = self._scope.showing("all")
        return view

    def only_deleted(self) -> Self:
        """Give the same repository, seeing deleted rows alone; in relationships it sees all."""
        view = copy(self)
        view._scope = self._scope.showing("deleted")
        return view

    async def restore(self, which: object, *, version: int | None = None) -> M:
        """Bring a deleted row back, and give it as it is then. One statement.

        Args:
            which: the key, or the entity.
            version: the version that the row must still have, for models with VersionMixin
                or a ``version_id_col`` of their own; with an entity it is the one it was loaded with.

        Raises:
            NotFoundError: when there is no such row, or it is not deleted.
            StaleError: when the row has another version by now; telling so takes a second
                statement.
            DuplicateError: when another row has taken what was its own.
        """
        expected = await self._expected(which, version)
        identity = self._identity(which)
        deleted = self._scope.showing("deleted")
        row = await self._write(identity, deleted.restored(), expected, deleted)
        return row if row is not None else await self._refuse(identity, expected, deleted)

    async def purge(self, which: object, *, version: int | None = None) -> None:
        """Remove one row for good, deleted before or not. One statement.

        Args:
            which: the key, or the entity.
            version: the version that the row must still have, for models with VersionMixin
                or a ``version_id_col`` of their own; with an entity it is the one it was loaded with.

        Raises:
            NotFoundError: when there is no such row.
            StaleError: when the row has another version by now; telling so takes a second
                statement.
            StillReferencedError: when another row still points to it.
        """
        expected = await self._expected(which, version)
        await self._remove(self._identity(which), expected, self._scope.showing("all"))

    async def purge_where(self, *conditions: Condition) -> int:
        """Remove all deleted rows that meet all conditions, and give their number. One statement.

        Raises:
            ValueError: when no condition is given; ``sqlalchemy.true()`` says all on purpose.
            StillReferencedError: when another row still points to one of them.
        """
        statement = conditional(delete(self.model).where(*conditions))
        return await self._delete(statement, self._scope.showing("deleted"))
