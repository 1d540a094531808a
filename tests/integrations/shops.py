"""One small API with everything that routes declare, written for each framework."""

from typing import Annotated, Any, Literal
from uuid import UUID

import fastapi
import litestar
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, URLEncodedBody
from pydantic import Field, SecretStr
from starlette.applications import Starlette
from starlette.requests import Request

from bedplate.errors import NotFoundError, PermissionDeniedError
from bedplate.integrations import fastapi as on_fastapi
from bedplate.integrations import litestar as on_litestar
from bedplate.integrations import starlette as on_starlette
from bedplate.pagination import CursorPage, CursorParams
from bedplate.schemas import Schema

TOKEN_URL = "/token"


class ItemCreate(Schema):
    """A new item."""

    name: str = Field(min_length=2, examples=["door"])
    tags: set[str] = Field(default_factory=set, max_length=3)
    size: Literal["s", "m"] | None = None


class ItemRead(ItemCreate):
    """An item."""

    id: int


class Params(CursorParams):
    """Which items."""

    size: Literal["s", "m"] = "s"
    color: list[str] = Field(default_factory=list, description="Any of these.")


class Credentials(Schema):
    """A form."""

    username: str
    password: SecretStr
    grant_type: Literal["password"] | None = None


def made(item: ItemCreate) -> ItemRead:
    return ItemRead(id=7, **item.model_dump())


def page(params: Params) -> CursorPage[ItemRead]:
    names = [params.size, *params.color]
    return CursorPage(items=[ItemRead(id=1, name=name * 2) for name in names], total=params.limit)


def known(token: str) -> str:
    if token != "ada":
        raise PermissionDeniedError
    return token


def fastapi_shop() -> fastapi.FastAPI:
    bearer = on_fastapi.BearerToken(TOKEN_URL)
    router = fastapi.APIRouter(prefix="/items", tags=["items"])

    def caller(token: Annotated[str, fastapi.Depends(bearer)]) -> str:
        return known(token)

    Caller = Annotated[str, fastapi.Depends(caller)]  # noqa: N806

    @router.post("", status_code=201, responses=on_fastapi.error_responses(409))
    async def add_item(new: ItemCreate, caller: Caller) -> ItemRead:
        """Add an item."""
        return made(new)

    @router.get("")
    async def list_items(params: Annotated[Params, fastapi.Query()]) -> CursorPage[ItemRead]:
        """List items."""
        return page(params)

    @router.get("/{item_id}", responses=on_fastapi.error_responses(404))
    async def read_item(item_id: UUID, depth: Annotated[int, fastapi.Query()] = 1) -> ItemRead:
        """Read an item."""
        raise NotFoundError(resource=f"Item {depth}")

    @router.put("/{item_id}", status_code=202)
    async def replace_item(item_id: UUID, new: ItemCreate) -> None:
        """Replace an item."""

    @router.delete("/{item_id}", status_code=204)
    async def delete_item(item_id: UUID, caller: Caller) -> None:
        """Delete an item."""

    app = fastapi.FastAPI(title="Shop", version="1")

    @app.post("/token")
    async def log_in(form: Annotated[Credentials, fastapi.Form()]) -> dict[str, str]:
        """Sign in."""
        return {"access_token": form.username}

    app.include_router(router)
    return app


def starlette_shop() -> Starlette:
    from bedplate.integrations.starlette import Body, Form, FromRequest, Path, Query, Routes

    bearer = on_starlette.BearerToken(TOKEN_URL)
    routes = Routes("/items", tags=["items"])

    async def caller(request: Request) -> str:
        return known(bearer(request))

    Caller = Annotated[str, FromRequest(caller, security=bearer)]  # noqa: N806

    async def add_item(new: Body[ItemCreate], caller: Caller) -> ItemRead:
        """Add an item."""
        return made(new)

    async def list_items(params: Query[Params]) -> CursorPage[ItemRead]:
        """List items."""
        return page(params)

    async def read_item(item_id: Path[UUID], depth: Query[int] = 1) -> ItemRead:
        """Read an item."""
        raise NotFoundError(resource=f"Item {depth}")

    async def replace_item(item_id: Path[UUID], new: Body[ItemCreate]) -> None:
        """Replace an item."""

    async def delete_item(item_id: Path[UUID], caller: Caller) -> None:
        """Delete an item."""

    async def log_in(form: Form[Credentials]) -> dict[str, str]:
        """Sign in."""
        return {"access_token": form.username}

    # the names are those of this function: type hints are read from the module else
    for declare, function in (
        (routes.post(status=201, errors=[409]), add_item),
        (routes.get(), list_items),
        (routes.get("/{item_id}", errors=[404]), read_item),
        (routes.put("/{item_id}", status=202), replace_item),
        (routes.delete("/{item_id}", status=204), delete_item),
    ):
        declare(function)
    root = Routes("", routes)
    root.post("/token")(log_in)
    return Starlette(routes=list(root))


def litestar_shop() -> litestar.Litestar:
    router = on_litestar.Router("/items", tags=["items"])

    async def get_caller(token: NamedDependency[str]) -> str:
        return known(token)

    @router.post(responses=on_litestar.error_responses(409))
    async def add_item(data: JSONBody[ItemCreate], caller: NamedDependency[str]) -> ItemRead:
        """Add an item."""
        return made(data)

    @router.get()
    async def list_items(params: FromQuery[Params]) -> CursorPage[ItemRead]:
        """List items."""
        return page(params)

    @router.get("/{item_id:str}", responses=on_litestar.error_responses(404))
    async def read_item(item_id: FromPath[UUID], depth: FromQuery[int] = 1) -> ItemRead:
        """Read an item."""
        raise NotFoundError(resource=f"Item {depth}")

    @router.put("/{item_id:str}", status_code=202)
    async def replace_item(item_id: FromPath[UUID], data: JSONBody[ItemCreate]) -> None:
        """Replace an item."""

    @router.delete("/{item_id:str}")
    async def delete_item(item_id: FromPath[UUID], caller: NamedDependency[str]) -> None:
        """Delete an item."""

    @litestar.post("/token", status_code=200)
    async def log_in(data: URLEncodedBody[Credentials]) -> dict[str, str]:
        """Sign in."""
        return {"access_token": data.username}

    return litestar.Litestar(
        [router, log_in],
        dependencies={"token": on_litestar.BearerToken(TOKEN_URL), "caller": get_caller},
        logging_config=None,
        openapi_config=None,
    )


def installed(name: str, service: Any) -> Any:
    """Make a shop with everything installed."""
    match name:
        case "fastapi":
            return service.install(fastapi_shop(), install=on_fastapi.install)
        case "starlette":
            app, install = starlette_shop(), on_starlette.install
        case _:
            app, install = litestar_shop(), on_litestar.install  # type: ignore[assignment]
    return service.install(
        app, install=lambda *given, **more: install(*given, title="Shop", **more)
    )
