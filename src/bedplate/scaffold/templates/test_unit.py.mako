"""${it.name.plural_words.capitalize()} without a database."""

<%
    cls, one, plural, owned = it.name.class_name, it.name.singular, it.name.plural, it.owner is not None
    by = ", ADA" if owned else ""
    changes = next((f'{{"{a.name}": {a.kind.other}}}' for a in it.sent if a.kind.other), "{}")
%>
NEW: dict[str, Any] = {
% for a in it.sent:
    "${a.name}": ${a.kind.sample or ('"01890000-0000-7000-8000-000000000001"' if a.kind.python == "UUID" else "1")},
% endfor
}
% if owned:
ADA = Principal(User(id=uuid4()), EVERYBODY, None, None)
% endif


@pytest.fixture
def ${plural}(mocker: MockerFixture) -> MagicMock:
    repository: MagicMock = mocker.create_autospec(${cls}Repository, instance=True)
% if owned:
    repository.visible_to.return_value = repository
    repository.select_as.return_value.cursor_page = mocker.AsyncMock()
% endif
    return repository


% for table in it.guarding:
@pytest.fixture
def ${table}(mocker: MockerFixture) -> MagicMock:
    repository: MagicMock = mocker.MagicMock()
    repository.visible_to.return_value.get = mocker.AsyncMock()
    return repository


% endfor
@pytest.fixture
def uow(${", ".join(f"{name}: MagicMock" for name in (plural, *it.guarding))}) -> FakeUnitOfWork:
    return FakeUnitOfWork(${", ".join(f"{name}={name}" for name in (plural, *it.guarding))})


@pytest.fixture
def service(uow: FakeUnitOfWork) -> ${cls}Service:
    return ${cls}Service(uow)  # type: ignore[arg-type]


async def test_adding_stores_and_commits(
    service: ${cls}Service, ${plural}: MagicMock, uow: FakeUnitOfWork
) -> None:
    added = await service.add(${cls}Create.model_validate(NEW)${by})
    ${plural}.add.assert_awaited_once_with(added)
% if owned:
    assert added.owner_id == ADA.account.id
% endif
    assert uow.committed


async def test_a_change_is_what_was_sent_and_nothing_else(
    service: ${cls}Service, ${plural}: MagicMock, uow: FakeUnitOfWork
) -> None:
    which, changes = uuid4(), ${cls}Update.model_validate(${changes})
    await service.change(which, changes${by})
    ${plural}.update.assert_awaited_once_with(which, changes.changes())
    assert set(changes.changes()) == set(${changes})
    assert uow.committed


@pytest.mark.unhappy
async def test_what_the_database_refuses_is_not_committed(
    service: ${cls}Service, ${plural}: MagicMock, uow: FakeUnitOfWork
) -> None:
    ${plural}.add.side_effect = InvalidDataError
    with pytest.raises(InvalidDataError):
        await service.add(${cls}Create.model_validate(NEW)${by})
    assert not uow.committed


@pytest.mark.unhappy
async def test_what_is_not_there_is_neither_changed_nor_deleted(
    service: ${cls}Service, ${plural}: MagicMock, uow: FakeUnitOfWork
) -> None:
    missing = NotFoundError(resource="${cls}")
    ${plural}.get.side_effect = ${plural}.update.side_effect = ${plural}.delete.side_effect = missing
    for call in (
        service.get(uuid4()${by}),
        service.change(uuid4(), ${cls}Update.model_validate({})${by}),
        service.delete(uuid4()${by}),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert not uow.committed


@pytest.mark.unhappy
@pytest.mark.parametrize("name", ["id", "created_at", "updated_at", "${it.owner.name if owned else "no_such_field"}"])
def test_nobody_sends_what_the_service_decides(name: str) -> None:
    for schema in (${cls}Create, ${cls}Update):
        with pytest.raises(ValidationError):
            schema.model_validate({**NEW, name: "01890000-0000-7000-8000-000000000001"})


@pytest.mark.unhappy
def test_a_change_may_leave_everything_out() -> None:
    assert ${cls}Update.model_validate({}).changes() == {}
% if owned:


@pytest.mark.unhappy
async def test_whoever_calls_reaches_no_more_than_they_may_see(
    service: ${cls}Service, ${plural}: MagicMock
) -> None:
    await service.get(uuid4(), ADA)
    await service.page(${cls}ListParams(), ADA)
    await service.change(uuid4(), ${cls}Update.model_validate({}), ADA)
    await service.delete(uuid4(), ADA)
    assert ${plural}.visible_to.call_args_list == 4 * [mock.call(ADA)]

% endif
% if it.guarded:


@pytest.mark.unhappy
async def test_nobody_refers_to_what_they_may_not_see(
    service: ${cls}Service, ${", ".join(f"{name}: MagicMock" for name in it.guarding)}, uow: FakeUnitOfWork
) -> None:
% for table in it.guarding:
    ${table}.visible_to.return_value.get.side_effect = NotFoundError
% endfor
    with pytest.raises(NotFoundError):
        await service.add(${cls}Create.model_validate(NEW), ADA)
    with pytest.raises(NotFoundError):
        await service.change(uuid4(), ${cls}Update.model_validate(NEW), ADA)
    assert not uow.committed
% endif
