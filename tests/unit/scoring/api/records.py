"""Score and breach records for the read API's tests."""

from __future__ import annotations

from shared.contracts.breaches import Breach, encode_breach
from shared.contracts.figures import Figure, ScorePart, ScoreRecord, WindowName, encode_score


def score_record(
    scope: str = "department:it",
    window: WindowName = "1h",
    *,
    stream_ms: int = 1_000,
    csat: float = 0.9,
    rules: str = "v1",
    score: float | None = 71.5,
) -> ScoreRecord:
    return ScoreRecord(
        scope=scope,
        window=window,
        start_ms=0,
        end_ms=3_600_000,
        stream_ms=stream_ms,
        rule_version=rules,
        provisional=True,
        figures=[
            Figure(indicator="csat", n=100, value=csat, good=int(csat * 100)),
            Figure(indicator="tickets_opened", n=5, value=5.0, total=5),
        ],
        score=score,
        score_parts=[ScorePart(indicator="csat", weight=1.0, points=score)],
    )


def score_bytes(scope: str = "department:it", window: WindowName = "1h", **fields: object) -> bytes:
    return encode_score(score_record(scope, window, **fields))  # type: ignore[arg-type]  # fields by name


def breach(
    id: str = "b1",
    transition: str = "breached",
    *,
    at_ms: int = 1_000,
    scope: str = "department:it",
    target: str = "happy",
) -> bytes:
    return encode_breach(
        Breach(
            id=id,
            transition=transition,  # type: ignore[arg-type]  # one of the two transitions
            target=target,
            indicator="csat",
            measure="ratio",
            comparison="at_least",
            limit=0.8,
            scope=scope,
            window="1h",
            severity="warning",
            value=0.5,
            n=100,
            started_ms=500,
            at_ms=at_ms,
            rule_version="v1",
        )
    )
