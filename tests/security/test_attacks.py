"""Every attack of the table on a service that runs as a process of its own, on PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.mail_server import MailServer
from tests.security.conftest import texts_to
from tests.security.served import PATIENCE, Instance
from tests.template.harness import generate

from bedplate.auth.keys import Key
from bedplate.database import Database
from bedplate.testing.contracts.attack import Attack, Target
from bedplate.testing.contracts.auth import AUTH_ATTACKS

ATTACKS = [
    pytest.param(attack, id=f"{aim}: {attack.name}")
    for aim, attacks in AUTH_ATTACKS.items()
    for attack in attacks
]


@pytest.fixture(scope="module", params=["fastapi", "starlette", "litestar"])
async def instance(
    request: pytest.FixtureRequest,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    environment: dict[str, str],
) -> AsyncIterator[Instance]:
    folder = tmp_path_factory.mktemp(request.param) / "my-service"
    generate(template, folder, framework=request.param)
    async with Instance(folder, environment) as made:
        yield made


@pytest.fixture(scope="module")
async def target(
    instance: Instance, environment: dict[str, str], filled: Database, mail_server: MailServer
) -> AsyncIterator[Target]:
    async def read_mail(address: str) -> str:
        async with asyncio.timeout(PATIENCE):
            async with mail_server.arrival:
                await mail_server.arrival.wait_for(lambda: texts_to(mail_server, address))
        return texts_to(mail_server, address)[-1]

    async def promote(user_id: str) -> None:
        async with filled.engine.begin() as connection:
            await connection.execute(
                text("UPDATE users SET roles = '{admin}' WHERE id = :id"), {"id": UUID(user_id)}
            )

    async with httpx.AsyncClient(base_url=instance.url, timeout=PATIENCE) as client:
        key = Key.hs256(environment["SECRET_KEY"])
        yield Target(client, key, read_mail=read_mail, promote=promote)


def records(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


@pytest.mark.unhappy
@pytest.mark.parametrize("attack", ATTACKS)
async def test_the_answer_is_exact(target: Target, attack: Attack) -> None:
    assert await attack.faults(target) == []


@pytest.mark.unhappy
def test_there_are_enough_of_them() -> None:
    refused = [attack for attacks in AUTH_ATTACKS.values() for attack in attacks if attack.code]
    assert len(refused) >= 200
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS)


async def test_after_all_of_them_the_service_serves(target: Target) -> None:
    person = await target.join()
    assert (await target.get("/api/v1/users/me", person.access_token)).status_code == 200


@pytest.mark.unhappy
async def test_nothing_secret_was_printed_and_nothing_was_our_fault(
    instance: Instance, target: Target, environment: dict[str, str]
) -> None:
    person = await target.victim()
    await instance.stop()  # so that nothing more is printed
    printed = instance.printed
    written = records(printed)
    assert person.id in printed, "this is not all that was printed"
    secrets = target.canaries | {environment["SECRET_KEY"], environment["DATABASE_URL"]}
    assert len(secrets) > 200
    assert [secret for secret in secrets if secret in printed] == []
    assert "Traceback" not in printed
    statuses = {
        record["http.response.status_code"]
        for record in written
        if "http.response.status_code" in record
    }
    assert {200, 400, 401, 403, 404, 422} <= statuses
    assert [status for status in statuses if status >= 500] == []
    assert not [record for record in written if record["level"] in {"error", "critical"}]


@pytest.mark.unhappy
def test_each_reuse_of_a_refresh_token_left_one_audit_record(instance: Instance) -> None:
    reused = [
        record for record in records(instance.printed) if record["event"] == "refresh_token_reused"
    ]
    sessions = [record["session_id"] for record in reused]
    assert len(sessions) == len(set(sessions)) >= 4
    assert all(record["level"] == "warning" and record["account_id"] for record in reused)
