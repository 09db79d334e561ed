"""The wall on the real stack: Kafka, Postgres, all services, a simulated organisation."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from deploy.local.stack import LocalStack
from tests.browser.wall import PATIENCE_MS, Wall

pytestmark = pytest.mark.browser

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ACTOR = "李娜"


def read(url: str) -> Any:
    with urlopen(url, timeout=10) as response:
        return json.load(response)


def test_a_tile_appears_for_every_department_of_an_organisation_that_begins_to_stream(
    watching: Wall, organisation: tuple[str, ...]
) -> None:
    for department in organisation:
        expect(watching.tile(department)).to_be_visible(timeout=PATIENCE_MS)
    watching.expect_live()


def test_an_alert_arrives_while_one_watches(watching: Wall, organisation: tuple[str, ...]) -> None:
    expect(watching.alerts.first).to_be_visible(timeout=PATIENCE_MS)
    announced = watching.page.locator(".alerts [role=log]")
    expect(announced).to_contain_text("新告警", timeout=PATIENCE_MS)
    burning = watching.tile(organisation[0])
    expect(burning).to_have_attribute("data-standing", "breached", timeout=PATIENCE_MS)
    expect(burning).to_contain_text("失守")


def test_windows_move_by_themselves(wall: Wall, organisation: tuple[str, ...]) -> None:
    tile = wall.tile(organisation[0])
    expect(tile).to_be_visible()
    seen = wall.stream_ms(tile)
    wall.wait_until(lambda: wall.stream_ms(tile) > seen, "a newer figure")
    charts = tile.locator(".spark canvas")
    assert charts.count() == tile.locator(".line").count()


def test_figures_are_shown_with_their_sample_target_and_verdict(
    wall: Wall, stack: LocalStack, organisation: tuple[str, ...]
) -> None:
    limit = next(
        target
        for target in read(f"{stack.url('api')}/v1/targets")["items"]
        if target["id"] == "customer-service-first-response"
    )
    assert limit["limit"] == 300_000
    wall.choose("1h")
    line = wall.tile(organisation[0]).locator(".line").first
    expect(line.locator(".name")).to_have_text(re.compile(r"First response\s*P90\s*n [\d,]+"))
    expect(line.locator(".judgement")).to_contain_text("≤ 5 min")
    expect(line.locator(".judgement")).to_have_text(re.compile("Met|Missed|Breach|Too few"))
    expect(line.locator(".value")).to_have_text(re.compile(r"^\d+ (min|s|h)( \d+ (s|min))?$"))


def test_without_data_there_is_a_dash_and_its_reason_never_a_zero(
    wall: Wall, stack: LocalStack
) -> None:
    wall.choose("5m")
    wall.expect_live()
    shown = wall.page.locator("[data-scope] .value")
    wall.wait_until(lambda: shown.count() > 0, "figures of five minutes")
    texts = shown.all_inner_texts()
    assert all(re.search(r"\d", text) or "—" in text for text in texts), texts
    assert not any(text.strip() == "—" for text in texts), texts


def test_an_alert_is_acknowledged_under_a_name_that_is_asked_once_kept_and_seen_on_every_wall(
    wall: Wall, watching: Wall, stack: LocalStack
) -> None:
    opened = wall.page.locator("[data-alert][data-state=open]").first
    expect(opened).to_be_visible(timeout=PATIENCE_MS)
    alert_id = opened.get_attribute("data-alert")
    assert alert_id
    wall.alert(alert_id).get_by_role("button", name="Acknowledge").click()
    wall.page.get_by_label("Name").fill(ACTOR)
    wall.page.get_by_role("button", name="Continue").click()
    expect(wall.alert(alert_id)).to_have_attribute("data-state", "acknowledged")
    kept = read(f"{stack.url('notify')}/v1/alerts/{alert_id}")
    assert (kept["state"], kept["acknowledged_by"]) == ("acknowledged", ACTOR)
    expect(watching.alert(alert_id)).to_contain_text(f"{ACTOR} 已确认")
    wall.open()
    expect(wall.alert(alert_id)).to_contain_text(f"Acknowledged by {ACTOR}")
    expect(wall.page.locator(".alerts footer")).to_contain_text(ACTOR)


def test_the_language_is_the_browsers_until_chosen_and_then_remembered(wall: Wall) -> None:
    page = wall.page
    expect(page.locator(".header")).to_contain_text("Live")
    assert not CHINESE.search(page.locator(".header .windows").inner_text())
    wall.speak("zh-CN")
    expect(page.locator(".header")).to_contain_text("实时")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    assert "lang=zh-CN" in page.url
    wall.open()
    expect(page.locator(".header")).to_contain_text("实时")


def test_an_address_names_language_and_window(wall: Wall) -> None:
    wall.open("#lang=en&window=24h")
    expect(wall.page.locator("button[data-window='24h']")).to_have_attribute("aria-pressed", "true")
    expect(wall.page.locator("html")).to_have_attribute("lang", "en")
    wall.expect_live()


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (3840, 2160), (390, 844)])
def test_nothing_sticks_out_of_the_screen(wall: Wall, width: int, height: int) -> None:
    wall.page.set_viewport_size({"width": width, "height": height})
    expect(wall.tiles.first).to_be_visible()
    assert wall.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_wall_asks_nobody_but_our_services_and_breaks_no_policy(wall: Wall) -> None:
    expect(wall.tiles.first).to_be_visible()
    assert wall.foreign == []
    assert wall.errors == []


def test_when_the_api_is_killed_old_figures_are_called_stale_until_it_is_back(
    wall: Wall, stack: LocalStack, organisation: tuple[str, ...]
) -> None:
    tile = wall.tile(organisation[0])
    expect(tile).to_be_visible()
    before = wall.stream_ms(tile)
    stack.supervisor.stop_process("api", force=True)
    try:
        wall.expect_state("stale")
        expect(wall.page.locator(".banner")).to_contain_text("Not live")
        expect(tile).to_be_visible()
        assert "grayscale" in wall.page.locator("main").evaluate(
            "it => getComputedStyle(it).filter"
        )
    finally:
        stack.supervisor.start_process("api")
    wall.expect_live()
    expect(wall.page.locator(".banner")).to_have_count(0)
    expect(wall.tiles).to_have_count(len(organisation))
    wall.wait_until(lambda: wall.stream_ms(tile) > before, "figures newer than the outage")


def test_a_killed_api_is_found_again_without_anybody_touching_the_wall(
    wall: Wall, stack: LocalStack
) -> None:
    stack.kill("api")
    wall.expect_state("reconnecting", "stale")
    wall.expect_live()


def test_when_notify_is_killed_the_alerts_say_that_they_are_not_live(
    wall: Wall, stack: LocalStack
) -> None:
    expect(wall.alerts.first).to_be_visible(timeout=PATIENCE_MS)
    stack.supervisor.stop_process("notify", force=True)
    try:
        expect(wall.page.locator(".alerts .not-live")).to_contain_text("Not live")
        wall.expect_live()
    finally:
        stack.supervisor.start_process("notify")
    expect(wall.page.locator(".alerts .not-live")).to_have_count(0, timeout=PATIENCE_MS)
