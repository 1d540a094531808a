"""The repository: the reads and writes of one model, on a session that somebody else commits."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    Result,
    Update,
    delete,
    update,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.elements import BooleanClauseList

from bedplate.errors import NotFoundError, StaleError
from bedplate.repositories import statements
from bedplate.repositories.bulk import FORGET, FRESH, UNSEEN
from bedplate.repositories.keys import has_key, mapper_of
from bedplate.repositories.loaded import entities, entity_with_key, kept_relationships, restore
from bedplate.repositories.reads import Condition
from bedplate.repositories.scope import Scope
from bedplate.repositories.upserts import Upserts

__all__ = ["Repository", "conditional"]


class Repository[M: DeclarativeBase](Upserts[M]):
    """All rows of one model; it never commits.

    Subclass it, name the model, and add what the service asks for::

        class UserRepository(Repository[User]):
            model = User
            sortable = {"created_at": User.created_at}
            filterable = {"email": contains(User.email)}
    """

    async def update(
        self, which: object, changes: Mapping[str, object], *, version: int | None = None
    ) -> M:
        """Change one row, and give it as it is then. One statement.

        An entity that the session has loaded gets the new values.

        Args:
            which: the key, or the entity.
            changes: new values by attribute; a value may be an SQL expression.
            version: the version that the row must still have, for models with VersionMixin
                or a ``version_id_col`` of their own; with an entity it is the one it was loaded with.

        Raises:
            NotFoundError: when there is no such row.
            StaleError: when the row has another version by now; telling so takes a second
                statement.
            DuplicateError: when a unique constraint holds such a row already.
            BrokenReferenceError: when a foreign key points to nothing.
            InvalidDataError: when the database refuses a value.
            PermissionDeniedError: when the row would come to belong to another tenant.
        """
        expected = await self._expected(which, version)
        identity = self._identity(which)
        if not changes:
            return await self._unchanged(identity, expected)
        row = await self._write(identity, self._scope.changed(changes), expected, self._scope)
        return row if row is not None else await self._refuse(identity, expected)

    async def update_where(self, changes: Mapping[str, object], *conditions: Condition) -> int:
        """Change all rows that meet all conditions, and give their number.

        One statement, and a second one when the session has loaded entities of this model: they
        get the new values.

        Raises:
            ValueError: when no condition is given; ``sqlalchemy.true()`` says all on purpose.
            PermissionDeniedError: when the rows would come to belong to another tenant.
        """
        statement = conditional(update(self.model).where(*conditions))
        changes = self._scope.changed(changes)
        statement = statement.where(*self._scope.conditions).values(changes)
        result = await self.session.execute(statement, **UNSEEN)
        await self._refresh_loaded(changes)
        return _number(result)

    async def delete(self, which: object, *, version: int | None = None) -> None:
        """Delete one row; mark it as deleted if its model has SoftDeleteMixin. One statement.

        An entity that is marked stays in the session, and has its ``deleted_at``.

        Args:
            which: the key, or the entity.
            version: the version that the row must still have, for models with VersionMixin
                or a ``version_id_col`` of their own; with an entity it is the one it was loaded with.

        Raises:
            NotFoundError: when there is no such row, or it is marked already.
            StaleError: when the row has another version by now; telling so takes a second
                statement.
            StillReferencedError: when another row still points to it.
        """
        expected = await self._expected(which, version)
        identity = self._identity(which)
        if self._scope.marks:
            present = self._scope.showing("present")
            row = await self._write(identity, present.marked(), expected, present)
            if row is None:
                await self._refuse(identity, expected, present)
        else:
            await self._remove(identity, expected, self._scope)

    async def delete_where(self, *conditions: Condition) -> int:
        """Delete all rows that meet all conditions, or mark them, and give their number.

        One statement, and a second one when rows are marked and the session has loaded entities of
        this model: they get the new values.

        Raises:
            ValueError: when no condition is given; ``sqlalchemy.true()`` says all on purpose.
            StillReferencedError: when another row still points to one of them.
        """
        if self._scope.marks:
            present = self._scope.showing("present")
            marking = conditional(update(self.model).where(*conditions))
            changes = present.marked()
            marking = marking.where(*present.conditions).values(changes)
            result = await self.session.execute(marking, **UNSEEN)
            await self._refresh_loaded(changes)
            return _number(result)
        return await self._delete(conditional(delete(self.model).where(*conditions)), self._scope)

    async def _expected(
        self, which: object, version: int | None
    ) -> Any:  # noqa: ANN401 - a version
        """Give the version that a change expects, if any."""
        if not self._scope.is_versioned:
            if version is not None:
                raise TypeError(f"{self.model.__name__} has no version column")
            return None
        if version is not None or not isinstance(which, self.model):
            return version
        if self.session.is_modified(which):
            await self.session.flush()  # counts its version up
        loaded = which.__dict__.get(self._scope.version)
        if loaded is None:
            raise ValueError("the entity has no loaded version: read it again, or give version=")
        return loaded

    async def _unchanged(self, identity: tuple[Any, ...], expected: object) -> M:
        row = await self.get(identity)
        if expected is not None and row.__dict__[self._scope.version] != expected:
            raise StaleError
        return row

    async def _write(
        self,
        identity: tuple[Any, ...],
        changes: Mapping[str, object],
        expected: object,
        scope: Scope,
    ) -> M | None:
        """Change one row, and give it if there was one."""
        loaded = entity_with_key(self.session, self.model, identity)
        kept = kept_relationships(loaded, changes) if loaded is not None else {}
        row = await self._changed(identity, changes, self._conditions(expected, scope))
        if row is not None:
            restore(row, kept)
        return row

    async def _remove(self, identity: tuple[Any, ...], expected: object, scope: Scope) -> None:
        """Delete one row for good."""
        statement = statements.deleted_row(self.model)
        if conditions := self._conditions(expected, scope):
            statement = statement.where(*conditions)
        loaded = entity_with_key(self.session, self.model, identity) is not None
        key = statements.key_values(identity)
        result = await self.session.execute(statement, key, **(FORGET if loaded else UNSEEN))
        if _number(result) == 0:
            await self._refuse(identity, expected, scope)

    def _conditions(self, expected: object, scope: Scope) -> tuple[ColumnElement[bool], ...]:
        if expected is None:
            return scope.conditions
        return (*scope.conditions, mapper_of(self.model).columns[scope.version] == expected)

    async def _refuse(
        self, identity: tuple[Any, ...], expected: object, scope: Scope | None = None
    ) -> NoReturn:
        """Say why no row was changed: there is none, or it has another version."""
        if expected is not None:
            every = (has_key(self.model, identity), *(scope or self._scope).conditions)
            if await self._any(every):
                raise StaleError
        raise NotFoundError(resource=self.model.__name__)

    async def _changed(
        self,
        identity: tuple[Any, ...],
        changes: Mapping[str, object],
        conditions: Sequence[ColumnElement[bool]],
    ) -> M | None:
        key = statements.key_values(identity)
        # Loader options do not all work with RETURNING, so the row is read after the change.
        back = not self._options
        statement, values = statements.changed_row(self.model, changes, back=back)
        if conditions:
            statement = statement.where(*conditions)
        result = await self.session.execute(statement, {**key, **values}, **FRESH)
        if back:
            row: M | None = result.scalar_one_or_none()
            return row
        if _number(result) == 0:
            return None
        read = statements.one_row(self.model, self._columns).options(
            *self._options, *self._scope.loading(more=True)
        )
        return (await self.session.scalars(read, key, **FRESH)).unique().one_or_none()

    async def _delete(self, statement: Delete, scope: Scope) -> int:
        """Delete rows for good."""
        statement = statement.where(*scope.conditions)
        way = FORGET if entities(self.session, self.model) else UNSEEN
        result = await self.session.execute(statement, **way)
        return _number(result)


def conditional[S: (Update, Delete)](statement: S) -> S:
    """Refuse a statement that would meet all rows."""
    clause = statement.whereclause
    if clause is None or (isinstance(clause, BooleanClauseList) and not len(clause)):
        raise ValueError("no condition is given; say sqlalchemy.true() to mean all rows")
    return statement


def _number(result: Result[Any]) -> int:
    """Give the number of rows that a statement changed."""
    return cast("CursorResult[Any]", result).rowcount
