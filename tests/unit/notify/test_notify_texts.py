"""What people read in alerts."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from services.notify.core.durations import chinese_duration, english_duration
from services.notify.core.texts import Facts, text, title
from shared.contracts.indicators import INDICATORS

SHANGHAI = ZoneInfo("Asia/Shanghai")
FACTS = Facts(
    state="open",
    critical=False,
    target="after-sales-resolution",
    indicator="resolution_time",
    measure="share_within",
    at_least=True,
    limit=0.8,
    within_ms=86_400_000,
    scope="department:after-sales",
    window="24h",
    value=0.7123,
    low=0.68,
    high=0.741,
    n=312,
    rule_version="2026-1",
    started_ms=1_767_323_040_000,
    cleared_ms=None,
    acknowledged_by=None,
)


def test_a_title_names_scope_figure_and_state() -> None:
    seen = title(FACTS)
    assert seen.en == "Department after-sales: Resolution time within 1 d misses its target"
    assert seen.zh == "部门 after-sales：解决时长在 1 天内的占比未达标"


def test_a_critical_title_says_so_until_it_is_resolved() -> None:
    critical = replace(FACTS, critical=True)
    assert title(critical).en.startswith("Critical: ")
    assert title(critical).zh.startswith("严重：")
    assert title(replace(critical, state="resolved")).en.startswith("Resolved: ")


def test_a_text_tells_value_limit_sample_interval_window_and_since_when() -> None:
    seen = text(FACTS, SHANGHAI)
    assert seen.en == (
        "Resolution time within 1 d of department after-sales in the last 24 hours: 71.2%; "
        "the target is at least 80.0% (n = 312, 95 % interval 68.0% to 74.1%). "
        "Missed since 2026-01-02 11:04+08:00. Target after-sales-resolution, rules 2026-1."
    )
    assert seen.zh == (
        "部门 after-sales：近 24 小时解决时长在 1 天内的占比为 71.2%，目标为不低于 80.0%"
        "（样本 312，95% 区间 68.0% 至 74.1%）。自 2026-01-02 11:04+08:00 起未达标。"
        "目标 after-sales-resolution，规则版本 2026-1。"
    )


def test_durations_are_told_in_their_two_largest_units() -> None:
    slow = replace(
        FACTS, measure="p90", at_least=False, limit=300_000, value=452_340, low=None, high=None
    )
    assert "7 min 32 s; the target is at most 5 min (n = 312)" in text(slow, SHANGHAI).en
    assert "为 7 分 32 秒，目标为不高于 5 分钟（样本 312）" in text(slow, SHANGHAI).zh
    assert (
        title(slow).en
        == "Department after-sales: Resolution time, 90th percentile misses its target"
    )


@pytest.mark.parametrize(
    ("indicator", "measure", "value", "limit", "says"),
    [
        ("ces", "mean", 0.612, 0.75, "61.2%; the target is at least 75.0%"),
        ("nps", "mean", -12.5, 20, "-12.5; the target is at least 20"),
        (
            "cost_per_ticket",
            "mean",
            1_234_567.8,
            10_000,
            "1,234,568 minor units; the target is at least 10,000 minor units",
        ),
        ("utilisation", "value", 0.4, 0.6, "40.0%; the target is at least 60.0%"),
        ("throughput", "value", 2.25, 3, "2.25; the target is at least 3"),
    ],
)
def test_a_figure_is_told_in_its_unit(
    indicator: str, measure: str, value: float, limit: float, says: str
) -> None:
    facts = replace(FACTS, indicator=indicator, measure=measure, value=value, limit=limit)
    assert says in text(facts, SHANGHAI).en


def test_a_cost_is_told_in_minor_units_in_chinese_too() -> None:
    facts = replace(FACTS, indicator="cost_per_ticket", measure="p90", value=1_250, limit=900)
    assert "1,250（最小货币单位）" in text(facts, SHANGHAI).zh


def test_a_resolved_text_tells_from_when_to_when() -> None:
    seen = text(replace(FACTS, state="resolved", cleared_ms=FACTS.started_ms + 600_000), SHANGHAI)
    assert "Missed from 2026-01-02 11:04+08:00 to 2026-01-02 11:14+08:00." in seen.en
    assert "未达标时段：2026-01-02 11:04+08:00 至 2026-01-02 11:14+08:00。" in seen.zh


def test_an_acknowledged_text_tells_by_whom() -> None:
    seen = text(replace(FACTS, state="acknowledged", acknowledged_by="li.na"), SHANGHAI)
    assert seen.en.endswith("Acknowledged by li.na.")
    assert seen.zh.endswith("已由 li.na 确认。")


@pytest.mark.parametrize("measure", ["ratio", "share_within", "p50", "p99", "mean", "value"])
@pytest.mark.parametrize("state", ["open", "acknowledged", "resolved"])
@pytest.mark.parametrize("indicator", [*INDICATORS, "of-a-later-version"])
def test_every_kind_of_alert_has_texts_in_both_languages(
    measure: str, state: str, indicator: str
) -> None:
    facts = replace(FACTS, measure=measure, state=state, indicator=indicator, value=None)
    for written in (title(facts), text(facts, SHANGHAI)):
        assert written.en
        assert written.zh
        assert "{" not in written.en + written.zh


def test_names_with_braces_and_strange_scopes_stay_as_they_are() -> None:
    assert "{id}" in title(replace(FACTS, scope="department:%7Bid%7D")).en
    assert title(replace(FACTS, scope="no such scope")).en.startswith("no such scope: ")


@pytest.mark.parametrize(
    ("ms", "english", "chinese"),
    [
        (0, "0 ms", "0 毫秒"),
        (850, "850 ms", "850 毫秒"),
        (1500, "1 s 500 ms", "1 秒 500 毫秒"),
        (30_400, "30 s", "30 秒"),
        (60_000, "1 min", "1 分钟"),
        (90_000, "1 min 30 s", "1 分 30 秒"),
        (59_999, "1 min", "1 分钟"),
        (7_200_000, "2 h", "2 小时"),
        (5_430_000, "1 h 31 min", "1 小时 31 分钟"),
        (86_400_000, "1 d", "1 天"),
        (90_000_000, "1 d 1 h", "1 天 1 小时"),
        (-90_000, "-1 min 30 s", "-1 分 30 秒"),
    ],
)
def test_a_duration_reads_naturally(ms: int, english: str, chinese: str) -> None:
    assert english_duration(ms) == english
    assert chinese_duration(ms) == chinese
