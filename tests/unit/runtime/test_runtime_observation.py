import asyncio
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from tests.unit.runtime.asgi import client_of, make_app


async def test_a_correlation_id_that_came_in_goes_out() -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/v1/notes", headers={"X-Correlation-ID": "abc-123"})
        assert answer.headers["x-correlation-id"] == "abc-123"


@pytest.mark.parametrize("given", ["", "x" * 200, "a b", 'a"b'])
async def test_a_correlation_id_that_could_harm_a_log_is_replaced(given: str) -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/v1/notes", headers={"X-Correlation-ID": given})
        assert answer.headers["x-correlation-id"] != given
        assert len(answer.headers["x-correlation-id"]) == 32


async def test_each_request_is_logged_once_with_route_and_status() -> None:
    with structlog.testing.capture_logs() as logs:
        async with client_of(make_app()) as client:
            await client.post("/v1/notes/secret-name", json={"text": "a", "score": 1})
    requests = [entry for entry in logs if entry["event"] == "request"]
    assert [(entry["route"], entry["status"]) for entry in requests] == [("/v1/notes/{name}", 200)]


async def test_an_unhandled_error_is_logged_with_its_traceback() -> None:
    with structlog.testing.capture_logs() as logs:
        async with client_of(make_app()) as client:
            await client.get("/v1/broken")
    assert any(entry["event"] == "unhandled_error" and entry["exc_info"] for entry in logs)


def requests_total(route: str, status: str, method: str = "GET") -> float:
    labels = {"service": "notes", "method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("bellwether_http_requests_total", labels) or 0.0


async def test_metrics_are_labelled_by_route_template_and_never_by_path() -> None:
    before = requests_total("unmatched", "404")
    async with client_of(make_app()) as client:
        for number in range(3):
            await client.get(f"/random-{number}")
        await client.post("/v1/notes/some-name", json={"text": "a", "score": 1})
        text = (await client.get("/metrics")).text
    assert requests_total("unmatched", "404") == before + 3
    assert "/v1/notes/{name}" in text
    assert "some-name" not in text
    assert "random-" not in text


async def test_liveness_is_good_without_checks() -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/livez")
        assert (answer.status_code, answer.json()["status"]) == (200, "alive")


async def works() -> None:
    pass


async def fails() -> None:
    raise ConnectionError("postgresql://user:hunter2@host/db")


async def hangs() -> None:
    await asyncio.sleep(3600)


async def test_readiness_names_each_check_and_hides_what_an_error_says() -> None:
    async with client_of(make_app([("good", works), ("bad", fails)])) as client:
        answer = await client.get("/readyz")
    checks: dict[str, Any] = answer.json()["checks"]
    assert answer.status_code == 503
    assert (checks["good"]["status"], checks["bad"]["status"]) == ("ok", "failed")
    assert checks["bad"]["detail"] == "ConnectionError"
    assert "hunter2" not in answer.text


async def test_a_check_that_hangs_counts_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.http.health.CHECK_TIMEOUT", 0.05)
    async with client_of(make_app([("slow", hangs)])) as client:
        answer = await client.get("/readyz")
    assert answer.json()["checks"]["slow"]["detail"] == "TimeoutError"


async def test_a_service_that_is_stopping_is_not_ready() -> None:
    app = make_app()
    app.state.stopping.set()
    async with client_of(app) as client:
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/livez")).status_code == 200
