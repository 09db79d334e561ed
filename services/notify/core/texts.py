"""The catalogue of texts that people read in alerts, in English and Chinese."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

import msgspec

from services.notify.core.durations import chinese_duration, english_duration
from shared.contracts.indicators import INDICATORS
from shared.contracts.scopes import Scope, ScopeError


class Bilingual(msgspec.Struct, frozen=True):
    """The same in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the texts speak of. ``value``, ``limit``, ``low`` and ``high`` in the measure's unit."""

    state: str
    critical: bool
    target: str
    indicator: str
    measure: str
    at_least: bool
    limit: float
    within_ms: int | None
    scope: str
    window: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    rule_version: str
    started_ms: int
    cleared_ms: int | None
    acknowledged_by: str | None


_WINDOWS: Final = {
    "5m": Bilingual("last 5 minutes", "近 5 分钟"),
    "15m": Bilingual("last 15 minutes", "近 15 分钟"),
    "1h": Bilingual("last hour", "近 1 小时"),
    "24h": Bilingual("last 24 hours", "近 24 小时"),
    "7d": Bilingual("last 7 days", "近 7 天"),
    "30d": Bilingual("last 30 days", "近 30 天"),
}
_SCOPES: Final = {
    "organisation": Bilingual("Whole organisation", "全组织"),
    "department": Bilingual("Department {id}", "部门 {id}"),
    "team": Bilingual("Team {id} ({department})", "{department} 的团队 {id}"),
    "employee": Bilingual("Employee {id} ({department})", "{department} 的员工 {id}"),
    "channel": Bilingual("Channel {id}", "渠道 {id}"),
    "category": Bilingual("Category {id}", "类别 {id}"),
}
_MEASURES: Final = {
    "ratio": Bilingual("{indicator}", "{indicator}"),
    "value": Bilingual("{indicator}", "{indicator}"),
    "mean": Bilingual("{indicator}, mean", "{indicator}（平均）"),
    "share_within": Bilingual("{indicator} within {within}", "{indicator}在 {within}内的占比"),
    "percentile": Bilingual("{indicator}, {p}th percentile", "{indicator}（P{p}）"),
}
_TITLES: Final = {
    "open": Bilingual("{scope}: {figure} misses its target", "{scope}：{figure}未达标"),
    "acknowledged": Bilingual(
        "Acknowledged: {scope}: {figure} misses its target", "已确认：{scope}：{figure}未达标"
    ),
    "resolved": Bilingual(
        "Resolved: {scope}: {figure} meets its target again", "已恢复：{scope}：{figure}重新达标"
    ),
}
_CRITICAL: Final = Bilingual("Critical: ", "严重：")
_MISSED: Final = Bilingual(
    "{figure} of {scope} in the {window}: {value}; the target is {side} {limit} "
    "({sample}). Missed since {since}.",
    "{scope}：{window}{figure}为 {value}，目标为{side} {limit}（{sample}）。自 {since} 起未达标。",
)
_BACK: Final = Bilingual(
    "{figure} of {scope} in the {window}: {value}; the target is {side} {limit} "
    "({sample}). Missed from {since} to {until}.",
    "{scope}：{window}{figure}为 {value}，目标为{side} {limit}（{sample}）。"
    "未达标时段：{since} 至 {until}。",
)
_SOURCE: Final = Bilingual(
    " Target {target}, rules {version}.", "目标 {target}，规则版本 {version}。"
)
_BY: Final = Bilingual(" Acknowledged by {actor}.", "已由 {actor} 确认。")
_AT_LEAST: Final = Bilingual("at least", "不低于")
_AT_MOST: Final = Bilingual("at most", "不高于")
_SAMPLE: Final = Bilingual("n = {n}", "样本 {n}")
_INTERVAL: Final = Bilingual(", 95 % interval {low} to {high}", "，95% 区间 {low} 至 {high}")
_NO_VALUE: Final = Bilingual("no data", "无数据")
_MINOR: Final = Bilingual("{amount} minor units", "{amount}（最小货币单位）")
_SHARES: Final = ("ratio", "share_within")
_SHARE_UNITS: Final = ("ratio", "scale")


def title(facts: Facts) -> Bilingual:
    """One line: whom it concerns, which figure, and how it stands."""
    stressed = facts.critical and facts.state != "resolved"
    return _both(lambda pick: (pick(_CRITICAL) if stressed else "") + _title(facts, pick))


def text(facts: Facts, zone: tzinfo) -> Bilingual:
    """Value against limit with units, window, sample and since when (in ``zone``)."""
    return _both(lambda pick: _text(facts, zone, pick))


Pick = Callable[[Bilingual], str]


def _both(write: Callable[[Pick], str]) -> Bilingual:
    return Bilingual(write(_english), write(_chinese))


def _english(entry: Bilingual) -> str:
    return entry.en


def _chinese(entry: Bilingual) -> str:
    return entry.zh


def _title(facts: Facts, pick: Pick) -> str:
    return pick(_TITLES[facts.state]).format(scope=_scope(facts, pick), figure=_figure(facts, pick))


def _text(facts: Facts, zone: tzinfo, pick: Pick) -> str:
    until = facts.cleared_ms or facts.started_ms
    sentence = pick(_BACK if facts.state == "resolved" else _MISSED).format(
        figure=_figure(facts, pick),
        scope=_scope_inside(facts, pick),
        window=pick(_WINDOWS.get(facts.window, Bilingual(facts.window, facts.window))),
        value=_quantity(facts, facts.value, pick),
        side=pick(_AT_LEAST if facts.at_least else _AT_MOST),
        limit=_quantity(facts, facts.limit, pick),
        sample=_sample(facts, pick),
        since=_instant(facts.started_ms, zone),
        until=_instant(until, zone),
    )
    sentence += pick(_SOURCE).format(target=facts.target, version=facts.rule_version)
    if facts.acknowledged_by and facts.state == "acknowledged":
        sentence += pick(_BY).format(actor=facts.acknowledged_by)
    return sentence


def _sample(facts: Facts, pick: Pick) -> str:
    sample = pick(_SAMPLE).format(n=facts.n)
    if facts.low is None or facts.high is None:
        return sample
    low, high = _quantity(facts, facts.low, pick), _quantity(facts, facts.high, pick)
    return sample + pick(_INTERVAL).format(low=low, high=high)


def _figure(facts: Facts, pick: Pick) -> str:
    known = INDICATORS.get(facts.indicator)
    names = Bilingual(known.name.en, known.name.zh) if known else None
    percentile = facts.measure.removeprefix("p")
    form = _MEASURES["percentile"] if percentile.isdecimal() else _MEASURES.get(facts.measure)
    within = _duration(facts.within_ms or 0, pick)
    return pick(form or _MEASURES["value"]).format(
        indicator=pick(names) if names else facts.indicator, within=within, p=percentile
    )


def _scope(facts: Facts, pick: Pick) -> str:
    try:
        scope = Scope.parse(facts.scope)
    except ScopeError:
        return facts.scope
    return pick(_SCOPES[scope.kind]).format(id=scope.id, department=scope.department)


def _scope_inside(facts: Facts, pick: Pick) -> str:
    """The scope in the middle of a sentence."""
    name = _scope(facts, pick)
    return name[:1].lower() + name[1:] if pick is _english else name


def _quantity(facts: Facts, value: float | None, pick: Pick) -> str:
    if value is None:
        return pick(_NO_VALUE)
    known = INDICATORS.get(facts.indicator)
    unit = known.unit if known else "" if facts.measure == "value" else "ms"
    if facts.measure in _SHARES or unit in _SHARE_UNITS:
        return f"{value * 100:.1f}%"
    if unit == "minor":
        return pick(_MINOR).format(amount=f"{round(value):,}")
    if unit != "ms":
        return f"{value:,.6g}"
    return _duration(round(value), pick)


def _duration(ms: int, pick: Pick) -> str:
    return english_duration(ms) if pick is _english else chinese_duration(ms)


def _instant(ms: int, zone: tzinfo) -> str:
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
    return local.isoformat(sep=" ", timespec="minutes")
