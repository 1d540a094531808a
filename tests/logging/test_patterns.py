"""bedplate.logging.patterns"""

import pytest

from bedplate.auth.api_key_text import ApiKeyFormat
from bedplate.auth.refresh_tokens import RefreshTokens
from bedplate.logging.patterns import redact_patterns

CANARY = "hunter2"


@pytest.mark.parametrize(
    "text",
    ["a plain sentence", "https://api.example/items?page=2", "10:30:00, 5 items = fine", "a @ b", "x == y",
     "postgresql://localhost/app", "bear with me", "cost $20", "acme_a1B2...9f3c", "-" * 43, "=" * 43, "x" * 43,
     "test_a_name_that_is_as_long_as_a_token_is_a_", "request 0192f0c1-9d3e-7c4b-8a57-5d1e2f3a4b5c was answered",
     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "sha256 " + "0a" * 32,
     "acme_a_name_that_is_longer_than_any_api_key_that_there_is_00000000"],
)  # fmt: skip
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert redact_patterns(text) == text


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "text",
    [
        "connect to postgresql://app:hunter2@db/app failed",
        "redis://:hunter2@cache:6379/0",
        "amqp://user:hunter2%40x/y@mq",
        "postgresql://app:p@ss/hunter2@db/app",
        "Authorization: Bearer hunter2.abc",
        "{'authorization': 'Basic hunter2=='}",
        "(b'cookie', b'session=hunter2; other=hunter2')",
        "sent bearer hunter2",
        "password=hunter2",
        'password: "hunter2 with spaces"',
        "{'secret_key': 'hunter2'}",
        "PGPASSWORD=hunter2 psql",
        "api_key=hunter2&page=2",
        "client_secret=hunter2",
        "token: hunter2",
        "DETAIL:  Key (nickname)=(hunter2) already exists.",
        "DETAIL:  Failing row contains (1, hunter2, null).",
        "[SQL: INSERT INTO t VALUES ($1)]\n[parameters: ('hunter2', 5)]",
        "Input should be valid [type=int_parsing, input_value='hunter2', input_type=str]",
        "{'type': 'int_parsing', 'loc': ('response',), 'input': 'hunter2'}",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----\nhunter2",
    ],
)
def test_credentials_in_text_are_hidden(text: str) -> None:
    assert CANARY not in redact_patterns(text)


def issued() -> list[str]:
    tokens = RefreshTokens([b"k" * 32])
    first = [tokens.new() for _ in range(50)]
    successors = [tokens.successor(token, b"nonce") for token in first]
    like_a_jwt = "FDSIwe0n7afYs-RBEBHeda_t2BI6QeyJnMaa0Kq71AZ"  # by chance
    by_chance = [f"acme_{like_a_jwt}0123abcd", f"{like_a_jwt[:42]}A"]
    return first + successors + by_chance + [ApiKeyFormat("acme").new().text for _ in range(50)]


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "text",
    ["{}", "could not refresh {}", "({})", "'{}'", "/reset/{}", "https://a.example/#t={}&x=1", "KeyError: b'{}'", "{}\n{}",
     "a,{},b", "<{}>", '"{}".', "x{}".replace("x", "\u00e9 ")],
)  # fmt: skip
def test_what_bedplate_issues_is_hidden_wherever_it_stands(text: str) -> None:
    for secret in issued():
        redacted = redact_patterns(text.replace("{}", secret))
        assert secret not in redacted
        assert secret[5:25] not in redacted


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "text",
    ["mail to ada.lovelace+x@example.org", "<ada@example.org>", "ada@localhost", "/reset/ada@example.org/go",
     "zoë@exämple.org", "a=ada@example.org&b=1", "ada" + "." * 200 + "@example.org"],
)  # fmt: skip
def test_mail_addresses_are_hidden(text: str) -> None:
    redacted = redact_patterns(text)
    assert "ada" not in redacted
    assert "zoë" not in redacted


@pytest.mark.unhappy
def test_tokens_and_hashes_are_hidden() -> None:
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    bcrypt = "$2b$12$" + "a" * 53
    argon2 = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFz/aGFz+a"
    redacted = redact_patterns(f"got {jwt} and {bcrypt} and ({argon2})")
    assert redacted == "got [redacted] and [redacted] and ([redacted])"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "hostile", ["://" * 20_000 + " @", "a" * 100_000 + "@", "password=" * 10_000, "bearer " * 15_000,
                ")=(" * 30_000, "eyJ" * 30_000, "$2" * 50_000, "@" * 100_000, "://@" * 25_000],
)  # fmt: skip
def test_hostile_text_is_read_in_linear_steps(hostile: str) -> None:
    assert len(redact_patterns(hostile)) < 2_000_000
