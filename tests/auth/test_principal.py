"""What people and machines may do."""

from types import SimpleNamespace
from typing import Any

import pytest

from bedplate.auth.principal import EVERYBODY, Principal, scope_of
from bedplate.errors import InsufficientScopeError, PermissionDeniedError

ACCOUNT: Any = SimpleNamespace(roles=[])
CLAIMS: Any = object()


def person(*roles: str) -> Principal[Any]:
    return Principal(ACCOUNT, EVERYBODY | set(roles), None, CLAIMS)


def machine(*granted: str, may: tuple[str, ...] = ()) -> Principal[Any]:
    return Principal(ACCOUNT, EVERYBODY | set(may), frozenset(granted), None)


def test_who_has_every_scope_passes() -> None:
    person("admin").demand("read", "admin")
    machine("read", "admin", may=("admin",)).demand("read", "admin")
    assert person("admin").may("read", "admin")
    assert person().demand_person() == (ACCOUNT, CLAIMS)


@pytest.mark.unhappy
@pytest.mark.parametrize("principal", [person(), machine("read", "admin")])
def test_what_the_account_may_not_no_other_key_would_allow(principal: Principal[Any]) -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        principal.demand("read", "admin")
    assert type(caught.value) is PermissionDeniedError


@pytest.mark.unhappy
def test_a_key_for_less_is_told_every_scope_that_is_needed() -> None:
    with pytest.raises(InsufficientScopeError) as caught:
        machine("read", may=("admin",)).demand("write", "admin")
    assert caught.value.scope == "write admin"


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "principal", [machine("read", "write"), Principal(ACCOUNT, EVERYBODY, EVERYBODY, CLAIMS)]
)
def test_neither_a_key_nor_a_token_for_less_is_a_person(principal: Principal[Any]) -> None:
    with pytest.raises(InsufficientScopeError):
        principal.demand_person()


@pytest.mark.unhappy
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "get", "TRACE", "X"])
def test_whatever_is_not_known_to_be_safe_is_a_change(method: str) -> None:
    assert scope_of(method) == "write"
    assert [scope_of(safe) for safe in ("GET", "HEAD", "OPTIONS")] == ["read"] * 3


@pytest.mark.unhappy
@pytest.mark.parametrize(
    "principal",
    [
        person(),
        machine("read", may=("admin",)),  # a key for less than its owner may
        machine("read", "admin"),  # a key from when its owner might
    ],
)
def test_what_role_or_key_lack_is_not_allowed(principal: Principal[Any]) -> None:
    assert principal.may("read")
    assert not principal.may("read", "admin")
