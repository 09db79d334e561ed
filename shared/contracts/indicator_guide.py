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
Wilson interval; a **count** is a number of events; a **gauge** is a level at the end of the window;
an **amount** is read like a duration, in minor units of the organisation's currency; a **rating**
is a mean share of the scale (0 to 1), a **balance** good less bad answers times 100, both with the
95 % interval of a mean; a **derived** figure is another indicator's sum by the time on duty, with
no interval. *Attribution* says whose figure a case is, *cohort* the instant at which it is booked.
Where it says *settles*, the figures of a window stay `provisional` for so long after its end,
because what happens to its tickets may still change them.

**类型**：时长（duration）给出均值、总和与分位数，单位毫秒（分位数相对误差不超过 1 %，总和精确）；
比率（ratio）为 `n` 中的 `good`，附 95 % Wilson 区间；计数（count）为事件数；
存量（gauge）为窗口结束时的水平；金额（amount）读法同时长，以组织货币的最小单位计；
评分（rating）为占量表比例的均值（0 至 1），差额（balance）为好评与差评之差乘以 100，
二者均附均值的 95 % 区间；推导值（derived）为另一指标之和除以在岗时间，不附区间。
**归属**（attribution）指该案例计入谁名下，**入账时点**（cohort）指计入哪一刻。
注明**定案期**（settles）的指标，在窗口结束后的该期限内为暂定值（`provisional`），
因为工单的后续情况仍可能使其改变。

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
    settles = f" Settles: {one.settles_ms // 86_400_000} days." if one.settles_ms else ""
    yield f"Attribution: {one.attribution}. Cohort: {one.cohort}.{settles}\n"
