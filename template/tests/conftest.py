"""What all tests share; the rest of the fixtures comes with bedplate's pytest plugin."""

import secrets

import pytest
from bedplate.settings import load_settings

from app.config import Settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Settings of no environment but this one, with a hash that costs little."""
    return load_settings(
        Settings,
        _env_file=None,
        environment="development",
        database_url="postgresql://nobody@localhost:1/nothing",  # tests hand in their own
        redis_url=None,
        secret_key=secrets.token_urlsafe(32),
        bcrypt_rounds=4,
    )
