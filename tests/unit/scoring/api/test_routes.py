"""The read API answers from memory, in pages, with validators and clear refusals."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from services.scoring.api.routes import (
    Parts,
)
from tests.unit.scoring.api.read_app import build
from tests.unit.scoring.api.records import breach, score_bytes


async def test_windows_are_shown_as_they_were_sent(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/windows", params={"scope": "department:it", "window": "1h"})
    body = answer.json()
    assert (body["stream_ms"], body["rule_version"], body["next"]) == (1_000, "v1", None)
    (item,) = body["items"]
    assert item["figures"][0] == {"indicator": "csat", "n": 100, "value": 0.9, "good": 90}


async def test_filters_take_lists(client: httpx.AsyncClient) -> None:
    params = {"kind": "organisation,department", "window": "5m", "indicator": "tickets_opened"}
    items = (await client.get("/v1/windows", params=params)).json()["items"]
    assert [item["scope"] for item in items] == ["organisation", "department:hr", "department:it"]
    assert all(
        [figure["indicator"] for figure in item["figures"]] == ["tickets_opened"] for item in items
    )


async def test_next_leads_through_all_pages(client: httpx.AsyncClient) -> None:
    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        body = (await client.get("/v1/scores", params=params)).json()
        found += [f"{item['scope']}|{item['window']}" for item in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 8


@pytest.mark.parametrize(
    "path",
    [
        "/v1/windows",
        "/v1/scores",
        "/v1/scoreboard",
        "/v1/breaches",
        "/v1/indicators",
        "/v1/targets",
    ],
)
async def test_an_unchanged_state_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    tag = (await client.get(path)).headers["etag"]
    again = await client.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_scoreboard_has_a_row_for_each_employee(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/scoreboard", params={"department": "it", "window": "1h"})
    body = answer.json()
    assert (body["stream_ms"], body["rule_version"], body["next"]) == (1_000, "v1", None)
    assert body["items"] == [
        {
            "scope": "employee:it/ann",
            "windows": {"1h": {"score": 71.5, "provisional": True, "missed": 0, "breached": 0}},
        }
    ]


async def test_next_leads_through_all_rows_of_the_scoreboard(client: httpx.AsyncClient) -> None:
    params = {"kind": "organisation,department,employee", "limit": "2"}
    found: list[str] = []
    cursor: str | None = None
    while True:
        asked = params | ({"cursor": cursor} if cursor else {})
        body = (await client.get("/v1/scoreboard", params=asked)).json()
        found += [row["scope"] for row in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert found == ["organisation", "department:hr", "department:it", "employee:it/ann"]


async def test_the_scoreboard_is_sent_again_when_one_of_its_rows_has_changed(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    tag = (await client.get("/v1/scoreboard")).headers["etag"]
    conditional = {"If-None-Match": tag}
    parts.scores.apply("organisation|1h", score_bytes("organisation", stream_ms=9_000))
    assert (await client.get("/v1/scoreboard", headers=conditional)).status_code == 304
    parts.scores.apply("employee:it/ann|1h", score_bytes("employee:it/ann", score=12.0))
    assert (await client.get("/v1/scoreboard", headers=conditional)).status_code == 200


async def test_a_page_of_the_scoreboard_is_sent_again_when_another_follows_it(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    asked = {"limit": "1"}
    before = await client.get("/v1/scoreboard", params=asked)
    assert before.json()["next"] is None
    parts.scores.apply("employee:it/bob|1h", score_bytes("employee:it/bob"))
    conditional = {"If-None-Match": before.headers["etag"]}
    after = await client.get("/v1/scoreboard", params=asked, headers=conditional)
    assert after.status_code == 200
    assert after.json()["next"] is not None


async def test_a_change_is_sent(client: httpx.AsyncClient, parts: Parts) -> None:
    tag = (await client.get("/v1/windows")).headers["etag"]
    parts.scores.apply("organisation|1h", score_bytes("organisation", "1h", csat=0.2))
    assert (await client.get("/v1/windows", headers={"If-None-Match": tag})).status_code == 200


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v1/windows?kind=planet", "kind"),
        ("/v1/windows?window=2h", "window"),
        ("/v1/windows?indicator=smiles", "indicator"),
        ("/v1/windows?scope=planet:x", "scope"),
        ("/v1/windows?cursor=%2A", "cursor"),
        ("/v1/scores?cursor=bm90IGEga2V5", "cursor"),
        ("/v1/windows?limit=0", "limit"),
        ("/v1/windows?limit=100000", "limit"),
        ("/v1/breaches?state=maybe", "state"),
        ("/v1/stream?kind=planet", "kind"),
        ("/v1/periods/2026-13/employees", "period"),
    ],
)
async def test_a_wrong_parameter_is_named(
    client: httpx.AsyncClient, path: str, parameter: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert parameter in answer.json()["errors"][0]["pointer"]


async def test_indicators_and_targets_speak_both_languages(client: httpx.AsyncClient) -> None:
    indicators = (await client.get("/v1/indicators")).json()["items"]
    targets = (await client.get("/v1/targets")).json()
    assert all(item["name"]["zh"] and item["definition"]["en"] for item in indicators)
    assert targets["rule_version"] == "template-2026.2"
    (day,) = [t for t in targets["items"] if t["id"] == "resolved-within-24h"]
    assert (day["within_ms"], day["limit"], day["window"]) == (86_400_000, 0.8, "7d")
    assert day["applies_to"] == ["organisation", "department:*"]


async def test_breaches_are_listed_by_state(client: httpx.AsyncClient, parts: Parts) -> None:
    active = (await client.get("/v1/breaches")).json()["items"]
    assert [(item["id"], item["state"]) for item in active] == [("b1", "active")]
    parts.breaches.apply(breach("b1", "cleared"))
    assert (await client.get("/v1/breaches")).json()["items"] == []
    ended = (await client.get("/v1/breaches?state=cleared")).json()["items"]
    assert [item["state"] for item in ended] == ["cleared"]


async def test_meta_says_what_there_is_to_ask_for(client: httpx.AsyncClient) -> None:
    meta = (await client.get("/v1/meta")).json()
    assert (meta["zone"], meta["departments"]) == ("Asia/Shanghai", ["hr", "it"])
    assert meta["currency"] == "CNY"
    assert meta["windows"] == ["5m", "15m", "1h", "24h", "7d", "30d"]


async def test_periods_say_when_the_database_is_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/periods/2026-01/employees")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_a_console_that_was_not_built_says_how_to_build_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.status_code == 503
    assert "npm run build" in answer.text


async def test_the_consoles_files_are_served_beside_the_routes(
    parts: Parts, tmp_path: Path
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>wall</title>")
    (tmp_path / "assets" / "a-1f.js").write_text("1")
    transport = httpx.ASGITransport(app=build(parts, tmp_path), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://scoring") as client:
        page = await client.get("/")
        script = await client.get("/assets/a-1f.js")
        missing = await client.get("/v1/nothing")
        config = await client.get("/v1/console/config")
    assert (page.text, page.headers["cache-control"]) == ("<title>wall</title>", "no-cache")
    assert "immutable" in script.headers["cache-control"]
    assert missing.headers["content-type"] == "application/problem+json"
    assert config.json() == {"notify_url": "http://n", "feedback_url": "http://f"}
