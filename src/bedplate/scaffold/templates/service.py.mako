"""${it.name.plural_words.capitalize()}: added, read, changed and deleted."""

<%
    owned = it.owner is not None
    all_of = f"uow.{it.name.plural}" + (".visible_to(caller)" if owned else "")
    by = ", caller: Principal[User]" if owned else ""
%>

class ${it.name.class_name}Service:
    """What can be done with ${it.name.plural_words}."""

    def __init__(self, uow: ${uow_class}) -> None:
        self.uow = uow

    async def add(self, new: ${it.name.class_name}Create${by}) -> ${it.name.class_name}:
        """Store ${it.name.one}${" of the caller's" if owned else ""}."""
        ${it.variable} = ${it.name.class_name}(**new.model_dump()${", owner_id=caller.account.id" if owned else ""})
        async with self.uow as uow:
% if it.guarded:
            await self._check_references(uow, new, caller)
% endif
            await uow.${it.name.plural}.add(${it.variable})
            await uow.commit()
        return ${it.variable}

    async def get(self, ${it.name.singular}_id: UUID${by}) -> ${it.name.class_name}:
        """Give ${it.name.one}${", if the caller may see it" if owned else ""}."""
        async with self.uow.read_only() as uow:
            return await ${all_of}.get(${it.name.singular}_id)

    async def page(self, params: ${it.name.class_name}ListParams${by}) -> CursorPage[${it.name.class_name}Read]:
        """Give a page of ${"what the caller may see" if owned else "all"}; columns are read, no entities."""
        async with self.uow.read_only() as uow:
            return await ${all_of}.select_as(${it.name.class_name}Read).cursor_page(params)

    async def change(self, ${it.name.singular}_id: UUID, changes: ${it.name.class_name}Update${by}) -> ${it.name.class_name}:
        """Change ${it.name.one}${" that the caller may see" if owned else ""}."""
        async with self.uow as uow:
% if it.guarded:
            await self._check_references(uow, changes, caller)
% endif
            ${it.variable} = await ${all_of}.update(${it.name.singular}_id, changes.changes())
            await uow.commit()
        return ${it.variable}

    async def delete(self, ${it.name.singular}_id: UUID${by}) -> None:
        """Delete ${it.name.one}${" that the caller may see" if owned else ""}."""
        async with self.uow as uow:
            await ${all_of}.delete(${it.name.singular}_id)
            await uow.commit()
% if it.guarded:

    @staticmethod
    async def _check_references(
        uow: ${uow_class}, sent: ${it.name.class_name}Create, caller: Principal[User]
    ) -> None:
        """Refuse references to what the caller may not see: it counts as not there."""
% for one in it.guarded:
        if sent.${one.name} is not None:
            await uow.${one.target.guarded_by}.visible_to(caller).get(sent.${one.name})
% endfor
% endif
