"""From measured runs to the table and the JSON file: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import harmonic_mean
from typing import Any, Final


@dataclass(frozen=True)
class Outcome:
    """One variant's run. Rates in events a second; ``verdict`` says whether it counted right:
    "exact", "WRONG: …", "nothing to count" for a limit, or "failed: …" without any figure."""

    name: str
    job: str
    events: int
    per_second: float
    per_core: float
    cpu_s: float
    peak_rss_mb: float
    verdict: str
    leaves_out: str

    @property
    def is_valid(self) -> bool:
        """A figure of a run that counted wrong is no figure."""
        return self.verdict in ("exact", "nothing to count")


OURS: Final = "bellwether"
"""On aiokafka, the client of the product."""
OTHER_CLIENT: Final = {"bellwether": "bellwether_confluent", "limit": "limit_confluent"}
"""The same on confluent-kafka: what another client would bring."""

_RATIOS: Final = {
    "kafka_streams": ("common", "kafka_streams", "common"),
    "flink": ("common", "flink", "common"),
    "quix": ("common", "quix", "common"),
    "bytewax": ("common", "bytewax", "common"),
    "faust": ("common", "faust", "common"),
    "limit": ("common", "limit", "common"),
    "full_to_limit": ("full", "limit", "full"),
    "rolling_kafka_streams": ("rolling", "kafka_streams", "rolling"),
    "rolling_flink": ("rolling", "flink", "rolling"),
}
"""Our job, their name and job."""

GOALS: Final = {
    "kafka_streams": 5.0,
    "flink": 8.0,
    "quix": 10.0,
    "bytewax": 3.0,
    "faust": 40.0,
    "limit": 0.5,
    "full_to_limit": 0.4,
    "rolling_kafka_streams": 10.0,
    "rolling_flink": 10.0,
}


def merged(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """One for each variant: of two runs the rates over both, and the higher peak; a run that
    counted wrong, if there is one."""
    runs: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        runs.setdefault((outcome.name, outcome.job), []).append(outcome)
    return [_merged(every) for every in runs.values()]


def _merged(runs: Sequence[Outcome]) -> Outcome:
    wrong = next((run for run in runs if not run.is_valid), None)
    return wrong or replace(
        runs[0],
        per_second=harmonic_mean([run.per_second for run in runs]),
        per_core=harmonic_mean([run.per_core for run in runs]),
        cpu_s=sum(run.cpu_s for run in runs),
        peak_rss_mb=max(run.peak_rss_mb for run in runs),
    )


def rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The rows of the JSON file: valid runs only."""
    return [
        {
            "name": outcome.name,
            "job": outcome.job,
            "events_per_s": round(outcome.per_second),
            "events_per_s_per_core": round(outcome.per_core),
            "peak_rss_mb": outcome.peak_rss_mb,
        }
        for outcome in outcomes
        if outcome.is_valid
    ]


def ratios(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    """Ours over theirs, per core, on the same job; None where one of them has no valid figure."""
    per_core = {(o.name, o.job): o.per_core for o in outcomes if o.is_valid}
    return {
        name: _ratio(per_core.get((OURS, ours)), per_core.get((theirs, job)))
        for name, (ours, theirs, job) in _RATIOS.items()
    }


def ratios_on_other_client(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    """The same ratios, had we the other client: ours and the limit are those on confluent-kafka."""
    renamed = {theirs: ours for ours, theirs in OTHER_CLIENT.items()}
    others = [
        replace(outcome, name=renamed.get(outcome.name, outcome.name))
        for outcome in outcomes
        if outcome.name not in OTHER_CLIENT
    ]
    return ratios(others)


def full_to_kafka_streams(outcomes: Sequence[Outcome]) -> float | None:
    """Our whole hot path over Kafka Streams on *common* (goal: 2)."""
    per_core = {(o.name, o.job): o.per_core for o in outcomes if o.is_valid}
    return _ratio(per_core.get((OURS, "full")), per_core.get(("kafka_streams", "common")))


def reasons(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Why a row is missing."""
    return {f"rows:{o.name}:{o.job}": o.verdict for o in outcomes if not o.is_valid}


def table(outcomes: Sequence[Outcome]) -> str:
    """For people: one line a variant, then the ratios beside their goals."""
    head = ("job", "variant", "events/s·core", "events/s", "peak MB", "ours/theirs", "counted")
    lines = [head, *(_line(outcome, outcomes) for outcome in outcomes)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = [_aligned(line, widths) for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    text += ["", "What is left out, by each:"]
    text += [f"  {o.job} {o.name}: {o.leaves_out}" for o in outcomes]
    text += ["", "Ratios (ours / theirs, events per CPU-second) and goals:", *_goal_lines(outcomes)]
    return "\n".join(text) + "\n"


def _line(outcome: Outcome, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    if not outcome.is_valid:
        return (outcome.job, outcome.name, "-", "-", "-", "-", outcome.verdict.splitlines()[0][:70])
    ours = next((o for o in outcomes if (o.name, o.job) == (OURS, outcome.job)), None)
    ratio = _ratio(ours.per_core if ours and ours.is_valid else None, outcome.per_core)
    return (
        outcome.job,
        outcome.name,
        f"{outcome.per_core:,.0f}",
        f"{outcome.per_second:,.0f}",
        f"{outcome.peak_rss_mb:,.0f}",
        "-" if ratio is None else f"{ratio:.2f}",
        outcome.verdict,
    )


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        text.rjust(width) if 2 <= column <= 5 else text.ljust(width)
        for column, (text, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _goal_lines(outcomes: Sequence[Outcome]) -> list[str]:
    found: Mapping[str, float | None] = ratios(outcomes)
    lines = [_goal_line(name, found[name], goal) for name, goal in GOALS.items()]
    beside = full_to_kafka_streams(outcomes)
    other = ratios_on_other_client(outcomes)
    return [
        *lines,
        _goal_line("full to kafka_streams on common", beside, 2.0),
        "",
        "The same with confluent-kafka as our client:",
        *(_goal_line(name, other[name], GOALS[name]) for name in GOALS if other[name] is not None),
    ]


def _goal_line(name: str, found: float | None, goal: float) -> str:
    if found is None:
        return f"  {name}: not measured (goal {goal:g})"
    return f"  {name}: {found:.2f} (goal {goal:g}: {'reached' if found >= goal else 'missed'})"


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else round(ours / theirs, 3)
