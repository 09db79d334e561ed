"""Topic ``scores``: the figures of one scope in one window, judged and scored (JSON)."""

from __future__ import annotations

from typing import Final, Generic, Literal, TypeVar, get_args

import msgspec

WindowName = Literal["5m", "15m", "1h", "24h", "7d", "30d"]
WINDOWS: Final[tuple[WindowName, ...]] = get_args(WindowName)
Verdict = Literal["met", "missed", "not_enough_data"]


class TargetVerdict(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How a figure stands against one target; ``value``, ``low`` and ``high`` in the unit of the
    target's measure (ratio, or the indicator's unit for a percentile, mean or value)."""

    target: str
    verdict: Verdict
    limit: float
    value: float | None = None
    low: float | None = None
    high: float | None = None
    breached: bool = False


class Figure(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One indicator in one window.

    ``n`` cases; ``value`` good/n for ratios, the mean of durations (ms), amounts (minor units) and
    ratings (share of the scale, 0 to 1), 100 times the mean for balances (-100 to 100), the number
    itself for counts and gauges, the quotient for derived figures, None without data; ``low`` and
    ``high`` its 95 % interval (Wilson for ratios); percentiles of durations and amounts with a
    relative error of at most 1 %. ``provisional`` is True while cases of the window may still turn
    out otherwise by what happens to their tickets, though all events have come.
    """

    indicator: str
    n: int
    value: float | None = None
    good: int | None = None
    total: int | None = None
    low: float | None = None
    high: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    provisional: bool = False
    targets: list[TargetVerdict] = msgspec.field(default_factory=list)


class ScorePart(msgspec.Struct, kw_only=True):
    """How one indicator enters the score: points 0-100 by the anchors in the rules, and weight."""

    indicator: str
    weight: float
    points: float | None


_Figures = TypeVar("_Figures")


class _Score(msgspec.Struct, Generic[_Figures], kw_only=True, omit_defaults=True):
    scope: str
    window: WindowName
    start_ms: int
    end_ms: int
    stream_ms: int
    rule_version: str
    provisional: bool
    figures: _Figures
    score: float | None = None
    score_parts: list[ScorePart] = msgspec.field(default_factory=list)
    received_ms: int = 0

    @property
    def key(self) -> str:
        """The record's key on the compacted topic."""
        return f"{self.scope}|{self.window}"


class ScoreRecord(_Score[list[Figure]], kw_only=True, omit_defaults=True):
    """All figures of one scope in one window.

    The window is ``[start_ms, end_ms)``; ``stream_ms`` is the stream time at which it was computed
    (freshness). ``score`` is None when the rules' policy for missing indicators says so.
    ``provisional`` is True while late events may still change it.
    """


class WrittenScore(_Score[msgspec.Raw], kw_only=True, omit_defaults=True):
    """The same with figures that are JSON already."""


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(ScoreRecord)


def encode_score(record: ScoreRecord | WrittenScore) -> bytes:
    """JSON of a record of ``scores``."""
    return _ENCODER.encode(record)


def encode_figure(figure: Figure) -> bytes:
    """JSON of a figure, as it lies in a record."""
    return _ENCODER.encode(figure)


def decode_score(value: bytes) -> ScoreRecord:
    """The inverse; raises ``msgspec.MsgspecError``."""
    return _DECODER.decode(value)
