"""Sessions and their rotating refresh tokens, safe whatever happens at the same moment."""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Row, Table, select

from bedplate.auth import _statements
from bedplate.auth.claims import AccessClaims
from bedplate.auth.models import AccountMixin, AuthSessionMixin, RefreshTokenMixin
from bedplate.auth.refresh_tokens import NONCE_LENGTH, RefreshTokens, hash_token
from bedplate.models import uuid7
from bedplate.repositories import Repository
from bedplate.repositories.detached import attributes_of_row, scalar_detached

_MOST_LISTED = 100


class RotationOutcome(StrEnum):
    """What became of a refresh token that was presented."""

    ROTATED = "rotated"
    """It was consumed and has a successor."""
    REPEATED = "repeated"
    """It was consumed a moment ago; this is the same successor again."""
    UNKNOWN = "unknown"
    """No such token was ever issued, or its session is long over."""
    ENDED = "ended"
    """It has expired, or its session was revoked."""
    REUSED = "reused"
    """It was consumed before: somebody else has it too. Its session is revoked."""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session and its first refresh token."""

    session_id: UUID
    refresh_token: str = field(repr=False)


class RevokedSession(NamedTuple):
    """A session that was just ended."""

    session_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Rotation:
    """What became of a refresh token; the last three are None when it was refused.

    A refusal is a result and no exception, so that what it stored is committed before an error is
    raised.
    """

    outcome: RotationOutcome
    session_id: UUID | None = None
    account_id: UUID | None = None
    version: int | None = None
    refresh_token: str | None = field(default=None, repr=False)


class SessionRepository[U: AccountMixin, S: AuthSessionMixin](Repository[S]):
    """The sessions of a service's accounts.

    A service says which models they are made of::

        class SessionRepository(sessions.SessionRepository[User, AuthSession]):
            model = AuthSession
            account_model = User
            token_model = RefreshToken
    """

    account_model: type[U]
    token_model: ClassVar[type[RefreshTokenMixin]]

    async def open(
        self, account_id: UUID, *, version: int, tokens: RefreshTokens
    ) -> OpenedSession | None:
        """Open a session, unless the account's password was changed since it was verified.

        Args:
            account_id: whose session.
            version: the account's ``token_version`` when its password was read.
            tokens: makes the first refresh token.

        Returns:
            None if the account is not at that version any more, not active, or gone.
        """
        token = tokens.new()
        given = {
            "account_id": account_id,
            "version": version,
            "session_id": uuid7(),
            "token_hash": hash_token(token),
            "idle": tokens.idle,
            "absolute": tokens.absolute,
        }
        opened = await self.session.execute(_statements.opening(self._tables), given)
        session_id = opened.scalar_one_or_none()
        return None if session_id is None else OpenedSession(session_id, token)

    async def rotate(self, token: str, tokens: RefreshTokens) -> Rotation:
        """Consume a refresh token and issue its successor, in one statement.

        Whatever the outcome, commit before answering: a refusal may have revoked the session.

        Args:
            token: what the client presented.
            tokens: derives the successor.
        """
        presented = hash_token(token)
        if presented is None:
            return Rotation(RotationOutcome.UNKNOWN)
        nonce = secrets.token_bytes(NONCE_LENGTH)
        successor = tokens.successor(token, nonce)
        given = {
            "presented": presented,
            "successor_hash": hash_token(successor),
            "successor_nonce": nonce,
            "idle": tokens.idle,
        }
        rotated = await self.session.execute(_statements.rotation(self._tables), given)
        row = rotated.one_or_none()
        if row is None:
            return await self._explain(token, presented, tokens)
        return Rotation(
            RotationOutcome.ROTATED, row.id, row.user_id, row.token_version, refresh_token=successor
        )

    async def current(self, claims: AccessClaims) -> U | None:
        """Give the account that a verified access token stands for, in one statement.

        Args:
            claims: of the token.

        Returns:
            None if the session has ended, or the account is inactive or has a new password.
        """
        given = {
            "session_id": claims.session_id,
            "account_id": claims.subject,
            "version": claims.version,
        }
        session, model = self.session, self.account_model
        attributes = attributes_of_row(session, model)
        if attributes is not None:
            row = _statements.current_row(self._tables)
            return await scalar_detached(session, model, attributes, row, given)
        account: U | None = await session.scalar(_statements.current(self._tables, model), given)
        return account

    async def list_for(self, account_id: UUID) -> list[S]:
        """List an account's sessions that have not ended, the latest used first, at most 100."""
        sessions = self._tables.sessions
        found = await self.session.execute(
            select(self.model)
            .where(sessions.c.user_id == account_id, _statements.is_live(self._tables))
            .order_by(sessions.c.last_used_at.desc(), sessions.c.id.desc())
            .limit(_MOST_LISTED)
        )
        return list(found.scalars())

    async def revoke(self, session_id: UUID, *, account_id: UUID) -> bool:
        """End a session of an account; False if there is none that still lasts."""
        sessions = self._tables.sessions
        revoked = await self.session.execute(
            _statements.revocation(
                self._tables, sessions.c.id == session_id, sessions.c.user_id == account_id
            )
        )
        return revoked.one_or_none() is not None

    async def revoke_presented(self, token: str) -> RevokedSession | None:
        """End the session that a refresh token belongs to, the latest token or a used one.

        One statement.

        Args:
            token: what the client presented.

        Returns:
            None if there is no such token, or its session has ended already.
        """
        presented = hash_token(token)
        if presented is None:
            return None
        _, sessions, tokens = self._tables
        family = select(tokens.c.session_id).where(tokens.c.token_hash == presented)
        revoked = await self.session.execute(
            _statements.revocation(self._tables, sessions.c.id == family.scalar_subquery())
        )
        row = revoked.one_or_none()
        return None if row is None else RevokedSession(row.id, row.user_id)

    async def revoke_all(self, account_id: UUID, *, keep: UUID | None = None) -> int:
        """End all sessions of an account and give their number.

        Args:
            account_id: whose sessions.
            keep: the one session that stays.
        """
        sessions = self._tables.sessions
        conditions = [sessions.c.user_id == account_id]
        if keep is not None:
            conditions.append(sessions.c.id != keep)
        revoked = await self.session.execute(_statements.revocation(self._tables, *conditions))
        return len(revoked.all())

    async def delete_expired(self, *, limit: int = 1000) -> int:
        """Delete sessions that are over, with their tokens; revoked ones stay until then.

        Several may do this at once; each takes what no other holds. Commit and repeat until fewer
        than ``limit`` are deleted.

        Args:
            limit: how many at most.
        """
        deleted = await self.session.execute(_statements.cleanup(self._tables, limit))
        return len(deleted.all())

    async def _explain(self, token: str, presented: bytes, tokens: RefreshTokens) -> Rotation:
        """Tell why a token did not rotate; repeat a recent successor, or end a session on reuse."""
        given = {"presented": presented, "grace": tokens.grace}
        found = await self.session.execute(_statements.refusal(self._tables), given)
        row = found.one_or_none()
        if row is None:
            return Rotation(RotationOutcome.UNKNOWN)
        if row.ended or row.consumed_at is None:
            return Rotation(RotationOutcome.ENDED, row.session_id, row.user_id)
        successor = _repeat(row, token, tokens)
        if successor is None:
            await self.revoke(row.session_id, account_id=row.user_id)
            return Rotation(RotationOutcome.REUSED, row.session_id, row.user_id)
        return Rotation(
            RotationOutcome.REPEATED,
            row.session_id,
            row.user_id,
            row.token_version,
            refresh_token=successor,
        )

    @property
    def _tables(self) -> _statements.Tables:
        return _tables_of(self.account_model, self.model, self.token_model)


@cache
def _tables_of(*models: Any) -> _statements.Tables:  # noqa: ANN401 - models of several kinds
    return _statements.Tables(*(cast("Table", model.__table__) for model in models))


def _repeat(row: Row[Any], token: str, tokens: RefreshTokens) -> str | None:
    if not row.repeatable:
        return None
    return tokens.recognise(token, row.successor_nonce, row.successor_hash)
