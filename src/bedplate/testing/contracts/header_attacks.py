"""The Authorization header, in every form but the right one (RFC 6750 section 2.1)."""

from collections.abc import Callable

import httpx

from bedplate.testing.contracts.attack import ME, Attack, Person, Target

type _Headers = list[tuple[str, str | bytes]]


def _sent(
    name: str, headers: Callable[[Person], _Headers], status: int, code: str | None
) -> Attack:
    async def send(target: Target) -> httpx.Response:
        person = await target.victim()
        return await target.client.get(ME, headers=_raw(headers(person)))

    return Attack(name, send, status, code)


def _one(name: str, value: str | bytes, status: int, code: str | None) -> Attack:
    """Send one Authorization header, with the token in the place of TOKEN."""

    def headers(person: Person) -> _Headers:
        token = person.access_token
        if isinstance(value, bytes):
            return [("authorization", value.replace(b"TOKEN", token.encode()))]
        return [("authorization", value.replace("TOKEN", token))]

    return _sent(name, headers, status, code)


def _raw(headers: _Headers) -> list[tuple[bytes, bytes]]:
    return [
        (name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in headers
    ]


async def _in_the_query(target: Target) -> httpx.Response:
    person = await target.victim()
    return await target.client.get(ME, params={"access_token": person.access_token})


HEADER_ATTACKS = (
    _one("the real token", "Bearer TOKEN", 200, None),
    _one("the scheme in small letters", "bearer TOKEN", 200, None),
    _sent("nothing at all", lambda _: [], 401, "unauthenticated"),
    _one("an empty header", "", 400, "invalid_request"),
    _one("the scheme alone", "Bearer", 400, "invalid_request"),
    _one("no scheme", "TOKEN", 401, "unauthenticated"),
    _one("a tab for the space", "Bearer\tTOKEN", 400, "invalid_request"),
    _one("a comma behind the scheme", "Bearer,TOKEN", 400, "invalid_request"),
    _one("two tokens", "Bearer TOKEN TOKEN", 400, "invalid_request"),
    _one("two tokens with a comma", "Bearer TOKEN, Bearer TOKEN", 400, "invalid_request"),
    _one("a token in quotes", 'Bearer "TOKEN"', 400, "invalid_request"),
    _one("parameters instead of a token", "Bearer token=TOKEN", 400, "invalid_request"),
    _one("bytes that are no ASCII", b"Bearer TOKEN\xe9", 400, "invalid_request"),
    _one("UTF-8 digits that look alike", "Bearer TOKEN٣".encode(), 400, "invalid_request"),
    _one("padding in the middle", "Bearer a=b", 400, "invalid_request"),
    _one("another scheme", "Digest TOKEN", 401, "unauthenticated"),
    _one("a password", "Basic YWRhOnNlY3JldA==", 401, "unauthenticated"),
    _one("another scheme with the same beginning", "BearerX TOKEN", 401, "unauthenticated"),
    _one("no token of anybody's", "Bearer x", 401, "invalid_token"),
    _one("a null byte, written out", "Bearer TOKEN%00", 400, "invalid_request"),
    _one("a token that is far too long", "Bearer " + "a" * 20_000, 401, "invalid_token"),
    _one("padding within the token", "Bearer a=.b.c", 400, "invalid_request"),
    _one("dots alone", "Bearer ..", 401, "invalid_token"),
    _one("tokens without end", "Bearer TOKEN.TOKEN", 401, "invalid_token"),
    _sent(
        "the same header twice",
        lambda person: [("authorization", f"Bearer {person.access_token}")] * 2,
        400,
        "invalid_request",
    ),
    _sent(
        "a second header with nothing in it",
        lambda person: [
            ("authorization", f"Bearer {person.access_token}"),
            ("authorization", ""),
        ],
        400,
        "invalid_request",
    ),
    _sent(
        "a cookie",
        lambda person: [("cookie", f"access_token={person.access_token}")],
        401,
        "unauthenticated",
    ),
    _sent(
        "a header of a proxy",
        lambda person: [("proxy-authorization", f"Bearer {person.access_token}")],
        401,
        "unauthenticated",
    ),
    Attack("the query of the URL", _in_the_query, 401, "unauthenticated"),
)
