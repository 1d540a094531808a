"""Logging in and staying in: passwords, refresh tokens, sessions of others."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx

from bedplate.testing.contracts.attack import API, ME, Attack, Person, Target

_WRONG = "wrong-lantern-41-otter"


def _log_in(
    name: str,
    email: str | None,
    password: str | None,
    *,
    status: int = 401,
    code: str = "invalid_credentials",
) -> Attack:
    """Try an address and a password; None is the victim's own."""

    async def send(target: Target) -> httpx.Response:
        person = await target.victim()
        return await target.log_in(
            person.email if email is None else email,
            person.password if password is None else password,
        )

    return Attack(name, send, status, code)


def _form(name: str, **fields: str) -> Attack:
    async def send(target: Target) -> httpx.Response:
        return await target.client.post(f"{API}/auth/token", data=fields)

    return Attack(name, send, 422, "invalid_request_data")


async def _disabled(target: Target) -> httpx.Response:
    person, admin = await target.join(), await target.join(admin=True)
    path = f"{API}/users/{person.id}"
    done = await target.call("PATCH", path, admin.access_token, {"is_active": False})
    done.raise_for_status()
    return await target.log_in(person.email, person.password)


async def _as_json(target: Target) -> httpx.Response:
    person = await target.victim()
    form = {"username": person.email, "password": person.password}
    return await target.client.post(f"{API}/auth/token", json=form)


async def _deleted(target: Target) -> httpx.Response:
    person = await target.join()
    (await target.call("DELETE", ME, person.access_token)).raise_for_status()
    return await target.log_in(person.email, person.password)


LOGIN_ATTACKS = (
    _log_in("a wrong password", None, _WRONG),
    _log_in("nobody's address", "nobody@example.com", _WRONG),
    _log_in("the password with another byte behind it", None, "x" * 72 + "y"),
    _log_in("a password of 73 bytes", "nobody@example.com", "x" * 73),
    _log_in("a password of 1,025 bytes", None, "x" * 1025),
    _log_in("a password of 100,000 bytes", None, "x" * 100_000),
    _log_in("an address of 5,000 characters", "a" * 5000 + "@example.com", _WRONG),
    _log_in("no address", "ada", _WRONG),
    _log_in("SQL for an address", "' OR 1=1 --@example.com", _WRONG),
    _log_in("an address in another alphabet", "аdа@exаmple.com", _WRONG),
    _log_in("two addresses", "ada@example.com,eve@example.com", _WRONG),
    _log_in("an address with a line break", "ada@example.com\r\nBcc: eve@example.com", _WRONG),
    Attack("an account that is disabled", _disabled, 401, "invalid_credentials"),
    Attack("an account that was deleted", _deleted, 401, "invalid_credentials"),
    _form("no password", username="ada@example.com"),
    _form("no address at all", password=_WRONG),
    _form("nothing"),
    _form("a password with a null character", username="ada@example.com", password=f"\0{_WRONG}"),
    _form("an address with a null character", username="ada\0@example.com", password=_WRONG),
    _form("another grant", username="ada@example.com", password=_WRONG, grant_type="implicit"),
    Attack("JSON where a form belongs", _as_json, 422, "invalid_request_data"),
)


def _refresh(name: str, token: object, status: int = 400, code: str = "invalid_grant") -> Attack:
    async def send(target: Target) -> httpx.Response:
        return await target.client.post(f"{API}/auth/refresh", json={"refresh_token": token})

    return Attack(name, send, status, code)


def _ended(name: str, end: Callable[[Target, Person], Awaitable[Any]]) -> Attack:
    """End somebody's session in some way, and refresh then."""

    async def send(target: Target) -> httpx.Response:
        person = await target.join()
        await end(target, person)
        return await target.post("/auth/refresh", refresh_token=person.refresh_token)

    return Attack(name, send, 400, "invalid_grant")


async def _log_out(target: Target, person: Person) -> None:
    (await target.call("POST", f"{API}/auth/logout", person.access_token)).raise_for_status()


async def _log_out_everywhere(target: Target, person: Person) -> None:
    (await target.call("POST", f"{API}/auth/logout-all", person.access_token)).raise_for_status()


async def _delete_account(target: Target, person: Person) -> None:
    (await target.call("DELETE", ME, person.access_token)).raise_for_status()


async def _change_password_elsewhere(target: Target, person: Person) -> None:
    pair = target.keep((await target.log_in(person.email, person.password)).json())
    change = {"current_password": person.password, "new_password": f"{person.password}-new"}
    path = f"{API}/auth/password"
    (await target.call("POST", path, pair["access_token"], change)).raise_for_status()


async def _use_up_the_successor(target: Target, person: Person) -> dict[str, Any]:
    """Refresh twice, so that the first token's successor is used too."""
    token, pair = person.refresh_token, {}
    for _ in range(2):
        answer = await target.post("/auth/refresh", refresh_token=token)
        pair = target.keep(answer.raise_for_status().json())
        token = pair["refresh_token"]
    return pair


async def _after_a_replay(target: Target) -> httpx.Response:
    """Replay a token whose successor was used; the newest one has ended with it."""
    person = await target.join()
    newest = await _use_up_the_successor(target, person)
    await target.post("/auth/refresh", refresh_token=person.refresh_token)
    return await target.post("/auth/refresh", refresh_token=newest["refresh_token"])


async def _access_after_a_replay(target: Target) -> httpx.Response:
    person = await target.join()
    newest = await _use_up_the_successor(target, person)
    await target.post("/auth/refresh", refresh_token=person.refresh_token)
    return await target.get(ME, newest["access_token"])


async def _another_session_after_a_replay(target: Target) -> httpx.Response:
    """Replay in one session; another one of the same account goes on."""
    person = await target.join()
    other = target.keep((await target.log_in(person.email, person.password)).json())
    await _use_up_the_successor(target, person)
    await target.post("/auth/refresh", refresh_token=person.refresh_token)
    return await target.get(ME, other["access_token"])


async def _access_token_as_refresh_token(target: Target) -> httpx.Response:
    person = await target.victim()
    return await target.post("/auth/refresh", refresh_token=person.access_token)


async def _refresh_token_as_access_token(target: Target) -> httpx.Response:
    return await target.get(ME, (await target.victim()).refresh_token)


async def _misspelt(target: Target) -> httpx.Response:
    token = (await target.victim()).refresh_token
    other = ("B" if token[0] == "A" else "A") + token[1:]
    return await target.post("/auth/refresh", refresh_token=other)


async def _longer(target: Target) -> httpx.Response:
    person = await target.victim()
    return await target.post("/auth/refresh", refresh_token=f"{person.refresh_token}\n")


async def _broken_json(target: Target) -> httpx.Response:
    body = b'{"refresh_token": "x'
    headers = {"content-type": "application/json"}
    return await target.client.post(f"{API}/auth/refresh", content=body, headers=headers)


async def _lone_surrogate(target: Target) -> httpx.Response:
    body = b'{"refresh_token": "\\ud800' + b"a" * 42 + b'"}'
    headers = {"content-type": "application/json"}
    return await target.client.post(f"{API}/auth/refresh", content=body, headers=headers)


async def _session_of_somebody_else(target: Target) -> httpx.Response:
    person, other = await target.victim(), await target.join()
    [session] = (await target.get(f"{API}/auth/sessions", other.access_token)).json()
    path = f"{API}/auth/sessions/{session['id']}"
    return await target.call("DELETE", path, person.access_token)


async def _session_of_nobody(target: Target) -> httpx.Response:
    person = await target.victim()
    return await target.call("DELETE", f"{API}/auth/sessions/{uuid4()}", person.access_token)


async def _access_after_logout(target: Target) -> httpx.Response:
    person = await target.join()
    await _log_out(target, person)
    return await target.get(ME, person.access_token)


async def _logout_without_a_token(target: Target) -> httpx.Response:
    return await target.client.post(f"{API}/auth/logout")


async def _password_without_the_present_one(target: Target) -> httpx.Response:
    person = await target.join()
    change = {"current_password": _WRONG, "new_password": f"{person.password}-new"}
    return await target.call("POST", f"{API}/auth/password", person.access_token, change)


async def _administer(target: Target) -> httpx.Response:
    return await target.get(f"{API}/users", (await target.victim()).access_token)


REFRESH_ATTACKS = (
    _refresh("nothing", ""),
    _refresh("a character", "x"),
    _refresh("a null character", "\0", 422, "invalid_request_data"),
    _refresh("43 characters of nobody", "a" * 42 + "A"),
    _refresh("43 characters that are no ASCII", "é" * 43),
    _refresh("100,000 characters", "a" * 100_000),
    _refresh("a number", 1, 422, "invalid_request_data"),
    _refresh("null", None, 422, "invalid_request_data"),
    _refresh("a list", ["x"], 422, "invalid_request_data"),
    Attack("broken JSON", _broken_json, 400, "malformed_json"),
    Attack("half a character", _lone_surrogate, 422, "invalid_request_data"),
    Attack("a misspelt token", _misspelt, 400, "invalid_grant"),
    Attack("a token and a line break", _longer, 400, "invalid_grant"),
    Attack("an access token", _access_token_as_refresh_token, 400, "invalid_grant"),
    Attack("a refresh token for access", _refresh_token_as_access_token, 401, "invalid_token"),
    _ended("a token whose successor was used", _use_up_the_successor),
    _ended("a token after logging out", _log_out),
    _ended("a token after logging out everywhere", _log_out_everywhere),
    _ended("a token after the account was deleted", _delete_account),
    _ended("a token after the password was changed elsewhere", _change_password_elsewhere),
    Attack("the newest token after a replay", _after_a_replay, 400, "invalid_grant"),
    Attack("access after a replay", _access_after_a_replay, 401, "invalid_token"),
    Attack("another session after a replay", _another_session_after_a_replay, 200),
    Attack("access after logging out", _access_after_logout, 401, "invalid_token"),
    Attack("logging out nobody", _logout_without_a_token, 401, "unauthenticated"),
    Attack("ending somebody else's session", _session_of_somebody_else, 404, "not_found"),
    Attack("ending no session", _session_of_nobody, 404, "not_found"),
    Attack(
        "a new password for a stolen token",
        _password_without_the_present_one,
        403,
        "wrong_password",
    ),
    Attack("administering without the role", _administer, 403, "forbidden"),
)
