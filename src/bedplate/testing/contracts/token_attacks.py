"""Access tokens with one flaw each (RFC 7515, 7519, 8725, 9068), in the header and in the claims."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx

from bedplate.testing.contracts.attack import ME, Attack, Target, decode, encode
from bedplate.testing.contracts.forgery import Forger

_YEAR = 31_536_000


def _forged(
    name: str, forge: Callable[[Forger], str], code: str | None = "invalid_token"
) -> Attack:
    async def send(target: Target) -> httpx.Response:
        person = await target.victim()
        return await target.get(ME, forge(Forger(target.key, person.access_token)))

    return Attack(name, send, 200 if code is None else 401, code)


def _hmac_of(text: bytes) -> Callable[[Forger], str]:
    """Sign with HMAC and a key that everybody knows."""

    def forge(forger: Forger) -> str:
        header = encode(json.dumps({**forger.header, "alg": "HS256"}).encode())
        signed = f"{header}.{forger.payload_segment}"
        return f"{signed}.{encode(hmac.digest(text, signed.encode(), hashlib.sha256))}"

    return forge


def _unsigned(forger: Forger, algorithm: str) -> str:
    header = encode(json.dumps({**forger.header, "alg": algorithm}).encode())
    return f"{header}.{forger.payload_segment}."


def _misspelt(forger: Forger) -> str:
    """Change the bits of the last character that carry nothing."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return forger.token[:-1] + letters[letters.index(forger.token[-1]) ^ 1]


def _twice(text: str, member: str) -> bytes:
    """Write a JSON object with one more member at its end."""
    return f"{text[:-1]},{member}}}".encode()


JOSE_ATTACKS = (
    _forged("the real token, signed anew", lambda f: f.header_with(), None),
    _forged("alg none without a signature", lambda f: _unsigned(f, "none")),
    _forged("alg None", lambda f: _unsigned(f, "None")),
    _forged("alg nOnE", lambda f: _unsigned(f, "nOnE")),
    _forged("alg none with the right signature", lambda f: f.header_with(alg="none")),
    _forged("alg HS384", lambda f: f.header_with(alg="HS384")),
    _forged("alg HS512", lambda f: f.header_with(alg="HS512")),
    _forged("alg RS512", lambda f: f.header_with(alg="RS512")),
    _forged("alg PS256", lambda f: f.header_with(alg="PS256")),
    _forged("alg in small letters", lambda f: f.header_with(alg=f.header["alg"].lower())),
    _forged("alg that is a list", lambda f: f.header_with(alg=[f.header["alg"]])),
    _forged("alg that is null", lambda f: f.header_with(alg=None)),
    _forged("no alg", lambda f: f.header_without("alg")),
    _forged("typ of other JWTs", lambda f: f.header_with(typ="JWT")),
    _forged("typ in other letters", lambda f: f.header_with(typ="AT+JWT")),
    _forged("typ that is a number", lambda f: f.header_with(typ=1)),
    _forged("no typ", lambda f: f.header_without("typ")),
    _forged("kid of nobody", lambda f: f.header_with(kid="of-nobody")),
    _forged("kid that is a path", lambda f: f.header_with(kid="../../dev/null")),
    _forged("kid that is SQL", lambda f: f.header_with(kid="' OR 1=1 --")),
    _forged("kid that is an object", lambda f: f.header_with(kid={"$ne": ""})),
    _forged("kid that is empty", lambda f: f.header_with(kid="")),
    _forged("no kid", lambda f: f.header_without("kid")),
    _forged("jku, a key of somebody else's", lambda f: f.header_with(jku="https://evil.example")),
    _forged("jwk, a key of its own", lambda f: f.header_with(jwk={"kty": "oct", "k": "AA"})),
    _forged("x5u", lambda f: f.header_with(x5u="https://evil.example")),
    _forged("x5c", lambda f: f.header_with(x5c=["AA"])),
    _forged("crit", lambda f: f.header_with(crit=["exp"])),
    _forged("b64 false", lambda f: f.header_with(b64=False, crit=["b64"])),
    _forged("cty of a nested JWT", lambda f: f.header_with(cty="JWT")),
    _forged("zip", lambda f: f.header_with(zip="DEF")),
    _forged("alg twice", lambda f: f.raw_header(_twice(f.header_text(), '"alg":"none"'))),
    _forged("kid twice", lambda f: f.raw_header(_twice(f.header_text(), '"kid":"x"'))),
    _forged("a header that is an array", lambda f: f.raw_header(b"[]")),
    _forged("a header that is no JSON", lambda f: f.raw_header(b"{")),
    _forged("a header in UTF-16", lambda f: f.raw_header(f.header_text().encode("utf-16"))),
    _forged(
        "a header with a byte order mark",
        lambda f: f.raw_header(b"\xef\xbb\xbf" + f.header_text().encode()),
    ),
    _forged("a header that nests without end", lambda f: f.raw_header(b'{"a":' * 900)),
    _forged("a padded signature", lambda f: f"{f.token}="),
    _forged("two segments", lambda f: f.token.rpartition(".")[0]),
    _forged("four segments", lambda f: f"{f.token}.{f.signature}"),
    _forged("five segments, as if encrypted", lambda f: f"{f.token}.{f.signature}.{f.signature}"),
    _forged("no signature", lambda f: f"{f.header_segment}.{f.payload_segment}."),
    _forged("half a signature", lambda f: f.token[: -len(f.signature) // 2]),
    _forged("another spelling of the signature", _misspelt),
    _forged(
        "the signature of something else",
        lambda f: f"{f.header_segment}.{encode(b'{}')}.{f.signature}",
    ),
    _forged("a signature with an empty key", _hmac_of(b"")),
    _forged("a signature with a key of zeros", _hmac_of(bytes(32))),
    _forged("a signature with a word", _hmac_of(b"secret")),
)

_SHAPES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("iss of another service", {"iss": "other"}),
    ("iss that is a list", {"iss": ["app"]}),
    ("aud of another service", {"aud": "other"}),
    ("sub that is no UUID", {"sub": "1"}),
    ("sub with a null character", {"sub": "\0"}),
    ("sub that is a number", {"sub": 1}),
    ("sub that is null", {"sub": None}),
    ("sub of nobody", {"sub": "00000000-0000-4000-8000-000000000000"}),
    ("sid of no session", {"sid": "00000000-0000-4000-8000-000000000000"}),
    ("sid that is SQL", {"sid": "' OR 1=1 --"}),
    ("exp that is over", {"iat": 1_500_000_000, "exp": 1_500_000_600}),
    ("exp that is text", {"exp": "9999999999"}),
    ("exp in Arabic digits", {"exp": "٩٩٩٩٩٩٩٩٩٩"}),
    ("exp that is true", {"exp": True}),
    ("exp that is null", {"exp": None}),
    ("exp that is endless", {"exp": 10**400}),
    ("iat before 1970", {"iat": -1}),
    ("iat that is text", {"iat": "0"}),
    ("nbf that is text", {"nbf": "0"}),
    ("nbf to come", {"nbf": 9_999_999_999}),
    ("ver of an epoch that is over", {"ver": 0}),
    ("ver of an epoch to come", {"ver": 2}),
    ("ver that is text", {"ver": "1"}),
    ("ver that is true", {"ver": True}),
    ("ver beyond every integer", {"ver": 2**63}),
    ("jti that is empty", {"jti": ""}),
    ("jti that is a list", {"jti": ["x"]}),
    ("jti of 10,000 characters", {"jti": "x" * 10_000}),
    ("scope that is a list", {"scope": ["admin"]}),
    ("scope with two spaces", {"scope": "read  admin"}),
    ("scope with a quotation mark", {"scope": 'read"admin'}),
    ("cnf, bound to a key of the sender", {"cnf": {"jkt": "x"}}),
)
_REQUIRED = ("iss", "aud", "sub", "iat", "exp", "jti", "sid", "ver", "scope")


def _shaped(name: str, changes: dict[str, Any]) -> Attack:
    return _forged(name, lambda forger: forger.claims_with(**changes))


def _without(claim: str) -> Attack:
    return _forged(f"no {claim}", lambda forger: forger.claims_without(claim))


async def _of_somebody_else(target: Target) -> httpx.Response:
    """Stand in one's own session for another account."""
    person, other = await target.victim(), await target.join()
    forger = Forger(target.key, person.access_token)
    return await target.get(ME, forger.claims_with(sub=other.id))


async def _in_the_session_of_somebody_else(target: Target) -> httpx.Response:
    person, other = await target.victim(), await target.join()
    forger = Forger(target.key, person.access_token)
    sid = decode(other.access_token.split(".")[1])["sid"]
    return await target.get(ME, forger.claims_with(sid=sid))


async def _for_less(target: Target) -> httpx.Response:
    """Write with a token that says it is for reading."""
    person = await target.victim()
    token = Forger(target.key, person.access_token).claims_with(scope="read")
    return await target.call("PATCH", ME, token, {"full_name": "Eve"})


CLAIMS_ATTACKS = (
    *map(_without, _REQUIRED),
    *(_shaped(name, changes) for name, changes in _SHAPES),
    _forged("sub in capitals", lambda f: f.claims_with(sub=f.claims["sub"].upper())),
    _forged("aud that is a list", lambda f: f.claims_with(aud=[f.claims["aud"]])),
    _forged("exp with a fraction", lambda f: f.claims_with(exp=f.claims["exp"] + 0.5)),
    _forged("a life of 100 years", lambda f: f.claims_with(exp=f.claims["exp"] + 100 * _YEAR)),
    _forged(
        "issued in an hour",
        lambda f: f.claims_with(iat=f.claims["iat"] + 3600, exp=f.claims["exp"] + 3600),
    ),
    _forged("sub twice", lambda f: f.raw_claims(_twice(f.claims_text(), '"sub":"x"'))),
    _forged(
        "a claim that is no number", lambda f: f.raw_claims(_twice(f.claims_text(), '"x":NaN'))
    ),
    _forged("claims that are an array", lambda f: f.raw_claims(b"[]")),
    _forged("claims that are text", lambda f: f.raw_claims(b'"admin"')),
    _forged("claims that are nothing", lambda f: f.raw_claims(b"{}")),
    _forged("claims in UTF-16", lambda f: f.raw_claims(f.claims_text().encode("utf-16"))),
    _forged("claims that are no UTF-8", lambda f: f.raw_claims(b'{"a":"\xff"}')),
    _forged("claims that nest without end", lambda f: f.raw_claims(b'{"a":' * 900)),
    Attack("the account of somebody else", _of_somebody_else, 401, "invalid_token"),
    Attack("somebody else's session", _in_the_session_of_somebody_else, 401, "invalid_token"),
    Attack("more than the token is for", _for_less, 403, "insufficient_scope", scope="write"),
)
