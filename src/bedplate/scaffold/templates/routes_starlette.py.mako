"""${it.name.plural_words.capitalize()} over HTTP."""

<%
    reader, writer = ("caller: AnyPrincipal",) * 2 if it.owner else ("_: CurrentUser", "_: AdminUser")
    by = ", caller" if it.owner else ""
    cls, one, plural, alias = it.name.class_name, it.name.singular, it.plural_variable, it.name.plural_class_name
%>
routes = Routes("/${it.name.path}", tags=["${it.name.plural_words}"])


@routes.get("")
async def list_${it.name.plural}(
    params: Query[${cls}ListParams], ${reader}, ${plural}: ${alias}
) -> CursorPage[${cls}Read]:
    """${it.says_list}"""
    return await ${plural}.page(params${by})


@routes.post("", status=201, errors=[${"404, " if it.guarded else ""}409])
async def add_${one}(new: Body[${cls}Create], ${writer}, ${plural}: ${alias}) -> ${cls}Read:
    """Add ${it.name.one}."""
    return ${cls}Read.model_validate(await ${plural}.add(new${by}))


@routes.get("/{${one}_id}", errors=[404])
async def read_${one}(${one}_id: Path[UUID], ${reader}, ${plural}: ${alias}) -> ${cls}Read:
    """Read ${it.name.one}."""
    return ${cls}Read.model_validate(await ${plural}.get(${one}_id${by}))


@routes.patch("/{${one}_id}", errors=[404, 409])
async def change_${one}(
    ${one}_id: Path[UUID], changes: Body[${cls}Update], ${writer}, ${plural}: ${alias}
) -> ${cls}Read:
    """Change ${it.name.one}; what is not sent stays."""
    return ${cls}Read.model_validate(await ${plural}.change(${one}_id, changes${by}))


@routes.delete("/{${one}_id}", status=204, errors=[404, 409])
async def delete_${one}(${one}_id: Path[UUID], ${writer}, ${plural}: ${alias}) -> None:
    """Delete ${it.name.one}."""
    await ${plural}.delete(${one}_id${by})
