"""The guide to the indicators, in English and Chinese, made from the registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.contracts.indicators import INDICATORS, Indicator

_INTRODUCTION: Final = """\
# Indicators · 指标

Every indicator is declared once, in `shared/contracts/indicators.py`, for every department alike;
this page is made from that declaration. Every figure carries the number of cases `n`. Below the
*minimum sample* there is no verdict, only "not enough data".

每项指标只在 `shared/contracts/indicators.py` 中声明一次，对所有部门一视同仁；本页由该声明生成。
每个数值都附有样本数 `n`。样本数低于**最小样本**时不作判定，只显示“数据不足”。

*Kinds*: a **duration** is read as mean, sum and percentiles of its cases in milliseconds (relative
error of a percentile at most 1 %, sums exact); a **ratio** is `good` out of `n` with its 95 %
Wilson interval; a **count** is a number of events; a **gauge** is a level at the end of the window.
*Attribution* says whose figure a case is, *cohort* the instant at which it is booked.

**类型**：时长（duration）给出均值、总和与分位数，单位毫秒（分位数相对误差不超过 1 %，总和精确）；
比率（ratio）为 `n` 中的 `good`，附 95 % Wilson 区间；计数（count）为事件数；
存量（gauge）为窗口结束时的水平。**归属**（attribution）指该案例计入谁名下，
**入账时点**（cohort）指计入哪一刻。

| id | English | 中文 | category | kind | better | minimum sample |
|---|---|---|---|---|---|---|
"""


def indicator_guide() -> str:
    """The page, as Markdown."""
    rows = "\n".join(_row(one) for one in INDICATORS.values())
    sections = "\n".join(_section(one) for one in INDICATORS.values())
    return f"{_INTRODUCTION}{rows}\n\n{sections}"


def _row(one: Indicator) -> str:
    better = {"higher": "higher · 越高越好", "lower": "lower · 越低越好", "none": "–"}
    cells = (
        f"[`{one.id}`](#{one.id})",
        one.name.en,
        one.name.zh,
        one.category,
        one.kind if one.kind == one.unit else f"{one.kind} ({one.unit})",
        better[one.direction],
        str(one.minimum_sample),
    )
    return f"| {' | '.join(cells)} |"


def _section(one: Indicator) -> str:
    return "\n".join(_section_lines(one))


def _section_lines(one: Indicator) -> Iterator[str]:
    yield f"## {one.id}\n"
    yield f"**{one.name.en}** · **{one.name.zh}**\n"
    yield f"{one.definition.en}\n"
    yield f"{one.definition.zh}\n"
    yield f"Attribution: {one.attribution}. Cohort: {one.cohort}.\n"
