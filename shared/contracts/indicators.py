"""The registry of indicators: each is declared once, for every department alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Category = Literal["quality", "efficiency", "cost", "feedback"]
Unit = Literal["ms", "ratio", "tickets", "events", "scale", "points", "minor", "per_hour"]
"""*scale* is a share of the scale, 0 its lower end and 1 its upper; *points* run from -100 to 100;
*minor* is the minor unit of the organisation's currency."""
Direction = Literal["higher", "lower", "none"]
Kind = Literal["duration", "ratio", "count", "gauge", "amount", "rating", "balance", "derived"]

DEFAULT_MINIMUM_SAMPLE: Final = 25
_WEEK_MS: Final = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Text:
    """The same sentence in the languages that users see."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator.

    ``kind`` says how a cell of measurements is read: *duration* n values, their sum in ms and a
    sketch; *ratio* good out of n; *count* n events; *gauge* the running sum of changes; *amount* n
    sums of money in minor units, like a duration; *rating* n answers in per mille of their scale,
    their sum and how many there are of each; *balance* good less bad out of n (values 1, 0, -1);
    *derived* nothing is measured, the figure is made of another one and the time on duty.
    ``attribution`` and ``cohort`` say whose figure it is and in which minute it is booked.
    ``settles_ms`` is for how long after its window a case may turn out otherwise by what happens
    to the ticket; ``individual`` whether employees have the figure at all.
    """

    id: str
    category: Category
    unit: Unit
    direction: Direction
    kind: Kind
    attribution: str
    cohort: str
    name: Text
    definition: Text
    minimum_sample: int = DEFAULT_MINIMUM_SAMPLE
    settles_ms: int = 0
    individual: bool = True


_DECLARED: Final = (
    Indicator(
        "first_response_time",
        "efficiency",
        "ms",
        "lower",
        "duration",
        "sender",
        "response",
        Text("First response time", "首次响应时间"),
        Text(
            "From opening to the first public reply by a person; bots are excluded.",
            "从工单创建到首次由人工公开回复的时间；机器人回复不计。",
        ),
    ),
    Indicator(
        "resolution_time",
        "efficiency",
        "ms",
        "lower",
        "duration",
        "holder at resolution",
        "first resolution",
        Text("Resolution time", "解决时长"),
        Text(
            "From opening to the first resolution, waiting included unless the rules exclude it.",
            "从工单创建到首次解决的时间；除非规则排除，等待时间计入。",
        ),
    ),
    Indicator(
        "resolution_time_last",
        "efficiency",
        "ms",
        "lower",
        "duration",
        "holder at resolution",
        "last resolution",
        Text("Time to last resolution", "最终解决时长"),
        Text(
            "From opening to the last resolution; provisional while the ticket may be reopened.",
            "从工单创建到最后一次解决的时间；工单可能重开期间为暂定值。",
        ),
        settles_ms=_WEEK_MS,
    ),
    Indicator(
        "resolution_rate",
        "quality",
        "ratio",
        "higher",
        "ratio",
        "holder at opening",
        "opening",
        Text("Resolution rate", "解决率"),
        Text(
            "Of the tickets opened in the window, the share that is resolved by now.",
            "窗口内创建的工单中，目前已解决的比例。",
        ),
        settles_ms=_WEEK_MS,
    ),
    Indicator(
        "reopen_rate",
        "quality",
        "ratio",
        "lower",
        "ratio",
        "holder at first resolution",
        "first resolution",
        Text("Reopen rate", "重开率"),
        Text(
            "Of the tickets first resolved in the window, the share that was reopened since.",
            "窗口内首次解决的工单中，之后被重开的比例。",
        ),
        settles_ms=_WEEK_MS,
    ),
    Indicator(
        "transfer_rate",
        "quality",
        "ratio",
        "lower",
        "ratio",
        "first holder",
        "opening",
        Text("Transfer rate", "转派率"),
        Text(
            "Of the tickets opened in the window, the share reassigned after first assignment.",
            "窗口内创建的工单中，首次分派后又被转派的比例。",
        ),
        settles_ms=_WEEK_MS,
    ),
    Indicator(
        "backlog",
        "efficiency",
        "tickets",
        "lower",
        "gauge",
        "current holder",
        "instant",
        Text("Backlog", "待办量"),
        Text(
            "Unresolved tickets at the end of the window, derived from events.",
            "窗口结束时尚未解决的工单数，由事件推导得出。",
        ),
        minimum_sample=0,
    ),
    Indicator(
        "csat",
        "feedback",
        "ratio",
        "higher",
        "ratio",
        "holder at last resolution",
        "answer",
        Text("Customer satisfaction", "客户满意度"),
        Text(
            "Good answers (4 or 5 of 5) out of all answers; read with the response rate.",
            "满意评价（5 分制中的 4 分或 5 分）占全部评价的比例；须与回收率同看。",
        ),
    ),
    Indicator(
        "survey_response_rate",
        "feedback",
        "ratio",
        "higher",
        "ratio",
        "holder at last resolution",
        "survey sent",
        Text("Survey response rate", "调查回收率"),
        Text(
            "Of the surveys sent in the window, the share that was answered.",
            "窗口内发出的调查中，已收到回答的比例。",
        ),
        settles_ms=_WEEK_MS,
    ),
    Indicator(
        "complaint_rate",
        "feedback",
        "ratio",
        "lower",
        "ratio",
        "first holder",
        "opening",
        Text("Complaint rate", "投诉率"),
        Text(
            "Of the tickets opened in the window, the share with at least one complaint.",
            "窗口内创建的工单中，至少有一次投诉的比例。",
        ),
        settles_ms=_WEEK_MS,
    ),
    Indicator(
        "tickets_opened",
        "efficiency",
        "tickets",
        "none",
        "count",
        "holder at opening",
        "opening",
        Text("Tickets opened", "新建工单"),
        Text("Tickets opened in the window.", "窗口内创建的工单数。"),
        minimum_sample=0,
    ),
    Indicator(
        "tickets_resolved",
        "efficiency",
        "events",
        "none",
        "count",
        "holder at resolution",
        "resolution",
        Text("Resolutions", "解决次数"),
        Text(
            "Resolutions in the window; a reopened ticket can be resolved again.",
            "窗口内的解决次数；重开后的工单可再次解决。",
        ),
        minimum_sample=0,
    ),
    Indicator(
        "tickets_reassigned",
        "efficiency",
        "events",
        "none",
        "count",
        "holder who hands over",
        "reassignment",
        Text("Reassignments", "转派次数"),
        Text(
            "Reassignments as the source counts them; where it does not say, changes from one "
            "known department, team or employee to another.",
            "按来源系统的统计口径；来源未说明时，指从一个已知部门、团队或员工变更到另一个的次数。",
        ),
        minimum_sample=0,
    ),
    Indicator(
        "tickets_reopened",
        "quality",
        "events",
        "none",
        "count",
        "holder at the resolution before",
        "reopening",
        Text("Reopenings", "重开次数"),
        Text(
            "Reopenings in the window, attributed to whoever had resolved the ticket.",
            "窗口内的重开次数，归属于此前解决该工单者。",
        ),
        minimum_sample=0,
    ),
    Indicator(
        "tickets_complained",
        "feedback",
        "events",
        "none",
        "count",
        "holder at the complaint",
        "complaint",
        Text("Complaints", "投诉次数"),
        Text("Complaints in the window.", "窗口内的投诉次数。"),
        minimum_sample=0,
    ),
    Indicator(
        "first_response_time_business",
        "efficiency",
        "ms",
        "lower",
        "duration",
        "sender",
        "response",
        Text("First response time, business hours", "首次响应时间（工作时间）"),
        Text(
            "First response time, counting only the working time of the calendar in force; "
            "measured where the rules have a calendar.",
            "首次响应时间，仅计当时生效日历内的工作时间；规则中设有日历时才计算。",
        ),
    ),
    Indicator(
        "resolution_time_business",
        "efficiency",
        "ms",
        "lower",
        "duration",
        "holder at resolution",
        "first resolution",
        Text("Resolution time, business hours", "解决时长（工作时间）"),
        Text(
            "Resolution time, counting only the working time of the calendar in force; "
            "measured where the rules have a calendar.",
            "解决时长，仅计当时生效日历内的工作时间；规则中设有日历时才计算。",
        ),
    ),
    Indicator(
        "sla_attainment",
        "quality",
        "ratio",
        "higher",
        "ratio",
        "who keeps the promise, or holder at the deadline",
        "fulfilment or deadline",
        Text("SLA attainment", "SLA 达成率"),
        Text(
            "Of the promises of a first response and of a resolution that were kept or fell due, "
            "the share that was kept. A promise that is open and not due counts nowhere; one that "
            "is open and late is missed at the deadline itself. In measurements, sequence 0 is the "
            "promise of a first response, 1 that of a resolution.",
            "在已兑现或已到期的首次响应与解决承诺中，按时兑现的比例。尚未到期的承诺不计；"
            "到期仍未兑现的，在截止时刻即记为未达成。"
            "度量记录中，序号 0 为首次响应承诺，1 为解决承诺。",
        ),
    ),
    Indicator(
        "sla_at_risk",
        "efficiency",
        "tickets",
        "lower",
        "gauge",
        "current holder",
        "instant",
        Text("SLA at risk", "SLA 临近超时"),
        Text(
            "Open promises of which a set share of the allowed time (at_risk_share of the rules) "
            "has passed at the end of the window; a ticket can have two.",
            "窗口结束时，已用时间超过允许时间设定比例（规则中的 at_risk_share）且尚未了结的承诺数；"
            "一张工单最多两项。",
        ),
        minimum_sample=0,
    ),
    Indicator(
        "next_response_time",
        "efficiency",
        "ms",
        "lower",
        "duration",
        "sender",
        "response",
        Text("Next response time", "后续响应时间"),
        Text(
            "After the first response: from the oldest unanswered message of the customer to the "
            "next public reply by a person; bots are excluded. Messages count while the ticket is "
            "open; a resolution ends the wait without a measurement, and a reopening after a "
            "message of the customer begins a new one.",
            "首次响应之后：从客户最早一条未获回复的消息到下一次人工公开回复的时间；机器人回复不计。"
            "仅计工单未解决期间的消息；工单解决后等待即告终止且不计入，客户来信后工单重开则从重开时重新计时。",
        ),
    ),
    Indicator(
        "next_response_time_business",
        "efficiency",
        "ms",
        "lower",
        "duration",
        "sender",
        "response",
        Text("Next response time, business hours", "后续响应时间（工作时间）"),
        Text(
            "Next response time, counting only the working time of the calendar in force; "
            "measured where the rules have a calendar.",
            "后续响应时间，仅计当时生效日历内的工作时间；规则中设有日历时才计算。",
        ),
    ),
    Indicator(
        "handling_time",
        "efficiency",
        "ms",
        "lower",
        "duration",
        "employee named, or holder",
        "segment's end",
        Text("Handling time", "处理时长"),
        Text(
            "Time spent on tickets; each segment of handling is a case, booked when it ends.",
            "处理工单所用的时间；每段处理为一个案例，于该段结束时入账。",
        ),
    ),
    Indicator(
        "first_contact_resolution",
        "quality",
        "ratio",
        "higher",
        "ratio",
        "holder at first resolution",
        "first resolution",
        Text("First contact resolution", "首次解决率"),
        Text(
            "Of the tickets first resolved in the window, the share not reopened within 7 days; "
            "provisional until then. When the customer comes back with a new ticket about the "
            "same matter, that is not seen here.",
            "窗口内首次解决的工单中，7 天内未被重开的比例；期满前为暂定值。"
            "客户就同一事项另开新工单的情形不在此统计之内。",
        ),
        settles_ms=_WEEK_MS,
    ),
    Indicator(
        "nps",
        "feedback",
        "points",
        "higher",
        "balance",
        "holder at last resolution",
        "answer",
        Text("Net Promoter Score", "净推荐值"),
        Text(
            "Share of promoters (9 or 10) less share of detractors (0 to 6) among customers' "
            "answers, times 100; on the scale from 0 to 10 only.",
            "客户评价中推荐者（9 至 10 分）的比例减去贬损者（0 至 6 分）的比例，再乘以 100；"
            "仅限 0 至 10 分制。",
        ),
    ),
    Indicator(
        "ces",
        "feedback",
        "scale",
        "higher",
        "rating",
        "holder at last resolution",
        "answer",
        Text("Customer effort score", "客户费力度得分"),
        Text(
            "Mean of customers' answers to how easy it was, as a share of the scale: 0 its lower "
            "end, 1 its upper. One scale only, 1 to 7 unless the rules declare another.",
            "客户对“办理是否轻松”的评价均值，以占量表的比例表示：下限为 0，上限为 1。"
            "只用一种量表，默认 1 至 7 分，规则可另行声明。",
        ),
    ),
    Indicator(
        "cost_per_ticket",
        "cost",
        "minor",
        "lower",
        "amount",
        "holder at opening",
        "opening",
        Text("Cost per ticket", "单均成本"),
        Text(
            "Cost of handling so far and allocated cost of the tickets opened in the window, per "
            "ticket, in minor units of the organisation's currency; measured where the rules "
            "declare one. It is no figure of employees.",
            "窗口内创建的工单迄今的处理成本与分摊成本，按单平均，以组织货币的最小单位计；"
            "规则中声明了货币时才计算。不作为员工个人指标。",
        ),
        settles_ms=_WEEK_MS,
        individual=False,
    ),
    Indicator(
        "qa_score",
        "quality",
        "scale",
        "higher",
        "rating",
        "employee named, or holder at last resolution",
        "answer",
        Text("Quality assurance score", "质检得分"),
        Text(
            "Raw mean of quality reviews, as a share of the scale: 0 its lower end, 1 its upper.",
            "质检评分的原始均值，以占量表的比例表示：下限为 0，上限为 1。",
        ),
    ),
    Indicator(
        "peer_review",
        "feedback",
        "scale",
        "higher",
        "rating",
        "employee named, or holder at last resolution",
        "answer",
        Text("Peer review", "同事评价"),
        Text(
            "Raw mean of reviews by peers, as a share of the scale: 0 its lower end, 1 its upper; "
            "not corrected for how severe a rater is.",
            "同事评价的原始均值，以占量表的比例表示：下限为 0，上限为 1；"
            "未按评价者的宽严程度修正。",
        ),
    ),
    Indicator(
        "manager_review",
        "feedback",
        "scale",
        "higher",
        "rating",
        "employee named, or holder at last resolution",
        "answer",
        Text("Manager review", "主管评价"),
        Text(
            "Raw mean of reviews by managers, as a share of the scale: 0 its lower end, 1 its "
            "upper; not corrected for how severe a rater is.",
            "主管评价的原始均值，以占量表的比例表示：下限为 0，上限为 1；"
            "未按评价者的宽严程度修正。",
        ),
    ),
    Indicator(
        "throughput",
        "efficiency",
        "per_hour",
        "higher",
        "derived",
        "holder at resolution",
        "resolution",
        Text("Throughput", "每小时解决量"),
        Text(
            "An employee's resolutions per hour on duty. Time on duty is the working time of the "
            "calendar within the window, up to now; known where the rules have a calendar.",
            "员工每个在岗小时的解决次数。在岗时间为窗口内截至当前的日历工作时间；规则中设有日历时才计算。",
        ),
    ),
    Indicator(
        "utilisation",
        "efficiency",
        "ratio",
        "none",
        "derived",
        "employee named, or holder",
        "segment's end",
        Text("Utilisation", "在岗利用率"),
        Text(
            "An employee's handling time out of the time on duty, as for throughput; over 1 for "
            "whoever works beyond the calendar.",
            "员工处理时长占在岗时间（口径同每小时解决量）的比例；在日历之外工作者可超过 1。",
        ),
    ),
)

INDICATORS: Final[Mapping[str, Indicator]] = MappingProxyType({i.id: i for i in _DECLARED})
INDICATOR_IDS: Final[tuple[str, ...]] = tuple(INDICATORS)
"""The wire form of an indicator is its place in this tuple: append only."""


def is_settled(indicator: str, end_ms: int, at_ms: int) -> bool:
    """Whether the cases of a window that ended at ``end_ms`` cannot turn out otherwise any more by
    what happens to their tickets."""
    settles_ms = INDICATORS[indicator].settles_ms
    return not settles_ms or end_ms + settles_ms <= at_ms
