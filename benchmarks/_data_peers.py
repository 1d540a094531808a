"""The operations as users of Advanced Alchemy and of sqlakeyset write them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from _data_table import AdvancedItem, PlainItem, key_of, moment_of
from advanced_alchemy.filters import LimitOffset, OrderBy
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlakeyset import serialize_bookmark
from sqlakeyset.asyncio import select_page
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession


class AdvancedItems(SQLAlchemyAsyncRepository[AdvancedItem]):
    model_type = AdvancedItem


class AdvancedAlchemy:
    """A repository with its defaults on the session of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._items = AdvancedItems(session=session)

    async def get(self, key: UUID) -> object:
        return await self._items.get(key)

    async def find_by_name(self, name: str) -> object:
        return await self._items.get_one_or_none(AdvancedItem.name == name)

    async def exists(self, _: object) -> object:
        return await self._items.exists(AdvancedItem.is_active.is_(True))

    async def add(self, row: dict[str, Any]) -> object:
        return await self._items.add(AdvancedItem(**row))

    async def update(self, change: tuple[UUID, dict[str, Any]]) -> object:
        key, new = change
        return await self._items.update(AdvancedItem(id=key, **new))

    async def upsert(self, row: dict[str, Any]) -> object:
        return await self._items.upsert(AdvancedItem(**row), match_fields=["name"])

    async def delete(self, key: UUID) -> object:
        return await self._items.delete(key)

    async def page_with_total(self, offset: int) -> object:
        return await self._items.list_and_count(
            LimitOffset(limit=50, offset=offset), OrderBy("id", "asc")
        )

    async def page_deep__list(self, depth: int) -> object:
        return await self._items.list(*_by_age(depth))

    async def page_deep__list_and_count(self, depth: int) -> object:
        """Only this one tells whether there are more."""
        return await self._items.list_and_count(*_by_age(depth))

    async def add_many(self, rows: Sequence[dict[str, Any]]) -> object:
        return await self._items.add_many([AdvancedItem(**row) for row in rows])

    async def update_many(self, rows: Sequence[dict[str, Any]]) -> object:
        return await self._items.update_many([AdvancedItem(**row) for row in rows])

    async def upsert_many(self, rows: Sequence[dict[str, Any]]) -> object:
        items = [AdvancedItem(**row) for row in rows]
        return await self._items.upsert_many(items, match_fields=["name"])

    async def delete_many(self, keys: Sequence[UUID]) -> object:
        return await self._items.delete_many(list(keys))


def _by_age(depth: int) -> tuple[LimitOffset, OrderBy, OrderBy]:
    return LimitOffset(limit=50, offset=depth), OrderBy("created_at", "asc"), OrderBy("id", "asc")


class Sqlakeyset:
    """Its one operation on the session of one transaction; its cursors are plain text."""

    _ORDERED = select(PlainItem).order_by(PlainItem.created_at, PlainItem.id)

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page_deep_input(self, depth: int) -> str:
        return serialize_bookmark(((moment_of(depth - 1), key_of(depth - 1)), False))

    async def page_deep(self, bookmark: str) -> object:
        page = await select_page(self._session, self._ORDERED, per_page=50, page=bookmark)
        return page, page.paging.bookmark_next, page.paging.bookmark_previous
