"""Which environment a project runs in, decided before its settings are loaded."""

import ipaddress
import os
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource, SettingsError

from bedplate.errors import ConfigurationError
from bedplate.settings import Environment, SecretUrl, ServiceSettings, load_settings


def settle_environment(settings_class: type[ServiceSettings]) -> bool:
    """Set ENVIRONMENT to development where nothing names it, and tell whether that was done.

    Args:
        settings_class: says what the variables are called and which file holds them.

    Raises:
        ConfigurationError: nothing names it while DATABASE_URL leads to another machine, where a
            guess could do harm.
    """
    found = _configured(settings_class)
    if found.get("environment"):
        return False
    environment, database_url = (
        variable(settings_class, field) for field in ("environment", "database_url")
    )
    url = found.get("database_url")
    if isinstance(url, str) and not is_local(url):
        raise ConfigurationError(
            f"{environment} is not set while {database_url} leads to another machine; set"
            f" {environment} to development, staging or production."
        )
    os.environ[environment] = Environment.DEVELOPMENT
    return True


def load(settings_class: type[ServiceSettings]) -> ServiceSettings:
    """Load the settings, ENVIRONMENT settled first.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    settle_environment(settings_class)
    return load_settings(settings_class)


def export_database_url(settings_class: type[ServiceSettings], url: SecretUrl) -> None:
    """Give the URL of the database to all that reads the environment: the application, children."""
    os.environ[variable(settings_class, "database_url")] = url.get_secret_value()


def variable(settings_class: type[ServiceSettings], field: str) -> str:
    """Give the environment's name of a setting."""
    return f"{settings_class.model_config.get('env_prefix') or ''}{field}".upper()


def is_local(url: str) -> bool:
    """Tell whether a database URL leads to this machine; one that cannot be read does not.

    Args:
        url: a libpq or SQLAlchemy URL: hosts may stand before the path or as `host=`, several
            separated by commas, and a folder of sockets is a host too.
    """
    try:
        parts = urlsplit(url)
        places = parts.netloc.rpartition("@")[2].split(",")
        query = parse_qs(parts.query)
    except ValueError:
        return False
    named = [host for value in query.get("host", []) for host in value.split(",")]
    named += [host for value in query.get("hostaddr", []) for host in value.split(",")]
    hosts = [_without_port(unquote(place)) for place in [*places, *named]]
    return all(_is_local_host(host) for host in hosts if host)


def _without_port(place: str) -> str:
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0] if place.count(":") == 1 else place


def _is_local_host(host: str) -> bool:
    if host.startswith(("/", "@")) or host.lower() in {"localhost", "localhost."}:
        return True  # a folder of sockets, an abstract socket
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _configured(settings_class: type[ServiceSettings]) -> dict[str, object]:
    """Give what environment and `.env` say, by field, not yet validated."""
    found: dict[str, object] = {}
    for source in (DotEnvSettingsSource, EnvSettingsSource):
        try:
            found |= source(settings_class)()
        except (SettingsError, UnicodeDecodeError, OSError):
            continue  # load_settings says it better
    return found
