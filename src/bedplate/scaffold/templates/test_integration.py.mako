"""${it.name.plural_words.capitalize()} over HTTP, on PostgreSQL."""

<%
    cls, one, plural, owned = it.name.class_name, it.name.singular, it.name.plural, it.owner is not None
    ROWS = plural.upper()
    who = "ada" if owned else "admin"
    mine = ", owner_id=UUID(ada.id)" if owned else ""
    changes = [a for a in it.sent if a.kind.other and not a.field.unique] or [a for a in it.sent if a.kind.other]
    required = [a for a in it.sent if not a.optional]
    unique = [a for a in it.sent if a.field.unique]
    loose = [a for a in it.references if a is not it.owner and a not in it.guarded]
    queries = [(f.name, f.narrowing.hit, 1) for f in it.filters if f.narrowing.hit]
    queries += [(f.name, f.narrowing.miss, 0) for f in it.filters if f.narrowing.miss]
    ranged = [f.name for f in it.filters if f.narrowing.ending in {"_min", "_max", "_from", "_before"}]
%>
${ROWS} = "/api/v1/${it.name.path}"
NOBODY = "01890000-0000-7000-8000-000000000000"
CHANGES: dict[str, Any] = {
% for a in changes:
    "${a.name}": ${a.kind.other},
% endfor
}


@pytest.fixture
async def new(database: Database${", ada: Member" if it.guarded else ""}) -> dict[str, Any]:
    """What a client sends for ${it.name.one}."""
% for a in it.references:
% if a is not it.owner:
    ${a.field.name}_ = await store_sample(database, ${a.target.class_name}${", owner_id=UUID(ada.id)" if a in it.guarded else ""})
% endif
% endfor
    return {
% for a in it.sent:
% if a.target:
        "${a.name}": ${f"str({a.field.name}_.{a.target.key})" if a.target.python == "UUID" else f"{a.field.name}_.{a.target.key}"},
% else:
        "${a.name}": ${a.kind.sample},
% endif
% endfor
    }


async def test_${it.name.one.replace(' ', '_')}_is_added_read_changed_and_deleted(
    client: httpx.AsyncClient, ${who}: Member, ${"" if owned else "ada: Member, "}new: dict[str, Any]
) -> None:
    added = await client.post(${ROWS}, json=new, headers=${who}.headers)
    assert added.status_code == 201, added.text
    row = added.json()
    assert {name: row[name] for name in new} == new
    url = f"{${ROWS}}/{row['id']}"
    assert (await client.get(url, headers=ada.headers)).json() == row
    changed = await client.patch(url, json=CHANGES, headers=${who}.headers)
    assert changed.status_code == 200, changed.text
    assert changed.json() == {**row, **CHANGES, "updated_at": changed.json()["updated_at"]}
    assert (await client.delete(url, headers=${who}.headers)).status_code == 204
    assert_problem(await client.get(url, headers=ada.headers), 404, "not_found")


@pytest.mark.parametrize("sort", [${", ".join(f'"{name}", "-{name}"' for name in ("created_at", *it.sortable))}])
async def test_pages_hold_every_row_once(
    client: httpx.AsyncClient, ada: Member, database: Database, sort: str
) -> None:
    for _ in range(3):
        await store_sample(database, ${cls}${mine})
    query = {"limit": "2", "sort": sort, "total": "true"}
    first = (await client.get(${ROWS}, params=query, headers=ada.headers)).json()
    query["cursor"] = first["next_cursor"]
    second = (await client.get(${ROWS}, params=query, headers=ada.headers)).json()
    found = [row["id"] for page in (first, second) for row in page["items"]]
    assert (len(found), len(set(found)), first["total"]) == (3, 3, 3)
    assert (first["has_more"], second["has_more"]) == (True, False)
% if queries:


@pytest.mark.parametrize(
    ("query", "count"),
    [
% for name, value, count in queries:
        ({"${name}": ${value}}, ${count}),
% endfor
    ],
)
async def test_filters_narrow_the_list(
    client: httpx.AsyncClient, ${who}: Member, new: dict[str, Any], query: dict[str, str], count: int
) -> None:
    await client.post(${ROWS}, json=new, headers=${who}.headers)
    page = await client.get(${ROWS}, params=query, headers=${who}.headers)
    assert page.status_code == 200, page.text
    assert len(page.json()["items"]) == count
% endif
% if owned:


async def test_administrators_see_and_change_what_is_anybodys(
    client: httpx.AsyncClient, ada: Member, admin: Member, new: dict[str, Any]
) -> None:
    row = (await client.post(${ROWS}, json=new, headers=ada.headers)).json()
    url = f"{${ROWS}}/{row['id']}"
    assert (row["owner_id"], row) == (ada.id, (await client.get(url, headers=admin.headers)).json())
    assert (await client.patch(url, json={}, headers=admin.headers)).json() == row
    page = await client.get(${ROWS}, params={"owner_id": ada.id}, headers=admin.headers)
    assert page.json()["items"] == [row]
    assert (await client.delete(url, headers=admin.headers)).status_code == 204


@pytest.mark.unhappy
async def test_what_belongs_to_others_is_not_there(
    client: httpx.AsyncClient, ada: Member, bob: Member, new: dict[str, Any]
) -> None:
    row = (await client.post(${ROWS}, json=new, headers=ada.headers)).json()
    url = f"{${ROWS}}/{row['id']}"
    assert_problem(await client.get(url, headers=bob.headers), 404, "not_found")
    assert_problem(await client.patch(url, json={}, headers=bob.headers), 404, "not_found")
    assert_problem(await client.delete(url, headers=bob.headers), 404, "not_found")
    assert (await client.get(${ROWS}, headers=bob.headers)).json()["items"] == []
    assert (await client.get(url, headers=ada.headers)).json() == row
% else:


@pytest.mark.unhappy
async def test_only_administrators_write(
    client: httpx.AsyncClient, ada: Member, database: Database, new: dict[str, Any]
) -> None:
    url = f"{${ROWS}}/{(await store_sample(database, ${cls})).id}"
    assert_problem(await client.post(${ROWS}, json=new, headers=ada.headers), 403, "forbidden")
    assert_problem(await client.patch(url, json=CHANGES, headers=ada.headers), 403, "forbidden")
    assert_problem(await client.delete(url, headers=ada.headers), 403, "forbidden")
    assert (await client.get(url, headers=ada.headers)).status_code == 200
% endif


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), *((method, f"/{NOBODY}") for method in ("GET", "PATCH", "DELETE"))],
)
async def test_nothing_is_told_without_a_token(
    client: httpx.AsyncClient, new: dict[str, Any], method: str, path: str
) -> None:
    body = new if method in {"POST", "PATCH"} else None
    response = await client.request(method, f"{${ROWS}}{path}", json=body)
    assert_problem(response, 401, "unauthenticated")


@pytest.mark.unhappy
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_what_is_not_there_is_not_found(
    client: httpx.AsyncClient, ${who}: Member, method: str
) -> None:
    body = CHANGES if method == "PATCH" else None
    url = f"{${ROWS}}/{NOBODY}"
    response = await client.request(method, url, json=body, headers=${who}.headers)
    assert_problem(response, 404, "not_found")


@pytest.mark.unhappy
async def test_an_id_that_is_none_is_refused(client: httpx.AsyncClient, ${who}: Member) -> None:
    response = await client.get(f"{${ROWS}}/nothing", headers=${who}.headers)
    assert_problem(response, 422, "invalid_request_data")


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("name", "value"),
    [
% for a in it.sent:
% for wrong in a.kind.wrong:
        ("${a.name}", ${wrong}),
% endfor
% endfor
    ],
)
async def test_a_value_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, ${who}: Member, new: dict[str, Any], name: str, value: object
) -> None:
    added = await client.post(${ROWS}, json={**new, name: value}, headers=${who}.headers)
    assert_problem(added, 422, "invalid_request_data")
    url = f"{${ROWS}}/{NOBODY}"
    changed = await client.patch(url, json={name: value}, headers=${who}.headers)
    assert_problem(changed, 422, "invalid_request_data")
% if required:


@pytest.mark.unhappy
@pytest.mark.parametrize("name", [${", ".join(f'"{a.name}"' for a in required)}])
async def test_what_every_row_has_is_neither_left_out_nor_empty(
    client: httpx.AsyncClient, ${who}: Member, new: dict[str, Any], name: str
) -> None:
    for body in ({**new, name: None}, {other: new[other] for other in new if other != name}):
        response = await client.post(${ROWS}, json=body, headers=${who}.headers)
        assert_problem(response, 422, "invalid_request_data")
    url = f"{${ROWS}}/{NOBODY}"
    response = await client.patch(url, json={name: None}, headers=${who}.headers)
    assert_problem(response, 422, "invalid_request_data")
% endif


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["id", "created_at", "updated_at", "${it.owner.name if owned else "no_such_field"}"])
async def test_nobody_sends_what_the_service_decides(
    client: httpx.AsyncClient, ${who}: Member, new: dict[str, Any], name: str
) -> None:
    response = await client.post(${ROWS}, json={**new, name: NOBODY}, headers=${who}.headers)
    assert_problem(response, 422, "invalid_request_data")


@pytest.mark.unhappy
@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused(
    client: httpx.AsyncClient, ${who}: Member, body: bytes
) -> None:
    headers = {**${who}.headers, "content-type": "application/json"}
    response = await client.post(${ROWS}, content=body, headers=headers)
    assert_problem(response, 400, response.json()["code"])


@pytest.mark.unhappy
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("sort", "no_such_field"),
        ("cursor", "forged"),
        ("no_such_filter", "1"),
% for name in ranged:
        ("${name}", "many"),
% endfor
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, ada: Member, name: str, value: str
) -> None:
    response = await client.get(${ROWS}, params={name: value}, headers=ada.headers)
    assert_problem(response, 422, response.json()["code"])
% if unique:


@pytest.mark.unhappy
async def test_what_is_there_already_is_a_conflict(
    client: httpx.AsyncClient, ${who}: Member, new: dict[str, Any]
) -> None:
    added = await client.post(${ROWS}, json=new, headers=${who}.headers)
    assert added.status_code == 201, added.text
    again = await client.post(${ROWS}, json=new, headers=${who}.headers)
    assert_problem(again, 409, "duplicate")
% endif
% if loose:


@pytest.mark.unhappy
@pytest.mark.parametrize("name", [${", ".join(f'"{a.name}"' for a in loose)}])
async def test_a_reference_to_nothing_is_refused(
    client: httpx.AsyncClient, ${who}: Member, new: dict[str, Any], name: str
) -> None:
    nothing = NOBODY if isinstance(new[name], str) else 2**31 - 1
    response = await client.post(${ROWS}, json={**new, name: nothing}, headers=${who}.headers)
    assert_problem(response, 422, "broken_reference")
% endif
% if it.guarded:


@pytest.mark.unhappy
async def test_nobody_refers_to_what_belongs_to_others(
    client: httpx.AsyncClient, ada: Member, bob: Member, new: dict[str, Any]
) -> None:
    added = await client.post(${ROWS}, json=new, headers=bob.headers)
    assert_problem(added, 404, "not_found")
    row = (await client.post(${ROWS}, json=new, headers=ada.headers)).json()
    assert {name: row[name] for name in new} == new
% endif
