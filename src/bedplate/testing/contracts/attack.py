"""What an attack is, what it is aimed at, and what the answer to it must look like."""

import base64
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from bedplate.auth.keys import Key

API = "/api/v1"
ME = f"{API}/users/me"
_PROBLEM = "application/problem+json"
_MAILED = re.compile(r"^(?:\S*#token=)?([\w-]{43})\s*$", re.MULTILINE)
# the codes whose answer asks for credentials, and what it says is wrong (RFC 6750 section 3)
_CHALLENGES = {
    "unauthenticated": None,
    "invalid_credentials": None,
    "invalid_token": "invalid_token",
    "invalid_request": "invalid_request",
    "insufficient_scope": "insufficient_scope",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, signed in."""

    id: str
    email: str
    password: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


class Target:
    """A service under attack, and people who use it.

    Args:
        client: sends requests to the service.
        key: what signs its access tokens, so that forgeries differ from them in one point each.
        read_mail: gives the text of the last mail to an address.
        promote: makes the account of an id an administrator.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        key: Key,
        *,
        read_mail: Callable[[str], Awaitable[str]],
        promote: Callable[[str], Awaitable[object]],
    ) -> None:
        self.client = client
        self.key = key
        self.canaries: set[str] = set()
        """Every password, token, key and address that was given out: none may show up again."""
        self._read_mail = read_mail
        self._promote = promote
        self._victim: Person | None = None

    async def victim(self) -> Person:
        """Give somebody whose account and session no attack may change."""
        if self._victim is None:
            self._victim = await self.join()
        return self._victim

    async def join(self, *, admin: bool = False) -> Person:
        """Open an account and sign in."""
        email = f"canary-{secrets.token_hex(8)}@example.com"
        password = f"kite-lantern-{secrets.token_hex(8)}"
        self.canaries |= {email, email.partition("@")[0], password}
        opened = await self.client.post(f"{API}/users", json={"email": email, "password": password})
        opened.raise_for_status()
        if admin:
            await self._promote(opened.json()["id"])
        answer = await self.log_in(email, password)
        pair = self.keep(answer.raise_for_status().json())
        return Person(
            opened.json()["id"], email, password, pair["access_token"], pair["refresh_token"]
        )

    async def log_in(self, email: str, password: str) -> httpx.Response:
        """Send the password form."""
        self.canaries |= {word for word in (email, password) if _is_secret(word)}
        return await self.client.post(
            f"{API}/auth/token", data={"username": email, "password": password}
        )

    async def get(self, path: str, token: str) -> httpx.Response:
        """Send a bearer token with a GET."""
        return await self.call("GET", path, token)

    async def call(
        self, method: str, path: str, token: str, body: Any = None  # noqa: ANN401 - JSON
    ) -> httpx.Response:
        """Send a bearer token with any request."""
        self.canaries |= {token} if _is_secret(token) else set()
        headers = {"authorization": f"Bearer {token}"}
        return await self.client.request(method, path, json=body, headers=headers)

    async def post(self, path: str, **body: Any) -> httpx.Response:  # noqa: ANN401 - JSON
        """Send a JSON document without any credentials."""
        self.canaries |= {value for value in body.values() if _is_secret(value)}
        return await self.client.post(f"{API}{path}", json=body)

    async def issue_key(self, person: Person, *scopes: str) -> dict[str, Any]:
        """Make an API key of somebody's."""
        asked = {"name": "machine", "scopes": scopes, "days": 1}
        answer = await self.call("POST", f"{API}/auth/api-keys", person.access_token, asked)
        return self.keep(answer.raise_for_status().json())

    async def mailed_token(self, address: str) -> str:
        """Give the token out of the last mail to an address."""
        found = _MAILED.findall(await self._read_mail(address))
        assert found, "the last mail has no token"
        self.canaries.add(found[-1])
        return str(found[-1])

    def keep(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Remember what is secret in an answer."""
        names = {"access_token", "refresh_token", "key"}
        self.canaries |= {answer[name] for name in names & answer.keys()}
        return answer


@dataclass(frozen=True, slots=True)
class Attack:
    """One thing that a client can send, and the exact answer."""

    name: str
    send: Callable[[Target], Awaitable[httpx.Response]]
    status: int
    code: str | None = None
    """Of the problem; None for an attack that is none: it shows that the others are well aimed."""
    scope: str | None = None
    """The scope that the answer asks for."""

    async def faults(self, target: Target) -> list[str]:
        """Carry the attack out and tell what is wrong with the answer."""
        answer = await self.send(target)
        if self.code is None:
            return [] if answer.status_code == self.status else [_got(answer)]
        return [*self._faults_of(answer), *_leaks(answer, target.canaries)]

    def _faults_of(self, answer: httpx.Response) -> list[str]:
        faults = []
        if answer.headers.get("content-type") != _PROBLEM:
            return [_got(answer)]
        if (answer.status_code, answer.json().get("code")) != (self.status, self.code):
            faults.append(_got(answer))
        if answer.headers.get("cache-control") != "no-store":
            faults.append("caches may store the answer")
        if not answer.headers.get("x-request-id"):
            faults.append("the answer has no request id")
        challenge = answer.headers.get("www-authenticate")
        if challenge != self._challenge(challenge):
            faults.append(f"it is challenged by {challenge}")
        return faults

    def _challenge(self, given: str | None) -> str | None:
        """Give the challenge as it must be; its description is the service's own."""
        if self.code not in _CHALLENGES:
            return None
        error = _CHALLENGES[self.code]
        parts = ['Bearer realm="api"']
        if error is not None:
            described = re.search(r'error_description="[^"\\]+"', given or "")
            parts += [f'error="{error}"', described[0] if described else "a description"]
        if self.scope is not None:
            parts.append(f'scope="{self.scope}"')
        return ", ".join(parts)


def encode(raw: bytes) -> str:
    """Write base64url without padding, as JWTs have it."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(segment: str) -> dict[str, Any]:
    """Read one segment of a JWT."""
    document: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    )
    return document


def _is_secret(value: object) -> bool:
    return isinstance(value, str) and len(value) > 16  # noqa: PLR2004 - not "a" or "x"


def _got(answer: httpx.Response) -> str:
    return f"answered {answer.status_code}: {answer.text[:300]}"


def _leaks(answer: httpx.Response, canaries: set[str]) -> list[str]:
    shown = answer.text + str(answer.headers)
    return ["the answer repeats something secret"] if any(map(shown.__contains__, canaries)) else []
