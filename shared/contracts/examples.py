"""Example messages of every topic: the documentation shows them, and a test decodes each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from shared.contracts.breaches import Breach
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.figures import Figure, ScorePart, ScoreRecord, TargetVerdict
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.measurements import Measurement, MeasurementBatch, Measurements
from shared.contracts.panes import (
    MINUTE,
    MINUTE_MS,
    QUARTER_MS,
    TOTAL,
    Cell,
    Cells,
    PaneUpdate,
    Watermark,
)

OPENED_MS: Final = 1_767_323_045_678
"""2026-01-02T03:04:05.678Z, the opening of the ticket that the examples follow."""


def _event(number: int, kind: str, time: str, data: Mapping[str, Any] | None = None) -> Any:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"evt-{number:06}",
        "source": "crm-a",
        "type": kind,
        "subject": "T-1001",
        "time": time,
        "datacontenttype": "application/json",
    }
    return event if data is None else {**event, "data": dict(data)}


EVENTS: Final[tuple[Mapping[str, Any], ...]] = (
    _event(
        1,
        "ticket.opened",
        "2026-01-02T03:04:05.678Z",
        {
            "department": "after-sales",
            "team": "returns",
            "channel": "phone",
            "category": "refund",
            "customer": "c-77",
            "priority": "high",
        },
    ),
    _event(
        2,
        "ticket.assigned",
        "2026-01-02T03:05:10Z",
        {
            "department": "after-sales",
            "team": "returns",
            "employee": "li.na",
            "transfer": False,
        },
    ),
    _event(
        3,
        "response.sent",
        "2026-01-02T03:09:00Z",
        {"sender": "employee", "employee": "li.na"},
    ),
    _event(4, "ticket.waiting", "2026-01-02T03:10:00Z", {"on": "customer"}),
    _event(5, "ticket.customer_replied", "2026-01-02T04:00:00Z", {}),
    _event(6, "ticket.resumed", "2026-01-02T04:00:00Z"),
    _event(
        7,
        "ticket.handled",
        "2026-01-02T04:20:00+00:00",
        {"duration_ms": 1_200_000, "employee": "li.na", "cost_minor": 1500, "currency": "CNY"},
    ),
    _event(8, "ticket.resolved", "2026-01-02T12:30:00+08:00", {"employee": "li.na"}),
    _event(9, "ticket.reopened", "2026-01-02T05:00:00Z"),
    _event(10, "ticket.resolved", "2026-01-02T06:00:00Z"),
    _event(11, "ticket.complained", "2026-01-02T06:05:00Z", {"employee": "li.na"}),
    _event(12, "ticket.closed", "2026-01-03T06:00:00Z", {}),
    _event(
        13,
        "ticket.corrected",
        "2026-01-03T08:00:00Z",
        {
            "action": "exclude",
            "reason": "opened by mistake",
            "event_id": "evt-000009",
            "event_source": "crm-a",
        },
    ),
    _event(
        14,
        "ticket.corrected",
        "2026-01-03T08:01:00Z",
        {
            "action": "exempt",
            "reason": "outage of the carrier's system",
            "start": "2026-01-02T04:00:00Z",
            "end": "2026-01-02T04:15:00Z",
        },
    ),
    _event(
        15,
        "response.measured",
        "2026-01-02T03:09:00Z",
        {"metric": "first_response_time", "duration_ms": 294_322, "employee": "li.na"},
    ),
    _event(16, "survey.sent", "2026-01-02T06:10:00Z", {"kind": "csat", "wording": "csat-2026"}),
    _event(
        17,
        "survey.answered",
        "2026-01-02T07:00:00Z",
        {
            "kind": "csat",
            "scale": {"min": 1, "max": 5},
            "value": 5,
            "wording": "csat-2026",
            "comment": "很快就解决了，谢谢",
        },
    ),
    _event(
        18,
        "survey.answered",
        "2026-01-04T07:00:00Z",
        {
            "kind": "review",
            "scale": {"min": 1, "max": 7},
            "value": 6,
            "employee": "li.na",
            "rater_role": "peer",
            "rater": "wang.wei",
        },
    ),
)
"""At least one of every event type, as JSON documents."""

_FIGURE: Final = Figure(
    indicator="resolution_rate",
    n=120,
    value=0.9,
    good=108,
    low=0.833,
    high=0.942,
    targets=[
        TargetVerdict(
            target="after-sales-resolution",
            verdict="met",
            limit=0.85,
            value=0.9,
            low=0.833,
            high=0.942,
        )
    ],
)
_DURATION: Final = Figure(
    indicator="resolution_time",
    n=108,
    value=9_250_000.0,
    total=999_000_000,
    low=8_700_000.0,
    high=9_800_000.0,
    p50=8_640_000.0,
    p90=17_280_000.0,
    p95=21_600_000.0,
    p99=28_800_000.0,
)

SCORE: Final = ScoreRecord(
    scope="department:after-sales",
    window="1h",
    start_ms=OPENED_MS - 3_600_000,
    end_ms=OPENED_MS,
    stream_ms=OPENED_MS,
    rule_version="2026-01",
    provisional=True,
    figures=[_FIGURE, _DURATION],
    score=82.5,
    score_parts=[
        ScorePart(indicator="resolution_rate", weight=0.6, points=87.5),
        ScorePart(indicator="resolution_time", weight=0.4, points=75.0),
    ],
    received_ms=OPENED_MS + 12,
)
BREACH: Final = Breach(
    id="7f0c2a9d51e64b83",
    transition="breached",
    target="after-sales-resolution",
    indicator="resolution_rate",
    measure="ratio",
    comparison="at_least",
    limit=0.85,
    scope="department:after-sales",
    window="1h",
    severity="warning",
    value=0.7,
    low=0.612,
    high=0.775,
    n=120,
    started_ms=OPENED_MS,
    at_ms=OPENED_MS + 60_000,
    received_ms=OPENED_MS + 60_012,
    rule_version="2026-01",
)
MEASUREMENTS: Final = MeasurementBatch(
    source=3,
    revision=41,
    watermark_ms=OPENED_MS,
    rows=Measurements.of(
        [
            Measurement(
                ticket="T-1001",
                indicator=INDICATOR_IDS.index("tickets_opened"),
                sequence=0,
                sign=1,
                time_ms=OPENED_MS,
                value=1,
                good=0,
                department="after-sales",
                team="returns",
                employee="",
                channel="phone",
                category="refund",
                event=0x1F3B_5C7D_9E02_4682,
                rule_version="2026-01",
            )
        ]
    ),
)
_LEAF: Final = ("after-sales", "returns", "ann")
PANES: Final = PaneUpdate(
    source=3,
    group="department:after-sales",
    revision=41,
    watermark_ms=OPENED_MS,
    sealed_ms=(OPENED_MS // QUARTER_MS - 1) * QUARTER_MS,
    caught_up=True,
    received_ms=OPENED_MS + 12,
    rule_version="2026-01",
    cells=Cells.of(
        [
            Cell(
                leaf=_LEAF,
                level=MINUTE,
                start_ms=OPENED_MS // MINUTE_MS * MINUTE_MS,
                indicator=INDICATOR_IDS.index("first_response_time"),
                n=2,
                total=240_000,
                good=1,
                sketch=((565, 1), (600, 1)),
            )
        ]
    ),
    cycle=2,
    slice_cells=Cells.of(
        [
            Cell(
                leaf=_LEAF,
                level=TOTAL,
                start_ms=0,
                indicator=INDICATOR_IDS.index("backlog"),
                n=7,
                total=3,
                good=0,
            )
        ]
    ),
)
WATERMARK: Final = Watermark(
    source=3, revision=41, watermark_ms=OPENED_MS, caught_up=True, received_ms=0
)
DEAD_LETTER: Final = DeadLetter(
    topic="tickets",
    partition=3,
    offset=90_210,
    reason="invalid",
    detail="Object missing required field `subject`",
    key=b"T-1001",
    value=b'{"specversion":"1.0","id":"evt-000001"}',
)

RECORDS: Final[Mapping[str, tuple[msgspec.Struct, ...]]] = MappingProxyType(
    {
        "Breach": (BREACH,),
        "DeadLetter": (DEAD_LETTER,),
        "MeasurementBatch": (MEASUREMENTS,),
        "PaneRecord": (PANES, WATERMARK),
        "ScoreRecord": (SCORE,),
    }
)
"""Records by the name of their format, as `Topic.value` gives it."""
