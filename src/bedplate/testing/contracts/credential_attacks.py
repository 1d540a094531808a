"""One-time tokens that were sent by mail, and API keys."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from bedplate.testing.contracts.attack import API, ME, Attack, Person, Target

_KEYS = f"{API}/auth/api-keys"
_INVALID = "invalid_one_time_token"


def _confirm(
    name: str, flow: str, token: object, status: int = 400, code: str = _INVALID
) -> Attack:
    async def send(target: Target) -> httpx.Response:
        body = {"token": token}
        if flow == "password-reset":
            body["new_password"] = "otter-41-lantern-kite"
        return await target.client.post(f"{API}/auth/{flow}/confirm", json=body)

    return Attack(name, send, status, code)


async def _ask(target: Target, flow: str, person: Person) -> str:
    (await target.post(f"/auth/{flow}", email=person.email)).raise_for_status()
    return await target.mailed_token(person.email)


async def _used_twice(target: Target) -> httpx.Response:
    token = await _ask(target, "verify-email", await target.join())
    (await target.post("/auth/verify-email/confirm", token=token)).raise_for_status()
    return await target.post("/auth/verify-email/confirm", token=token)


async def _for_another_purpose(target: Target) -> httpx.Response:
    token = await _ask(target, "verify-email", await target.join())
    return await target.post(
        "/auth/password-reset/confirm", token=token, new_password="otter-41-lantern-kite"
    )


async def _reset_twice(target: Target) -> httpx.Response:
    token = await _ask(target, "password-reset", await target.join())
    new = {"token": token, "new_password": "otter-41-lantern-kite"}
    (await target.post("/auth/password-reset/confirm", **new)).raise_for_status()
    return await target.post("/auth/password-reset/confirm", **new)


async def _reset_to_something_weak(target: Target) -> httpx.Response:
    token = await _ask(target, "password-reset", await target.join())
    return await target.post("/auth/password-reset/confirm", token=token, new_password="password")


async def _reset_after_the_password_changed(target: Target) -> httpx.Response:
    person = await target.join()
    token = await _ask(target, "password-reset", person)
    change = {"current_password": person.password, "new_password": f"{person.password}-new"}
    path = f"{API}/auth/password"
    (await target.call("POST", path, person.access_token, change)).raise_for_status()
    return await target.post(
        "/auth/password-reset/confirm", token=token, new_password="otter-41-lantern-kite"
    )


async def _access_after_a_reset(target: Target) -> httpx.Response:
    person = await target.join()
    token = await _ask(target, "password-reset", person)
    new = {"token": token, "new_password": "otter-41-lantern-kite"}
    (await target.post("/auth/password-reset/confirm", **new)).raise_for_status()
    return await target.get(ME, person.access_token)


async def _mailed_token_as_access_token(target: Target) -> httpx.Response:
    return await target.get(ME, await _ask(target, "verify-email", await target.join()))


async def _new_address_without_the_password(target: Target) -> httpx.Response:
    person = await target.join()
    asked = {"new_email": "eve@example.com", "password": "wrong-lantern-41-otter"}
    return await target.call("POST", f"{API}/auth/email", person.access_token, asked)


async def _for_nobody(target: Target) -> httpx.Response:
    return await target.post("/auth/password-reset", email="nobody@example.com")


async def _for_no_address(target: Target) -> httpx.Response:
    return await target.post("/auth/password-reset", email="nobody")


async def _for_headers(target: Target) -> httpx.Response:
    return await target.post("/auth/verify-email", email="ada@example.com\r\nBcc: eve@example.com")


ONE_TIME_ATTACKS = (
    _confirm("nothing", "verify-email", ""),
    _confirm("a token of nobody", "verify-email", "a" * 42 + "A"),
    _confirm("a null character", "email", "\0", 422, "invalid_request_data"),
    _confirm("43 characters that are no ASCII", "password-reset", "é" * 43),
    _confirm("a token that is too long", "verify-email", "a" * 129, 422, "invalid_request_data"),
    _confirm("a number", "verify-email", 1, 422, "invalid_request_data"),
    _confirm("null", "email", None, 422, "invalid_request_data"),
    _confirm("SQL", "password-reset", "' OR 1=1 --"),
    Attack("a token that was used", _used_twice, 400, _INVALID),
    Attack("a token for another purpose", _for_another_purpose, 400, _INVALID),
    Attack("a reset by a used token", _reset_twice, 400, _INVALID),
    Attack("a reset to something weak", _reset_to_something_weak, 422, "weak_password"),
    Attack("a reset after the password changed", _reset_after_the_password_changed, 400, _INVALID),
    Attack("access after a reset", _access_after_a_reset, 401, "invalid_token"),
    Attack("a mailed token for access", _mailed_token_as_access_token, 401, "invalid_token"),
    Attack(
        "a new address without the password",
        _new_address_without_the_password,
        403,
        "wrong_password",
    ),
    Attack("a mail to nobody", _for_nobody, 202),
    Attack("a mail to no address", _for_no_address, 422, "invalid_request_data"),
    Attack("a mail with headers of the client's", _for_headers, 422, "invalid_request_data"),
)


def _with_key(
    name: str, change: Callable[[str], str], code: str = "invalid_token", status: int = 401
) -> Attack:
    """Send a key that was changed in some way."""

    async def send(target: Target) -> httpx.Response:
        issued = await target.issue_key(await target.victim(), "read")
        return await target.get(ME, change(issued["key"]))

    return Attack(name, send, status, code)


def _beyond(
    name: str,
    method: str,
    path: str,
    *scopes: str,
    asks_for: str | None = None,
    body: object = None,
) -> Attack:
    """Do with a key what it is not for."""

    async def send(target: Target) -> httpx.Response:
        issued = await target.issue_key(await target.victim(), *scopes)
        return await target.call(method, path, issued["key"], body)

    return Attack(name, send, 403, "insufficient_scope", scope=asks_for)


def _issue(
    name: str, asked: dict[str, Any], status: int = 422, code: str = "invalid_data"
) -> Attack:
    scope = "admin" if code == "insufficient_scope" else None

    async def send(target: Target) -> httpx.Response:
        return await target.call("POST", _KEYS, (await target.victim()).access_token, asked)

    return Attack(name, send, status, code, scope=scope)


async def _real_key(target: Target) -> httpx.Response:
    issued = await target.issue_key(await target.victim(), "read")
    return await target.get(ME, issued["key"])


async def _revoked(target: Target) -> httpx.Response:
    person = await target.victim()
    issued = await target.issue_key(person, "read")
    path = f"{_KEYS}/{issued['id']}"
    (await target.call("DELETE", path, person.access_token)).raise_for_status()
    return await target.get(ME, issued["key"])


async def _of_a_deleted_account(target: Target) -> httpx.Response:
    person = await target.join()
    issued = await target.issue_key(person, "read")
    (await target.call("DELETE", ME, person.access_token)).raise_for_status()
    return await target.get(ME, issued["key"])


async def _after_a_reset(target: Target) -> httpx.Response:
    person = await target.join()
    issued = await target.issue_key(person, "read")
    token = await _ask(target, "password-reset", person)
    new = {"token": token, "new_password": "otter-41-lantern-kite"}
    (await target.post("/auth/password-reset/confirm", **new)).raise_for_status()
    return await target.get(ME, issued["key"])


async def _revoke_of_somebody_else(target: Target) -> httpx.Response:
    issued = await target.issue_key(await target.join(), "read")
    path = f"{_KEYS}/{issued['id']}"
    return await target.call("DELETE", path, (await target.victim()).access_token)


async def _revoke_nothing(target: Target) -> httpx.Response:
    return await target.call("DELETE", f"{_KEYS}/{uuid4()}", (await target.victim()).access_token)


async def _revoke_no_uuid(target: Target) -> httpx.Response:
    return await target.call("DELETE", f"{_KEYS}/1", (await target.victim()).access_token)


async def _of_an_administrator_who_is_none_any_more(target: Target) -> httpx.Response:
    person, admin = await target.join(admin=True), await target.join(admin=True)
    issued = await target.issue_key(person, "read", "admin")
    path = f"{API}/users/{person.id}"
    (await target.call("PATCH", path, admin.access_token, {"roles": []})).raise_for_status()
    return await target.get(f"{API}/users", issued["key"])


def _checksum_off(key: str) -> str:
    return key[:-1] + ("0" if key[-1] != "0" else "1")


API_KEY_ATTACKS = (
    Attack("the real key", _real_key, 200),
    _with_key("a checksum that is off", _checksum_off),
    _with_key("a key in capitals", str.upper),
    _with_key("half a key", lambda key: key[: len(key) // 2]),
    _with_key("a key and more", lambda key: f"{key}0"),
    _with_key("a prefix alone", lambda key: f"{key.partition('_')[0]}_"),
    _with_key("another prefix", lambda key: f"other_{key.partition('_')[2]}"),
    _with_key("two keys", lambda key: f"{key}.{key}"),
    Attack("a key that was revoked", _revoked, 401, "invalid_token"),
    Attack("a key of a deleted account", _of_a_deleted_account, 401, "invalid_token"),
    Attack("a key after a reset", _after_a_reset, 401, "invalid_token"),
    Attack(
        "a key of who is no administrator any more",
        _of_an_administrator_who_is_none_any_more,
        403,
        "forbidden",
    ),
    _beyond("writing with a key for reading", "PATCH", ME, "read", asks_for="write", body={}),
    _beyond("reading with a key for writing", "GET", ME, "write", asks_for="read"),
    _beyond("anything with a key for nothing", "GET", ME, asks_for="read"),
    _beyond("deleting the account with a key", "DELETE", ME, "read", "write"),
    _beyond("listing keys with a key", "GET", _KEYS, "read", "write"),
    _beyond("making a key with a key", "POST", _KEYS, "read", "write", body={"name": "more"}),
    _beyond("listing sessions with a key", "GET", f"{API}/auth/sessions", "read", "write"),
    _beyond("logging out with a key", "POST", f"{API}/auth/logout", "read", "write"),
    _beyond(
        "changing the password with a key",
        "POST",
        f"{API}/auth/password",
        *("read", "write"),
        body={"current_password": "x", "new_password": "otter-41-lantern-kite"},
    ),
    _issue(
        "a key for more than one may", {"name": "x", "scopes": ["admin"]}, 403, "insufficient_scope"
    ),
    _issue("a key with two scopes in one", {"name": "x", "scopes": ["read write"]}),
    _issue("a key with a name of spaces", {"name": "  "}),
    _issue("a key with a null character", {"name": "a\0b"}, 422, "invalid_request_data"),
    _issue("a key for ever and a day", {"name": "x", "days": 9999}, 422, "invalid_request_data"),
    _issue("a key that ended yesterday", {"name": "x", "days": -1}, 422, "invalid_request_data"),
    _issue("a key without a name", {}, 422, "invalid_request_data"),
    Attack("revoking somebody else's key", _revoke_of_somebody_else, 404, "not_found"),
    Attack("revoking no key", _revoke_nothing, 404, "not_found"),
    Attack("revoking what is no UUID", _revoke_no_uuid, 422, "invalid_request_data"),
)
