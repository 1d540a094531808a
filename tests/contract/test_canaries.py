"""Secrets planted everywhere appear in nothing that comes out."""

import io
import json
from typing import Any

import httpx
import pytest
import sqlalchemy
from fastapi import FastAPI
from pydantic import SecretStr

from bedplate.context import bind
from bedplate.errors import ConfigurationError, UnavailableError
from bedplate.integrations.fastapi import install
from bedplate.logging import configure_logging, get_logger
from bedplate.schemas import Schema
from bedplate.secret_strength import generate_secret
from bedplate.settings import ServiceSettings, load_settings

PASSWORD = "hunter2canary"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlY2FuYXJ5"
EMAIL = "ada.lovelace.canary@example.org"
URL = f"postgresql://app:{PASSWORD}@db.example/app"
CANARIES = (PASSWORD, TOKEN, EMAIL, "ada.lovelace")
SECRET = generate_secret()


class SignUp(Schema):
    """What is sent by a client."""

    email: str
    password: SecretStr
    age: int


@pytest.fixture
def settings() -> ServiceSettings:
    return load_settings(
        ServiceSettings,
        _env_file=None,
        environment="production",
        database_url=URL,
        redis_url=f"redis://:{PASSWORD}@redis.example/0",
        secret_key=SECRET,
        rate_limit_enabled=False,
    )


async def failing_check() -> None:
    raise ConnectionError(f"cannot connect to {URL} as {EMAIL}")


def application(settings: ServiceSettings) -> FastAPI:
    app = FastAPI()
    log = get_logger("service")

    @app.post("/log")
    async def log_everything(body: dict[str, Any]) -> str:
        bind(authorization=f"Bearer {TOKEN}", customer=EMAIL)
        event = f"{URL} {EMAIL} Bearer {TOKEN}"
        log.info(event, password=PASSWORD, body=body, url=URL, who=EMAIL)
        log.info("nested", data={"credentials": {"api_key": PASSWORD}, "list": [URL, {"x": EMAIL}]})
        log.info("object", secret=SecretStr(PASSWORD), settings=settings, token=TOKEN)
        return "logged"

    @app.post("/bug")
    async def bug(body: dict[str, Any]) -> None:
        try:
            raise KeyError(f"password={PASSWORD}")
        except KeyError as error:
            raise RuntimeError(f"{URL} of {EMAIL} with Bearer {TOKEN}") from error

    @app.post("/sql")
    async def sql(body: dict[str, Any]) -> None:
        statement = f"SELECT 1 FROM users WHERE email = '{EMAIL}'"
        raise sqlalchemy.exc.ProgrammingError(
            statement, {"password": PASSWORD, "email": EMAIL}, Exception(URL), hide_parameters=True
        )

    @app.post("/down")
    async def down() -> None:
        raise UnavailableError from ConnectionError(URL)

    @app.post("/validated")
    async def validated(new: SignUp) -> None:
        return None

    install(app, settings, checks={"database": failing_check})
    return app


@pytest.mark.unhappy
@pytest.mark.parametrize("as_json", [True, False])
async def test_no_secret_comes_out_of_logs_answers_health_and_metrics(
    settings: ServiceSettings, as_json: bool
) -> None:
    app = application(settings)
    stream = io.StringIO()
    configure_logging("DEBUG", json=as_json, stream=stream)
    headers = {
        "authorization": f"Bearer {TOKEN}",
        "cookie": f"session={PASSWORD}",
        "x-request-id": EMAIL,
    }
    body = {"email": EMAIL, "password": PASSWORD, "age": TOKEN, "extra": URL}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answers = [
            await client.post(f"{path}?token={TOKEN}", json=body, headers=headers)
            for path in ("/log", "/bug", "/sql", "/down", "/validated", f"/{EMAIL}")
        ]
        answers += [await client.post("/validated", content=json.dumps(body)[:-5], headers=headers)]
        answers += [
            await client.get(path) for path in ("/health/ready", "/metrics", "/openapi.json")
        ]
    configure_logging("INFO", json=True)
    shown = "".join(answer.text + str(answer.headers) for answer in answers)
    assert {answer.status_code for answer in answers} >= {200, 404, 422, 500, 503}
    for canary in (*CANARIES, SECRET):
        assert canary not in shown
        assert canary not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) > 10


@pytest.mark.unhappy
def test_no_secret_comes_out_of_settings_and_what_is_wrong_with_them(
    settings: ServiceSettings,
) -> None:
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    with pytest.raises(ConfigurationError) as caught:
        load_settings(
            ServiceSettings,
            _env_file=None,
            environment="production",
            database_url=f"mysql://app:{PASSWORD}@db/app",
            secret_key=PASSWORD,
            redis_url=PASSWORD,
            rate_limit=PASSWORD,
            trusted_proxies=PASSWORD,
            cors_origins=EMAIL,
        )
    for canary in (*CANARIES, SECRET):
        assert canary not in shown + str(caught.value) + repr(caught.value)
    for name in (
        "DATABASE_URL",
        "SECRET_KEY",
        "REDIS_URL",
        "RATE_LIMIT",
        "TRUSTED_PROXIES",
        "CORS_ORIGINS",
    ):
        assert name in str(caught.value)
