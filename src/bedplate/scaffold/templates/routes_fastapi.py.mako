"""${it.name.plural_words.capitalize()} over HTTP."""

<%
    reader, writer = ("caller: AnyPrincipal",) * 2 if it.owner else ("_: CurrentUser", "_: AdminUser")
    by = ", caller" if it.owner else ""
    cls, one, plural, alias = it.name.class_name, it.name.singular, it.plural_variable, it.name.plural_class_name
%>
router = Router(prefix="/${it.name.path}", tags=["${it.name.plural_words}"])


@router.get("")
async def list_${it.name.plural}(
    params: Annotated[${cls}ListParams, Query()], ${reader}, ${plural}: ${alias}
) -> CursorPage[${cls}Read]:
    """${it.says_list}"""
    return await ${plural}.page(params${by})


@router.post("", status_code=201, responses=error_responses(${"404, " if it.guarded else ""}409))
async def add_${one}(new: ${cls}Create, ${writer}, ${plural}: ${alias}) -> ${cls}Read:
    """Add ${it.name.one}."""
    return ${cls}Read.model_validate(await ${plural}.add(new${by}))


@router.get("/{${one}_id}", responses=error_responses(404))
async def read_${one}(${one}_id: UUID, ${reader}, ${plural}: ${alias}) -> ${cls}Read:
    """Read ${it.name.one}."""
    return ${cls}Read.model_validate(await ${plural}.get(${one}_id${by}))


@router.patch("/{${one}_id}", responses=error_responses(404, 409))
async def change_${one}(
    ${one}_id: UUID, changes: ${cls}Update, ${writer}, ${plural}: ${alias}
) -> ${cls}Read:
    """Change ${it.name.one}; what is not sent stays."""
    return ${cls}Read.model_validate(await ${plural}.change(${one}_id, changes${by}))


@router.delete("/{${one}_id}", status_code=204, responses=error_responses(404, 409))
async def delete_${one}(${one}_id: UUID, ${writer}, ${plural}: ${alias}) -> None:
    """Delete ${it.name.one}."""
    await ${plural}.delete(${one}_id${by})
