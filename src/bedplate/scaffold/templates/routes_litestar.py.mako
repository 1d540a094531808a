"""${it.name.plural_words.capitalize()} over HTTP."""

<%
    reader, writer = ("principal: AnyPrincipal",) * 2 if it.owner else ("_user: CurrentUser", "_admin: AdminUser")
    by = ", principal" if it.owner else ""
    cls, one, plural, alias = it.name.class_name, it.name.singular, it.plural_variable, it.name.plural_class_name
%>
router = Router("/${it.name.path}", tags=["${it.name.plural_words}"])


@router.get()
async def list_${it.name.plural}(
    params: FromQuery[${cls}ListParams], ${reader}, ${plural}: ${alias}
) -> CursorPage[${cls}Read]:
    """${it.says_list}"""
    return await ${plural}.page(params${by})


@router.post(responses=error_responses(${"404, " if it.guarded else ""}409))
async def add_${one}(data: JSONBody[${cls}Create], ${writer}, ${plural}: ${alias}) -> ${cls}Read:
    """Add ${it.name.one}."""
    return ${cls}Read.model_validate(await ${plural}.add(data${by}))


@router.get("/{${one}_id:str}", responses=error_responses(404))
async def read_${one}(${one}_id: FromPath[UUID], ${reader}, ${plural}: ${alias}) -> ${cls}Read:
    """Read ${it.name.one}."""
    return ${cls}Read.model_validate(await ${plural}.get(${one}_id${by}))


@router.patch("/{${one}_id:str}", responses=error_responses(404, 409))
async def change_${one}(
    ${one}_id: FromPath[UUID], data: JSONBody[${cls}Update], ${writer}, ${plural}: ${alias}
) -> ${cls}Read:
    """Change ${it.name.one}; what is not sent stays."""
    return ${cls}Read.model_validate(await ${plural}.change(${one}_id, data${by}))


@router.delete("/{${one}_id:str}", responses=error_responses(404, 409))
async def delete_${one}(${one}_id: FromPath[UUID], ${writer}, ${plural}: ${alias}) -> None:
    """Delete ${it.name.one}."""
    await ${plural}.delete(${one}_id${by})
