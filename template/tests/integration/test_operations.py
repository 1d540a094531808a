"""What surrounds the API: health, documentation, unknown routes."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.people import Member, assert_problem

HERE = {"host": "localhost"}  # as who asks from the same machine


@pytest.mark.parametrize("probe", ["live", "ready", "startup"])
async def test_the_probes_answer(client: httpx.AsyncClient, probe: str) -> None:
    assert (await client.get(f"/health/{probe}")).status_code == 200


async def test_the_documentation_lists_what_each_call_may_answer(client: httpx.AsyncClient) -> None:
    assert (await client.get("/docs")).status_code == 200
    paths = (await client.get("/openapi.json")).json()["paths"]
    for path, operations in paths.items():
        for operation in operations.values():
            answers = operation["responses"]
            assert any(status.startswith("2") for status in answers), path
            for status in (status for status in answers if status.startswith("4")):
                [media_type] = answers[status]["content"]
                assert media_type == "application/problem+json", path


async def test_metrics_tell_of_requests_the_database_and_logins(
    client: httpx.AsyncClient, ada: Member
) -> None:
    await client.get("/api/v1/users/me", headers=ada.headers)
    text = (await client.get("/metrics", headers=HERE)).text
    samples = [
        (sample.name, *sample.labels.values())
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.value
    ]
    for name, of in (
        ("http_server_request_duration_seconds_count", "/api/v1/users/me"),
        ("db_client_operation_duration_seconds_count", "users"),
        ("bedplate_auth_logins_total", "succeeded"),
    ):
        assert any(sample[0] == name and of in sample for sample in samples), name


@pytest.mark.unhappy
async def test_metrics_are_not_there_for_other_machines(client: httpx.AsyncClient) -> None:
    for forwarded in ({}, {**HERE, "x-forwarded-for": "127.0.0.1"}):
        assert_problem(await client.get("/metrics", headers=forwarded), 404, "not_found")


@pytest.mark.unhappy
async def test_the_documentation_loads_nothing_from_other_hosts(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert "https://" not in page.replace("https://www.w3.org/", "")


@pytest.mark.unhappy
async def test_an_unknown_route_is_not_found(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/api/v1/nothing"), 404, "not_found")


@pytest.mark.unhappy
async def test_another_method_is_not_allowed(client: httpx.AsyncClient) -> None:
    assert_problem(await client.put("/api/v1/users/me"), 405, "method_not_allowed")


@pytest.mark.unhappy
async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/users", content=b'"' + b"x" * 2_000_000 + b'"')
    assert response.status_code in {413, 422}
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.unhappy
async def test_a_request_id_that_could_forge_a_log_line_is_not_taken(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/health/live", headers={"x-request-id": "forged id; level=info"})
    assert response.status_code == 200
    assert "forged" not in response.headers["x-request-id"]
