"""The operations as a user of bedplate writes them."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from _data_table import Item, moment_of
from sqlalchemy.ext.asyncio import AsyncSession

from bedplate.pagination import CursorCodec, CursorParams, PageParams
from bedplate.repositories import Repository, Sortable

IS_ACTIVE = Item.is_active.is_(True)
CODEC = CursorCodec(b"only for benchmarks, never a secret")


class Items(Repository[Item]):
    model = Item
    sortable: ClassVar[Sortable] = {"created_at": Item.created_at}
    natural_key = (Item.name,)


class ByAge(CursorParams):
    sort: str = "created_at"


class Bedplate:
    """A repository on the session of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._items = Items(session, cursors=CODEC)

    async def get(self, key: UUID) -> object:
        return await self._items.get(key)

    async def find_by_name(self, name: str) -> object:
        return await self._items.first(Item.name == name)

    async def exists(self, _: object) -> object:
        return await self._items.exists(IS_ACTIVE)

    async def add(self, row: dict[str, Any]) -> object:
        return await self._items.add(Item(**row))

    async def update(self, change: tuple[UUID, dict[str, Any]]) -> object:
        return await self._items.update(*change)

    async def upsert(self, row: dict[str, Any]) -> object:
        return await self._items.upsert(row)

    async def delete(self, key: UUID) -> None:
        await self._items.delete(key)

    async def page_with_total(self, offset: int) -> object:
        return await self._items.page(PageParams(limit=50, offset=offset, total=True))

    async def page_deep_input(self, depth: int) -> str:
        nearby = await self._items.cursor_page(
            ByAge(limit=50), Item.created_at >= moment_of(depth - 50)
        )
        return nearby.next_cursor or ""

    async def page_deep(self, cursor: str) -> object:
        return await self._items.cursor_page(ByAge(limit=50, cursor=cursor))

    async def add_many(self, rows: Sequence[dict[str, Any]]) -> object:
        return await self._items.add_many(rows)

    async def update_many(self, rows: Sequence[dict[str, Any]]) -> object:
        return await self._items.update_many(rows)

    async def upsert_many(self, rows: Sequence[dict[str, Any]]) -> object:
        return await self._items.upsert_many(rows)

    async def delete_many(self, keys: Sequence[UUID]) -> object:
        return await self._items.delete_many(keys)
