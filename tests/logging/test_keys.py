"""bedplate.logging.keys"""

import pytest

from bedplate.logging.keys import is_sensitive_key


@pytest.mark.parametrize(
    "key",
    ["token_count", "token_type", "password_changed_at", "tokenizer", "secretary", "key", "cache_key", "author",
     "primary_key", "email_verified", "http.route", "", "-", "monkey"],
)  # fmt: skip
def test_what_only_sounds_or_measures_is_shown(key: str) -> None:
    assert not is_sensitive_key(key)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "key",
    ["password", "PASSWORD", "access_token", "refresh-token", "tokens", "X-Api-Key", "apiKey", "userPassword",
     "http.request.header.authorization", "Set-Cookie", "SECRET_KEY", "db_dsn", "secret_key_previous",
     "password1", "newPassword2", "token_2", "api_key1",
     "accesstoken", "x-refreshtokens", "clientsecret", "userpassword", "secretkey"],
)  # fmt: skip
def test_secrets_are_known_by_a_segment_of_their_name(key: str) -> None:
    assert is_sensitive_key(key)


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "key", ["email", "user_email", "emailAddress", "phone", "phone_number", "iban"]
)
def test_personal_data_is_known_by_a_segment_of_its_name(key: str) -> None:
    assert is_sensitive_key(key)
