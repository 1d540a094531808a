"""bedplate.auth.tokens and bedplate.auth.claims"""

import base64
import hashlib
import hmac
import json
import logging
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedplate.auth.keys import Key, KeyRing, KeyState, generate_secret
from bedplate.auth.tokens import AccessTokens
from bedplate.errors import ConfigurationError, InvalidTokenError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())
SUBJECT = UUID("0190163d-8694-739b-aea5-966c26f8ad91")
SESSION = UUID("0190163d-8694-739b-aea5-966c26f8ad92")
SECRET = generate_secret()
OLD_SECRET = generate_secret()
RING = KeyRing.from_secret(SECRET, previous=[OLD_SECRET])
KEY = RING.active
CLAIMS = {
    "iss": "https://bedplate.example",
    "aud": "orders",
    "sub": str(SUBJECT),
    "iat": SECOND,
    "exp": SECOND + 600,
    "jti": "d2b8a7f0",
    "sid": str(SESSION),
    "ver": 3,
    "scope": "read write",
}
HEADER = {"alg": "HS256", "kid": KEY.kid, "typ": "at+jwt"}
ABSENT = object()


def tokens(ring: Any = RING, clock: Any = lambda: NOW, **settings: Any) -> Any:
    return AccessTokens(
        ring, **{"issuer": CLAIMS["iss"], "audience": "orders", "clock": clock} | settings
    )


def encode(data: Any) -> Any:
    raw = data if isinstance(data, bytes) else json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(header: Any, payload: Any, secret: str = SECRET, digest: Any = hashlib.sha256) -> Any:
    """Sign anything at all with the right key: what only an insider or a confused issuer can do."""
    signed = f"{header}.{payload}"
    return f"{signed}.{encode(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def forged(header: Any = None, **claims: Any) -> Any:
    changed = {name: value for name, value in (CLAIMS | claims).items() if value is not ABSENT}
    names = {
        name: value for name, value in (HEADER | (header or {})).items() if value is not ABSENT
    }
    return sign(encode(names), encode(changed))


def test_a_token_comes_back_as_its_claims() -> None:
    issued = tokens().issue(SUBJECT, SESSION, 3, ("read", "write"))
    claims = tokens().verify(issued.token)
    assert (claims.subject, claims.session_id, claims.version) == (SUBJECT, SESSION, 3)
    assert claims.scopes == {"read", "write"}
    assert claims.expires_at - claims.issued_at == timedelta(seconds=issued.expires_in)


def test_a_token_says_nothing_about_the_person() -> None:
    header, payload, _ = tokens().issue(SUBJECT, SESSION, 3).token.split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, payload)]
    assert read[0] == HEADER
    assert read[1].keys() == CLAIMS.keys()


@pytest.mark.parametrize(
    "token",
    [
        forged(),
        forged(scope=""),
        forged(nbf=SECOND),
        forged(iat=SECOND + 5),
        forged(later_version_adds="this"),
        sign(encode({"typ": "at+jwt", "kid": KEY.kid, "alg": "HS256"}), encode(CLAIMS)),
    ],
    ids=["plain", "no scopes", "nbf now", "clock ahead", "unknown claim", "other header order"],
)
def test_accepts_what_the_gate_leaves_open(token: Any) -> None:
    assert tokens().verify(token).subject == SUBJECT


def test_tokens_of_a_retiring_and_of_a_pending_key_are_accepted() -> None:
    before = tokens(KeyRing.from_secret(OLD_SECRET)).issue(SUBJECT, SESSION, 1)
    assert tokens().verify(before.token).version == 1
    ahead = KeyRing([Key.hs256(OLD_SECRET), Key.hs256(SECRET, state=KeyState.PENDING)])
    assert tokens(ahead).verify(forged()).version == 3


GOOD = forged()
HEAD, BODY, SIGNATURE = GOOD.split(".")
RSA_STYLE = {"alg": "RS256"}

ATTACKS_ON_THE_FORM = {
    "empty": "",
    "one segment": HEAD,
    "two segments": f"{HEAD}.{BODY}",
    "four segments": f"{GOOD}.{SIGNATURE}",
    "five segments as JWE": f"{GOOD}.{BODY}.{SIGNATURE}",
    "empty signature": f"{HEAD}.{BODY}.",
    "empty payload": f"{HEAD}..{SIGNATURE}",
    "empty header": f".{BODY}.{SIGNATURE}",
    "space before": f" {GOOD}",
    "line feed after": f"{GOOD}\n",
    "line feed within": GOOD.replace(".", ".\n", 1),
    "NUL within": f"{HEAD}.{BODY}\0.{SIGNATURE}",
    "padding": f"{HEAD}=.{BODY}.{SIGNATURE}",
    "standard base64 alphabet": f"{HEAD}.{BODY[:-2]}+/.{SIGNATURE}",
    "letters beyond ASCII": f"{HEAD}.{BODY}.{SIGNATURE[:-1]}é",
    "digits beyond ASCII": f"{HEAD}.{BODY}.{SIGNATURE[:-1]}٣",
    "lone surrogate": f"{HEAD}.{BODY}.\ud800",
    "impossible length of a segment": f"{HEAD}.{BODY}A.{SIGNATURE}",
    "unused bits set in the signature": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
    "too long": forged(jti="x" * 8192),
    "10 MB": "A" * 10_000_000,
    "10 MB of segments": "A." * 5_000_000,
    "another signature": sign(HEAD, BODY, secret=generate_secret()),
    "cut signature": GOOD[:-4],
    "payload changed": f"{HEAD}.{encode(CLAIMS | {'ver': 4})}.{SIGNATURE}",
    "JSON serialization": json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE}),
    "bytes": GOOD.encode(),
    "None": None,
}

ATTACKS_ON_THE_HEADER = {
    "alg none": f"{encode(HEADER | {'alg': 'none'})}.{BODY}.{SIGNATURE}",
    "alg None": forged(header={"alg": "None"}),
    "alg HS512": sign(encode(HEADER | {"alg": "HS512"}), BODY, digest=hashlib.sha512),
    "alg HS384": sign(encode(HEADER | {"alg": "HS384"}), BODY, digest=hashlib.sha384),
    "alg RS256": forged(header={"alg": "RS256"}),
    "alg lower case": forged(header={"alg": "hs256"}),
    "alg missing": forged(header={"alg": ABSENT}),
    "alg null": forged(header={"alg": None}),
    "alg a list": forged(header={"alg": ["HS256"]}),
    "typ JWT": forged(header={"typ": "JWT"}),
    "typ of an id token": forged(header={"typ": "id+jwt"}),
    "typ long form": forged(header={"typ": "application/at+jwt"}),
    "typ missing": forged(header={"typ": ABSENT}),
    "kid missing": forged(header={"kid": ABSENT}),
    "kid unknown": forged(header={"kid": "other"}),
    "kid a path": forged(header={"kid": "../../../../dev/null"}),
    "kid as SQL": forged(header={"kid": "' OR '1'='1"}),
    "kid a number": forged(header={"kid": 1}),
    "kid a list": forged(header={"kid": [KEY.kid]}),
    "kid of another key": forged(header={"kid": KeyRing.from_secret(OLD_SECRET).active.kid}),
    "jku": forged(header={"jku": "https://evil.example/jwks.json"}),
    "jwk": forged(header={"jwk": {"kty": "oct", "k": "AA"}}),
    "x5u": forged(header={"x5u": "https://evil.example/cert.pem"}),
    "crit": forged(header={"crit": ["exp"]}),
    "b64 false": forged(header={"b64": False, "crit": ["b64"]}),
    "zip": forged(header={"zip": "DEF"}),
    "cty": forged(header={"cty": "JWT"}),
    "a list": sign(encode([HEADER]), BODY),
    "a text": sign(encode("header"), BODY),
    "not JSON": sign(encode(b"header"), BODY),
    "duplicate alg": sign(
        encode(b'{"alg":"none","alg":"HS256","kid":"%s","typ":"at+jwt"}' % KEY.kid.encode()), BODY
    ),
    "UTF-16": sign(encode(json.dumps(HEADER).encode("utf-16")), BODY),
    "byte order mark": sign(encode(b"\xef\xbb\xbf" + json.dumps(HEADER).encode()), BODY),
    "not UTF-8": sign(encode(b'{"alg":"\xff"}'), BODY),
    "deeply nested": sign(encode(b"[" * 5000), BODY),
    "number of 5,000 digits": sign(encode(b'{"alg":%s}' % (b"1" * 5000)), BODY),
}

ATTACKS_ON_THE_CLAIMS = {
    **{f"{name} missing": forged(**{name: ABSENT}) for name in CLAIMS},
    **{f"{name} null": forged(**{name: None}) for name in CLAIMS},
    "iss of somebody else": forged(iss="https://evil.example"),
    "iss a list": forged(iss=[CLAIMS["iss"]]),
    "aud of another service": forged(aud="billing"),
    "aud a list with us": forged(aud=["orders", "billing"]),
    "aud a list of us": forged(aud=["orders"]),
    "aud with other case": forged(aud="Orders"),
    "sub no UUID": forged(sub="root"),
    "sub with NUL": forged(sub=f"{SUBJECT}\0"),
    "sub with line feed": forged(sub=f"{SUBJECT}\n"),
    "sub a number": forged(sub=7),
    "sub in braces": forged(sub=f"{{{SUBJECT}}}"),
    "sub as URN": forged(sub=SUBJECT.urn),
    "sub in capitals": forged(sub=str(SUBJECT).upper()),
    "sub without dashes": forged(sub=SUBJECT.hex),
    "sub in other digits": forged(sub=str(SUBJECT).translate({ord("9"): "٩"})),
    "sid no UUID": forged(sid="1"),
    "sid an object": forged(sid={"$ne": None}),
    "exp passed": forged(iat=SECOND - 600, exp=SECOND - 1),
    "exp now": forged(iat=SECOND - 600, exp=SECOND),
    "exp text": forged(exp=str(SECOND + 600)),
    "exp in Arabic digits": forged(exp="١٧٧٢٣٦٦٩٩٩"),
    "exp a float": forged(exp=SECOND + 600.0),
    "exp true": forged(exp=True),
    "exp infinite": sign(
        HEAD, encode(json.dumps(CLAIMS).replace(str(SECOND + 600), "Infinity").encode())
    ),
    "exp not a number": sign(
        HEAD, encode(json.dumps(CLAIMS).replace(str(SECOND + 600), "NaN").encode())
    ),
    "exp 1e400": sign(
        HEAD, encode(json.dumps(CLAIMS).replace(str(SECOND + 600), "1e400").encode())
    ),
    "exp a list": forged(exp=[SECOND + 600]),
    "lifetime of 601 seconds": forged(exp=SECOND + 601),
    "lifetime of 100 years": forged(exp=SECOND + 3_155_760_000),
    "lifetime hidden by an early iat": forged(iat=0),
    "iat in the future": forged(iat=SECOND + 6, exp=SECOND + 500),
    "iat negative": forged(iat=-1),
    "iat true": forged(iat=True),
    "iat text": forged(iat=str(SECOND)),
    "nbf in the future": forged(nbf=SECOND + 6),
    "nbf text": forged(nbf=str(SECOND)),
    "ver negative": forged(ver=-1),
    "ver text": forged(ver="3"),
    "ver true": forged(ver=True),
    "ver a float": forged(ver=3.0),
    "ver larger than the column": forged(ver=2**31),
    "jti a number": forged(jti=1),
    "jti empty": forged(jti=""),
    "jti with NUL": forged(jti="a\0"),
    "jti too long": forged(jti="x" * 129),
    "scope a list": forged(scope=["read"]),
    "scope with two spaces": forged(scope="read  write"),
    "scope with line feed": forged(scope="read\nadmin"),
    "scope with quote": forged(scope='read" admin'),
    "scope with lone surrogate": forged(scope="\ud800"),
    "cnf": forged(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
    "duplicate sub": sign(HEAD, encode(json.dumps(CLAIMS)[:-1].encode() + b',"sub":"x"}')),
    "a list": sign(HEAD, encode([CLAIMS])),
    "not JSON": sign(HEAD, encode(b"payload")),
    "UTF-16": sign(HEAD, encode(json.dumps(CLAIMS).encode("utf-16-le"))),
    "deeply nested": sign(HEAD, encode(b'{"a":' * 1100)),
}


@pytest.mark.unhappy
@pytest.mark.parametrize("token", ATTACKS_ON_THE_FORM.values(), ids=ATTACKS_ON_THE_FORM.keys())
def test_refuses_what_is_not_one_spelling_of_a_token(token: Any) -> None:
    with pytest.raises(InvalidTokenError):
        tokens().verify(token)


@pytest.mark.unhappy
@pytest.mark.parametrize("token", ATTACKS_ON_THE_HEADER.values(), ids=ATTACKS_ON_THE_HEADER.keys())
def test_refuses_a_header_that_is_not_ours(token: Any) -> None:
    with pytest.raises(InvalidTokenError):
        tokens().verify(token)


@pytest.mark.unhappy
@pytest.mark.parametrize("token", ATTACKS_ON_THE_CLAIMS.values(), ids=ATTACKS_ON_THE_CLAIMS.keys())
def test_refuses_claims_that_are_not_exactly_right(token: Any) -> None:
    with pytest.raises(InvalidTokenError):
        tokens().verify(token)


@pytest.mark.unhappy
@given(st.one_of(st.text(), st.binary(), st.from_regex(r"[\w-]+\.[\w-]+\.[\w-]+")))
def test_whatever_is_sent_there_is_one_error(token: Any) -> None:
    with pytest.raises(InvalidTokenError):
        tokens().verify(token)


@pytest.mark.unhappy
@given(
    st.dictionaries(
        st.sampled_from([*CLAIMS, "nbf", "cnf", "crit"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda value: st.lists(value) | st.dictionaries(st.text(), value),
            max_leaves=4,
        ),
        min_size=1,
    )
)
def test_whatever_is_signed_there_is_one_error(claims: Any) -> None:
    try:
        tokens().verify(sign(HEAD, encode(CLAIMS | claims)))
    except InvalidTokenError:
        return
    assert type(claims.get("exp", 0)) is int


@pytest.mark.unhappy
def test_a_token_expires_by_the_given_clock() -> None:
    later = [NOW]
    service = tokens(clock=lambda: later[0], lifetime=timedelta(seconds=30))
    issued = service.issue(SUBJECT, SESSION, 1)
    later[0] += timedelta(seconds=29)
    assert service.verify(issued.token)
    later[0] += timedelta(seconds=1)
    with pytest.raises(InvalidTokenError):
        service.verify(issued.token)


@pytest.mark.unhappy
def test_a_key_that_was_removed_verifies_nothing() -> None:
    issued = tokens().issue(SUBJECT, SESSION, 1)
    with pytest.raises(InvalidTokenError):
        tokens(KeyRing.from_secret(generate_secret())).verify(issued.token)


@pytest.mark.unhappy
@pytest.mark.parametrize("scope", ["", "two words", 'a"b', "a\\b", "é", "a\n"])
def test_refuses_to_issue_a_malformed_scope(scope: Any) -> None:
    with pytest.raises(ValueError, match="scope"):
        tokens().issue(SUBJECT, SESSION, 1, (scope,))


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "settings",
    [
        {"lifetime": timedelta(minutes=10, seconds=1)},
        {"lifetime": timedelta(0)},
        {"lifetime": timedelta(seconds=-1)},
        {"issuer": ""},
        {"audience": ""},
        {"ring": KeyRing([Key("k", "HS257", b"x" * 32)])},
        {"ring": KeyRing([Key("k", "HS256", b"")])},
        {"ring": KeyRing([Key("k", "HS256", b"x" * 31)])},
        {"ring": KeyRing([Key("k", "HS256", b"ssh-rsa " + b"A" * 32)])},
    ],
    ids=[
        "long",
        "zero",
        "negative",
        "issuer",
        "audience",
        "algorithm",
        "empty key",
        "short key",
        "SSH",
    ],
)
def test_refuses_to_start_misconfigured(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        tokens(**settings)


@pytest.mark.unhappy
def test_a_key_that_breaks_is_not_blamed_on_the_client_and_calls_for_help(
    monkeypatch: pytest.MonkeyPatch, captured_logs: Any
) -> None:
    service = tokens()
    monkeypatch.setattr(service._jws, "encode", refuse_key)
    with pytest.raises(jwt.InvalidKeyError):
        service.issue(SUBJECT, SESSION, 1)
    monkeypatch.setattr(service._jws, "get_algorithm_by_name", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        service.verify(GOOD)
    monkeypatch.setattr(service._jws, "get_algorithm_by_name", refuse_key)
    with pytest.raises(jwt.InvalidKeyError):
        service.verify(GOOD)
    assert [(alert["event"], alert["log_level"]) for alert in captured_logs] == [
        ("token_key_broken", "critical")
    ] * 3
    assert GOOD not in str(captured_logs)


def refuse_key(*_: Any, **__: Any) -> None:
    raise jwt.InvalidKeyError


@pytest.mark.unhappy
def test_neither_repr_nor_error_nor_log_shows_a_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service = tokens()
    issued = service.issue(SUBJECT, SESSION, 1)
    assert issued.token not in repr(issued)
    assert SECRET not in repr(vars(service))
    shown = ""
    for token in (GOOD + "x", forged(jti="cAnArY\n"), forged(header={"cAnArY": 1})):
        with pytest.raises(InvalidTokenError) as caught:
            service.verify(token)
        shown += "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert caught.value.__context__ is None
    assert "cAnArY" not in shown + caplog.text
    assert HEAD not in shown + caplog.text
