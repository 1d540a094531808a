"""The statements behind sessions, each safe against any other that runs at the same moment.

They are written for READ COMMITTED, where a statement that waited for a row lock looks at the row
again. Times are the database's own: ``clock_timestamp()``, since a transaction that waited began
in the past.
"""

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Executable,
    Insert,
    Interval,
    LargeBinary,
    Select,
    Table,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)

from bedplate.auth.models import AccountMixin

_NOW = func.clock_timestamp()


class Tables(NamedTuple):
    """The tables of a service that sessions are made of."""

    accounts: Table
    sessions: Table
    tokens: Table


@cache
def opening(tables: Tables) -> Select[Any]:
    """Open a session with its first token, if the account is still at ``version``.

    The share lock waits for a change of the password that is under way, and makes the next one
    wait: it then sees this session and revokes it. Takes ``account_id, version, session_id,
    token_hash, idle, absolute``.
    """
    accounts, sessions, tokens = tables
    account = (
        select(accounts.c.id)
        .where(
            accounts.c.id == bindparam("account_id", type_=Uuid()),
            accounts.c.token_version == bindparam("version"),
            may_act(accounts),
        )
        .with_for_update(read=True)
        .cte("account")
    )
    opened = (
        insert(sessions)
        .from_select(
            ["id", "user_id", "created_at", "last_used_at", "absolute_expires_at"],
            select(
                bindparam("session_id", type_=Uuid()),
                account.c.id,
                _NOW,
                _NOW,
                _NOW + bindparam("absolute", type_=Interval()),
            ),
            include_defaults=False,
        )
        .returning(sessions.c.id, sessions.c.absolute_expires_at)
        .cte("opened")
    )
    issued = _issue(tokens, opened, "token_hash").returning(tokens.c.session_id).cte("issued")
    return select(issued.c.session_id)


@cache
def current(tables: Tables, account: type[AccountMixin]) -> Select[Any]:
    """Find the account of a session that lasts. Takes ``session_id, account_id, version``.

    It stands behind every request, so it is built once.
    """
    return select(account).where(*_current(tables))


@cache
def current_row(tables: Tables) -> Select[Any]:
    """Find the row of that account, all its columns in their order; it takes the same."""
    return select(tables.accounts).where(*_current(tables))


def _current(tables: Tables) -> list[ColumnElement[bool]]:
    accounts, sessions, _ = tables
    return [
        sessions.c.user_id == accounts.c.id,
        sessions.c.id == bindparam("session_id", type_=Uuid()),
        accounts.c.id == bindparam("account_id", type_=Uuid()),
        accounts.c.token_version == bindparam("version"),
        may_act(accounts),
        is_live(tables),
    ]


@cache
def rotation(tables: Tables) -> Select[Any]:
    """Consume a token and issue its successor, if everything about it is still valid.

    Marking the session used comes first: its row lock puts all rotations of a family and its
    revocation in one order. Takes ``presented, successor_hash, successor_nonce, idle``.
    """
    accounts, sessions, tokens = tables
    presented = bindparam("presented", type_=LargeBinary())
    given = tokens.alias("given")
    live = (
        update(sessions)
        .values(last_used_at=_NOW)
        .where(
            given.c.token_hash == presented,
            given.c.consumed_at.is_(None),
            given.c.expires_at > _NOW,
            sessions.c.id == given.c.session_id,
            sessions.c.revoked_at.is_(None),
            sessions.c.absolute_expires_at > _NOW,
            accounts.c.id == sessions.c.user_id,
            may_act(accounts),
        )
        .returning(
            sessions.c.id,
            sessions.c.user_id,
            sessions.c.absolute_expires_at,
            accounts.c.token_version,
        )
        .cte("live")
    )
    consumed = (
        update(tokens)
        .values(
            consumed_at=_NOW,
            successor_hash=bindparam("successor_hash", type_=LargeBinary()),
            successor_nonce=bindparam("successor_nonce", type_=LargeBinary()),
        )
        .where(
            tokens.c.token_hash == presented,
            tokens.c.session_id == live.c.id,
            tokens.c.consumed_at.is_(None),
            tokens.c.expires_at > _NOW,
        )
        .returning(live.c.id, live.c.user_id, live.c.absolute_expires_at, live.c.token_version)
        .cte("consumed")
    )
    issued = _issue(tokens, consumed, "successor_hash").returning(tokens.c.session_id).cte("issued")
    return select(consumed.c.id, consumed.c.user_id, consumed.c.token_version).select_from(
        consumed.join(issued, true())
    )


@cache
def refusal(tables: Tables) -> Select[Any]:
    """Look up why a token did not rotate. Takes ``presented, grace``."""
    accounts, sessions, tokens = tables
    successor = tokens.alias("successor")
    ended = (
        sessions.c.revoked_at.is_not(None)
        | (sessions.c.absolute_expires_at <= _NOW)
        | ~may_act(accounts)
    )
    repeatable = and_(
        tokens.c.consumed_at > _NOW - bindparam("grace", type_=Interval()),
        successor.c.consumed_at.is_(None),
        successor.c.expires_at > _NOW,
    )
    return (
        select(
            tokens.c.session_id,
            sessions.c.user_id,
            accounts.c.token_version,
            tokens.c.consumed_at,
            tokens.c.successor_hash,
            tokens.c.successor_nonce,
            ended.label("ended"),
            func.coalesce(repeatable, literal_column("false")).label("repeatable"),
        )
        .select_from(
            tokens.join(sessions, sessions.c.id == tokens.c.session_id)
            .join(accounts, accounts.c.id == sessions.c.user_id)
            .outerjoin(successor, successor.c.token_hash == tokens.c.successor_hash)
        )
        .where(tokens.c.token_hash == bindparam("presented", type_=LargeBinary()))
    )


def revocation(tables: Tables, *conditions: ColumnElement[bool]) -> Executable:
    """Revoke the sessions that fulfil conditions; two of these never deadlock.

    All are locked in the order of their keys before the first is changed.
    """
    sessions = tables.sessions
    chosen = (
        select(sessions.c.id)
        .where(sessions.c.revoked_at.is_(None), *conditions)
        .order_by(sessions.c.id)
        .with_for_update()
        .cte("chosen")
    )
    return (
        update(sessions)
        .values(revoked_at=_NOW)
        .where(sessions.c.id == chosen.c.id)
        .returning(sessions.c.id, sessions.c.user_id)
    )


def may_act(accounts: Table) -> ColumnElement[bool]:
    """Give the condition that an account is active, and not marked as deleted where that is done.

    These statements are not the repository's own, so that its scope does not narrow them.
    """
    condition: ColumnElement[bool] = accounts.c.is_active.is_(True)
    deleted_at = accounts.c.get("deleted_at")  # of SoftDeleteMixin
    return condition if deleted_at is None else condition & deleted_at.is_(None)


def is_live(tables: Tables) -> ColumnElement[bool]:
    """Give the condition that a session is neither revoked nor over."""
    sessions = tables.sessions
    return sessions.c.revoked_at.is_(None) & (sessions.c.absolute_expires_at > _NOW)


def cleanup(tables: Tables, limit: int) -> Executable:
    """Delete sessions that are over, with their tokens; leave alone what somebody holds."""
    sessions = tables.sessions
    over = (
        select(sessions.c.id)
        .where(sessions.c.absolute_expires_at <= _NOW)
        .order_by(sessions.c.absolute_expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("over")
    )
    return delete(sessions).where(sessions.c.id == over.c.id).returning(sessions.c.id)


def _issue(tokens: Table, session: CTE, hash_name: str) -> Insert:
    """Insert a token for the one row of ``session``; it never outlives the session."""
    return insert(tokens).from_select(
        ["token_hash", "session_id", "issued_at", "expires_at"],
        select(
            bindparam(hash_name, type_=LargeBinary()),
            session.c.id,
            _NOW,
            func.least(_NOW + bindparam("idle", type_=Interval()), session.c.absolute_expires_at),
        ),
        include_defaults=False,
    )
