"""Settings from the environment and ``.env``, refused with every fault named and no value shown."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from bedplate._local_secret import STATE_FOLDER, local_secret
from bedplate._networks import is_network
from bedplate._validation import safe_message
from bedplate.errors import ConfigurationError, WeakSecretError
from bedplate.rate import Rate
from bedplate.secret_strength import check_secret_strength

_DATABASE_SCHEMES = {"postgresql", "postgresql+asyncpg", "postgresql+psycopg"}
_REDIS_SCHEMES = {"redis", "rediss", "unix"}
_FIXED_MESSAGES = frozenset({"setting"})


class Environment(StrEnum):
    """Where the service runs."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class SecretUrl(SecretStr):
    """A URL whose text may hold a password: shown only by ``get_secret_value()``."""


def _split_list(value: object) -> object:
    """Read ``a,b``, ``["a", "b"]`` and blank text as a list."""
    if not isinstance(value, str):
        return value
    if not value.strip().startswith("["):
        return [part.strip() for part in value.split(",") if part.strip()]
    try:
        return json.loads(value)
    except ValueError:
        message = "is neither a list separated by commas nor a JSON list"
    raise PydanticCustomError("list_parsing", "{what}", {"what": message})


type CommaSeparated[T] = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_split_list)]
"""A tuple that is written ``a,b`` or as a JSON list in the environment; blank is empty."""


def _read_rate(value: object) -> object:
    try:
        return Rate.parse(value) if isinstance(value, str) else value
    except ConfigurationError:
        pass
    raise _refuse("is not of the form 600/minute or 10/15 minutes")


type RateSetting = Annotated[Rate, NoDecode, BeforeValidator(_read_rate)]
"""A rate that is written ``600/minute`` in the environment."""


def _refuse(what: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{what}", {"what": what})


class ServiceSettings(BaseSettings):
    """What every service is configured by; a service subclasses it to add its own."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    environment: Environment
    """development, staging or production."""

    database_url: SecretUrl | None = None
    """``postgresql://...``; in development None means the embedded PostgreSQL."""
    database_pool_size: int = Field(default=10, ge=1, le=1000)
    """Connections that one process keeps."""
    database_pool_timeout: float = Field(default=5.0, gt=0, le=300)
    """Seconds to wait for a free connection."""
    database_statement_timeout: float | None = Field(default=None, gt=0)
    """Seconds after which PostgreSQL cancels a statement; None for no limit."""
    database_pooler: Literal["none", "transaction"] = "none"
    """``transaction``: DATABASE_URL leads through a pooler such as PgBouncer in that mode."""
    database_direct_url: SecretUrl | None = None
    """The way around the pooler, for migrations and workers; None for DATABASE_URL itself."""
    database_read_url: SecretUrl | None = None
    """A streaming replica, which answers units of work that only read; None for DATABASE_URL."""
    database_read_lag: float = Field(default=2.0, ge=0.1, le=60)
    """Seconds that the replica may be behind; beyond them DATABASE_URL answers."""

    secret_key: SecretStr = SecretStr("")
    """At least 32 random bytes; in development a missing one is made locally, once."""
    secret_key_previous: CommaSeparated[SecretStr] = ()
    """Former secret keys that still verify what they signed."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["auto", "console", "json"] = "auto"
    """``auto``: readable in development, one JSON object a line elsewhere."""

    cors_allow_credentials: bool = False
    """Whether browsers may send cookies from other origins."""
    cors_origins: CommaSeparated[str] = ()
    """Origins whose pages may call this service, as ``https://host[:port]``, or ``*``."""

    redis_url: SecretUrl | None = None
    """``redis://...``, ``rediss://...`` or ``unix://...``."""

    metrics_backend: Literal["auto", "prometheus", "opentelemetry", "off"] = "auto"
    """What keeps the metrics; ``auto`` is Prometheus where its extra is installed."""
    metrics_open: bool = False
    """Whether ``/metrics`` answers everybody; else only who asks from the same machine."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """A port of their own for metrics, in place of ``/metrics``."""
    metrics_host: str = "127.0.0.1"
    """The address that this port listens on."""
    worker_port: int | None = Field(default=None, ge=1, le=65535)
    """A port for the probes and the metrics of `bedplate worker`; None for none."""
    worker_host: str = "127.0.0.1"
    """The address that this port listens on."""
    traces_backend: Literal["off", "opentelemetry"] = "off"
    """What makes spans of requests and database operations."""
    trusted_proxies: CommaSeparated[str] = ()
    """Proxies whose ``X-Forwarded-For`` tells the client: addresses, networks, or ``private``."""
    rate_limit_enabled: bool = True
    """Whether anything is limited: requests, and the attempts at accounts that a service throttles."""
    rate_limit: RateSetting | None = None
    """How many requests one client may send, as ``600/minute``; None for any number."""

    idempotency_enabled: bool = False
    """Whether a POST or PATCH with an Idempotency-Key is carried out once, however often it is sent."""
    idempotency_seconds: int = Field(default=86_400, ge=1, le=31_536_000)
    """How long its answer is kept."""
    idempotency_fallback: Literal["refuse", "process"] = "refuse"
    """While Redis is down: refuse requests with a key, or keep answers in each process."""

    docs_enabled: bool = True
    """Whether ``/docs`` and ``/openapi.json`` are served."""
    request_body_limit: int = Field(default=1_048_576, ge=1024)
    """The largest request body that is read, in bytes."""

    @property
    def is_deployed(self) -> bool:
        """Whether this is staging or production, where nothing is made up for convenience."""
        return self.environment is not Environment.DEVELOPMENT

    @property
    def direct_url(self) -> SecretUrl:
        """The way to the database that no pooler is on.

        Raises:
            ConfigurationError: there is none; the embedded server's is known once it runs.
        """
        url = self.database_direct_url or self.database_url
        if url is None:
            raise ConfigurationError("DATABASE_URL is missing.")
        return url

    @property
    def logs_as_json(self) -> bool:
        """Whether each log record is one JSON object on a line."""
        return self.log_format == "json" or (self.log_format == "auto" and self.is_deployed)

    @field_validator(
        "environment",
        "log_format",
        "metrics_backend",
        "traces_backend",
        "idempotency_fallback",
        mode="before",
    )
    @classmethod
    def _ignore_case(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, value: object) -> object:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, url: SecretUrl | None, info: ValidationInfo) -> SecretUrl | None:
        if url is None:
            if _deployed(info):
                raise _refuse("is missing")
            return None
        return _postgresql(url)

    @field_validator("database_direct_url", "database_read_url")
    @classmethod
    def _check_other_url(cls, url: SecretUrl | None) -> SecretUrl | None:
        return None if url is None else _postgresql(url)

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, url: SecretUrl | None, info: ValidationInfo) -> SecretUrl | None:
        if url is None and info.data.get("database_read_url") and _deployed(info):
            raise _refuse(
                "is missing: with DATABASE_READ_URL, processes share there who wrote lately"
            )
        if url is not None and _scheme(url.get_secret_value()) not in _REDIS_SCHEMES:
            raise _refuse("is not a URL that begins with redis://, rediss:// or unix://")
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        if not all(proxy == "private" or is_network(proxy) for proxy in proxies):
            raise _refuse("holds something that is neither an address, a network, nor private")
        return proxies

    @field_validator("secret_key")
    @classmethod
    def _check_secret_key(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        if secret.get_secret_value():
            return _strong(secret)
        if "environment" not in info.data:
            return secret  # what is missing without it shows when it is known
        if _deployed(info):
            raise _refuse("is missing (make one with: bedplate secret)")
        try:
            return _strong(SecretStr(local_secret(Path.cwd())))
        except OSError:
            message = f"is missing, and {STATE_FOLDER}/secret_key cannot be made here"
        raise _refuse(message)

    @field_validator("secret_key_previous")
    @classmethod
    def _check_previous(cls, previous: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(_strong(secret) for secret in previous)

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "*" in origins and info.data.get("cors_allow_credentials") and _deployed(info):
            raise _refuse("is * while CORS_ALLOW_CREDENTIALS is on: any site could act for users")
        if not all(origin == "*" or _is_origin(origin) for origin in origins):
            raise _refuse("holds something that is not of the form https://host[:port]")
        return tuple(origin.lower() for origin in origins)  # as browsers send them


def load_settings[S: BaseSettings](settings_class: type[S], **overrides: Any) -> S:  # noqa: ANN401
    """Read settings from the environment and ``.env``.

    Args:
        settings_class: the class to fill.
        overrides: values by field name that win over the environment.

    Raises:
        ConfigurationError: something is missing or wrong; every variable at fault is named, and
            no value is shown.
    """
    try:
        return settings_class(**overrides)
    except ValidationError as error:
        faults = [_describe(fault, settings_class) for fault in error.errors(include_url=False)]
    except SettingsError as error:
        faults = [_describe_source(error, settings_class)]
    except UnicodeDecodeError:
        faults = [".env is not UTF-8 text"]
    except OSError:
        faults = [".env cannot be read"]
    # outside of the handlers, so that no traceback carries the values along
    raise ConfigurationError(f"The configuration is not valid: {'; '.join(faults)}.")


def _describe(fault: ErrorDetails, settings_class: type[BaseSettings]) -> str:
    prefix = settings_class.model_config.get("env_prefix") or ""
    location = [str(part) for part in fault["loc"]]
    if location and location[0] in settings_class.model_fields:
        location[0] = prefix + location[0]
    variable = ".".join([part.upper() for part in location[:1]] + location[1:])
    if fault["type"] == "missing":
        return f"{variable} is missing"
    message = safe_message(fault, fixed=_FIXED_MESSAGES)
    reads_on = message.startswith(("is ", "has ", "holds ", "repeats "))
    return f"{variable}{'' if reads_on else ':'} {message}" if variable else message


def _describe_source(error: SettingsError, settings_class: type[BaseSettings]) -> str:
    names = [name for name in settings_class.model_fields if f'"{name}"' in str(error)]
    prefix = settings_class.model_config.get("env_prefix") or ""
    return f"{(prefix + names[0]).upper()} is not valid JSON" if names else "it cannot be read"


def _deployed(info: ValidationInfo) -> bool:
    return info.data.get("environment") in {Environment.STAGING, Environment.PRODUCTION}


def _strong(secret: SecretStr) -> SecretStr:
    try:
        check_secret_strength(secret)
    except WeakSecretError as error:
        message = error.message
    else:
        return secret
    raise _refuse(message)


def _postgresql(url: SecretUrl) -> SecretUrl:
    text = url.get_secret_value()
    if text.startswith("postgres://"):  # what several hosting platforms hand out
        text = text.replace("postgres", "postgresql", 1)
    if _scheme(text) not in _DATABASE_SCHEMES:
        raise _refuse("is not a URL that begins with postgresql://")
    return SecretUrl(text)


def _scheme(url: str) -> str | None:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return None


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and port_is_number
        and not {"@", "*"} & set(parts.netloc)
        and not (parts.path or parts.query or parts.fragment)
    )
