"""/docs loads nothing from other hosts."""

import re
import sys

import pytest
from fastapi import FastAPI

from bedplate._extras import MissingExtraError

from .conftest import Service

LOADED = re.compile(r"""(?:src|href)=["']([^"']+)["']""")


async def test_every_asset_of_the_pages_is_our_own(service: Service) -> None:
    app = service.install(FastAPI())
    async with service.client(app) as client:
        for page in ("/docs", "/redoc"):
            response = await client.get(page)
            assets = LOADED.findall(response.text)
            assert len(assets) >= 2
            for asset in assets:
                assert asset.startswith("/docs-assets/")
                assert (await client.get(asset)).status_code == 200
            assert "default-src 'self'" in response.headers["content-security-policy"]


async def test_the_page_that_signing_in_comes_back_to_is_there(service: Service) -> None:
    app = service.install(FastAPI())
    async with service.client(app) as client:
        docs = await client.get("/docs")
        redirect = await client.get("/docs/oauth2-redirect")
    assert "/docs/oauth2-redirect" in docs.text
    assert "swaggerUIRedirectOauth2" in redirect.text
    assert "script-src" not in redirect.headers["content-security-policy"]


@pytest.mark.unhappy
async def test_no_page_names_another_host(service: Service) -> None:
    app = service.install(FastAPI())
    async with service.client(app) as client:
        text = (await client.get("/docs")).text + (await client.get("/redoc")).text
    assert not re.findall(r"https?://|(?<!:)//\w", text)
    assert '"validatorUrl": null' in text


@pytest.mark.unhappy
async def test_docs_can_be_switched_off(service: Service) -> None:
    app = service.install(FastAPI(), docs_enabled=False)
    async with service.client(app) as client:
        for path in (
            "/docs",
            "/redoc",
            "/openapi.json",
            "/docs/oauth2-redirect",
            "/docs-assets/swagger-ui.css",
        ):
            assert (await client.get(path)).status_code == 404


@pytest.mark.unhappy
@pytest.mark.parametrize("options", [{"docs_url": None}, {"openapi_url": None}])
async def test_pages_that_the_application_does_not_want_stay_away(
    service: Service, options: dict[str, None]
) -> None:
    app = FastAPI()
    app = service.install(FastAPI(**options))  # type: ignore[arg-type]
    async with service.client(app) as client:
        assert (await client.get("/docs")).status_code == 404


@pytest.mark.unhappy
async def test_addresses_follow_a_proxys_prefix(service: Service) -> None:
    import httpx

    app = service.install(FastAPI())
    transport = httpx.ASGITransport(app, root_path="/proxied")
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        text = (await client.get("/proxied/docs")).text
    assert all(asset.startswith("/proxied/docs-assets/") for asset in LOADED.findall(text))
    assert "/proxied/openapi.json" in text


@pytest.mark.unhappy
def test_missing_assets_are_one_sentence(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi_offline", None)
    with pytest.raises(MissingExtraError, match=r"bedplate\[fastapi\]"):
        service.install(FastAPI())
