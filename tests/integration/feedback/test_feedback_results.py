"""Results of employees: published, listed, acknowledged and discussed, on real parts."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.integration.feedback.running_feedback import Scoring, employee, running, settings_for

pytestmark = pytest.mark.integration

PUBLISH = "/v1/periods/2026-01/publish"


async def publish(client: httpx.AsyncClient, period: str = "2026-01") -> dict[str, Any]:
    response = await client.post(f"/v1/periods/{period}/publish", json={"actor": "hr"})
    assert response.status_code == 200, response.text
    done: dict[str, Any] = response.json()
    return done


async def listed(client: httpx.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    response = await client.get("/v1/results", params=filters)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def test_a_published_result_has_its_figures_with_names_in_both_languages(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items = [employee("li.na")]
    assert await publish(feedback) == {
        "period": "2026-01",
        "state": "final",
        "rule_version": "2026-1",
        "published": 1,
        "unchanged": 0,
    }
    (result,) = await listed(feedback)
    assert (result["employee"], result["revision"], result["published_by"]) == ("li.na", 1, "hr")
    (figure,) = result["figures"]
    assert (figure["indicator"], figure["n"], figure["value"]) == ("csat", 30, 0.8)
    assert set(figure["name"]) == {"en", "zh"}


async def test_publishing_the_same_again_changes_nothing(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items = [employee("li.na"), employee("wang.wei")]
    await publish(feedback)
    before = await listed(feedback)
    assert (await publish(feedback))["unchanged"] == 2
    assert await listed(feedback) == before


async def test_changed_data_make_a_new_revision_and_leave_the_old_one(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items = [employee("li.na", 0.8), employee("wang.wei")]
    await publish(feedback)
    scoring.items[0] = employee("li.na", 0.9)
    assert (await publish(feedback))["published"] == 1
    (latest,) = await listed(feedback, employee="li.na")
    assert (latest["revision"], latest["latest"], latest["figures"][0]["value"]) == (2, True, 0.9)
    history = await listed(feedback, employee="li.na", revisions="all")
    assert [(r["revision"], r["figures"][0]["value"]) for r in history] == [(2, 0.9), (1, 0.8)]


async def test_an_open_period_is_provisional_until_it_is_published_closed(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items, scoring.closed = [employee("li.na")], False
    assert (await publish(feedback))["state"] == "provisional"
    scoring.closed = True
    assert (await publish(feedback))["published"] == 1
    history = await listed(feedback, revisions="all")
    assert [result["state"] for result in history] == ["final", "provisional"]


async def test_the_same_period_published_by_many_at_once_is_stored_once(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items = [employee(f"e{number}") for number in range(20)]
    done = await asyncio.gather(*(publish(feedback) for _ in range(6)))
    assert sum(each["published"] for each in done) == 20
    assert len(await listed(feedback, revisions="all")) == 20


async def test_a_stored_result_cannot_be_changed_even_in_the_database(
    feedback: httpx.AsyncClient, scoring: Scoring, database: str
) -> None:
    scoring.items = [employee("li.na")]
    await publish(feedback)
    connection = await asyncpg.connect(database)
    try:
        for statement in (
            "UPDATE feedback.results SET figures = '[]'",
            "DELETE FROM feedback.results",
            "TRUNCATE feedback.results CASCADE",
        ):
            with pytest.raises(asyncpg.RaiseError, match="never changed"):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_while_scoring_is_away_publishing_waits_and_results_can_be_read(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items = [employee("li.na")]
    await publish(feedback)
    scoring.status = 503
    refused = await feedback.post(PUBLISH, json={"actor": "hr"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.headers["content-type"] == "application/problem+json"
    assert len(await listed(feedback)) == 1


async def test_a_scoring_that_does_not_listen_is_away(database: str) -> None:
    async with running(settings_for(database, "http://127.0.0.1:1")) as client:
        refused = await client.post(PUBLISH, json={"actor": "hr"})
    assert refused.status_code == 503


async def test_an_answer_of_scoring_that_makes_no_sense_stores_nothing(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    for body in (b"[]", b"not json", b'{"period": "2026-01"}'):
        scoring.body = body
        assert (await feedback.post(PUBLISH, json={"actor": "hr"})).status_code == 502
    scoring.body, scoring.status = None, 404
    assert (await feedback.post(PUBLISH, json={"actor": "hr"})).status_code == 502
    assert await listed(feedback) == []


async def test_results_are_filtered_and_paged(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items = [employee(f"e{number}") for number in range(5)]
    scoring.items.append(employee("x", department="stores"))
    await publish(feedback, "2026-01")
    await publish(feedback, "2025-12")
    assert len(await listed(feedback, period="2025-12")) == 6
    assert len(await listed(feedback, department="stores")) == 2
    assert len(await listed(feedback, team="returns", employee="e3")) == 2
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "5", **({"cursor": cursor} if cursor else {})}
        page = (await feedback.get("/v1/results", params=params)).json()
        seen += [result["id"] for result in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert len(seen) == len(set(seen)) == 12


async def test_only_the_employee_acknowledges_a_result_and_once(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items = [employee("li.na")]
    await publish(feedback)
    (result,) = await listed(feedback)
    path = f"/v1/results/{result['id']}/acknowledge"
    assert (await feedback.post(path, json={"actor": "wang.wei"})).status_code == 403
    first = await feedback.post(path, json={"actor": "li.na"})
    again = await feedback.post(path, json={"actor": "li.na"})
    assert first.json()["acknowledged_by"] == "li.na"
    assert again.json() == first.json()


async def test_comments_are_kept_in_order_with_whom_they_mention(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items = [employee("li.na")]
    await publish(feedback)
    (result,) = await listed(feedback)
    path = f"/v1/results/{result['id']}/comments"
    for text in ("做得好 @li.na", "thank you @boss", "三"):
        response = await feedback.post(path, json={"actor": "somebody", "text": text})
        assert response.status_code == 201
    first = (await feedback.get(path, params={"limit": 2})).json()
    rest = (await feedback.get(path, params={"cursor": first["next"]})).json()
    assert [c["mentions"] for c in first["items"] + rest["items"]] == [["li.na"], ["boss"], []]
    assert rest["next"] is None
    (result,) = await listed(feedback)
    assert result["comments"] == 3


async def test_a_comment_that_is_empty_too_long_or_on_nothing_is_refused(
    feedback: httpx.AsyncClient, scoring: Scoring
) -> None:
    scoring.items = [employee("li.na")]
    await publish(feedback)
    (result,) = await listed(feedback)
    path = f"/v1/results/{result['id']}/comments"
    for text in ("", "  \n", "x" * 4001):
        response = await feedback.post(path, json={"actor": "a", "text": text})
        assert response.status_code == 422
    nowhere = f"/v1/results/{uuid4()}/comments"
    body = {"actor": "a", "text": "b"}
    assert (await feedback.post(nowhere, json=body)).status_code == 404
    assert (await feedback.get(nowhere)).status_code == 404


async def test_a_wrong_request_is_answered_with_a_problem(feedback: httpx.AsyncClient) -> None:
    wrong = {
        "/v1/results?period=2026-13": 422,
        "/v1/results?cursor=x": 422,
        "/v1/results?limit=1000": 422,
        "/v1/results/not-an-id": 422,
        f"/v1/results/{uuid4()}": 404,
        "/v1/nothing": 404,
    }
    for path, status in wrong.items():
        response = await feedback.get(path)
        assert (path, response.status_code) == (path, status)
        assert response.headers["content-type"] == "application/problem+json"
    for period, body in (("2026-13", {"actor": "a"}), ("2026-01", {}), ("2026-01", {"actor": ""})):
        response = await feedback.post(f"/v1/periods/{period}/publish", json=body)
        assert response.status_code == 422


async def test_a_closed_period_is_published_by_itself_once(database: str, scoring: Scoring) -> None:
    scoring.items = [employee("li.na")]
    scoring.end_ms = int(datetime.now(UTC).timestamp() * 1000) - 3_600_000
    settings = settings_for(
        database,
        scoring.url,
        feedback_auto_publish=True,
        feedback_grace_hours=0.5,
        feedback_auto_interval_seconds=0.2,
    )
    async with running(settings) as client:
        await until_results(client, 12)
        scoring.items = [employee("li.na", 0.1)]
        asked = len(scoring.asked)
        await asyncio.sleep(0.8)  # several rounds
        results = await listed(client, revisions="all", limit=200)
    assert len(scoring.asked) == asked == 12
    assert {(r["published_by"], r["revision"]) for r in results} == {("bellwether", 1)}


async def test_a_period_in_its_grace_waits(database: str, scoring: Scoring) -> None:
    scoring.items = [employee("li.na")]
    scoring.end_ms = int(datetime.now(UTC).timestamp() * 1000) - 3_600_000
    settings = settings_for(
        database,
        scoring.url,
        feedback_auto_publish=True,
        feedback_grace_hours=2,
        feedback_auto_interval_seconds=0.1,
    )
    async with running(settings) as client:
        async with asyncio.timeout(60):
            while len(scoring.asked) < 24:  # noqa: ASYNC110 - another task asks
                await asyncio.sleep(0.05)
        assert await listed(client) == []


async def until_results(client: httpx.AsyncClient, count: int) -> None:
    async with asyncio.timeout(60):
        while len(await listed(client, limit=200)) < count:  # noqa: ASYNC110 - seen over HTTP only
            await asyncio.sleep(0.05)
