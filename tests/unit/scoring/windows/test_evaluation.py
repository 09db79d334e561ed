"""From panes to breaches and scores: repeatable, restartable, at once when live."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.core.evaluation import Evaluation
from services.scoring.core.rules import RuleHistory
from services.scoring.rule_files import load_rules
from shared.contracts.breaches import Breach
from shared.contracts.figures import ScoreRecord, decode_score, encode_score
from shared.contracts.panes import PaneUpdate
from tests.unit.scoring.windows.pane_stream import MINUTE_MS, Fact, Source, cells_touched, update

RULES = """\
format: bellwether-rules/v1
version: v1
valid_from: "2020-01-01T00:00:00Z"
name: {en: Test, zh: 测试}
zone: UTC
targets:
  - id: quick
    name: {en: Quick, zh: 快}
    indicator: first_response_time
    measure: p90
    at_most: 5m
    clear: 4m
    window: 15m
    applies_to: ["department:*"]
    minimum_sample: 5
    for: 20m
  - id: happy
    name: {en: Happy, zh: 满意}
    indicator: csat
    measure: ratio
    at_least: 0.8
    window: 1h
    applies_to: ["department:*"]
    minimum_sample: 5
    evidence: value
  - id: backlog
    name: {en: Backlog, zh: 待办}
    indicator: backlog
    measure: value
    at_most: 3
    window: 5m
    applies_to: ["employee:*/*"]
"""
T0 = 1_700_000_100_000 // (15 * MINUTE_MS) * 15 * MINUTE_MS
UTC = ZoneInfo("UTC")
LONG_AGO_NOW = T0 + 10**10


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleHistory:
    file: Path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(textwrap.dedent(RULES), encoding="utf-8")
    return load_rules(file)


def facts_to_updates(facts: Sequence[Fact], sizes: Iterable[int]) -> list[PaneUpdate]:
    """What the sources send when facts come in order of time, in flushes of these sizes."""
    updates: list[PaneUpdate] = []
    sources = [Source(number, UTC) for number in (0, 1)]
    left, watermark = list(facts), 0
    for size in [*sizes, len(left)]:
        fresh, left = left[:size], left[size:]
        if not fresh:
            continue
        watermark = max(watermark, *(fact.time_ms for fact in fresh))
        for source in sources:
            mine = [f for f in fresh if f.source == source.number]
            updates.append(source.flush(mine, watermark))
    return updates


class Run:
    """An evaluation under a wall clock of its own, and all that it sent."""

    def __init__(
        self, rules: RuleHistory, now_ms: int, past: Iterable[Breach] = (), *, fresh: bool = True
    ) -> None:
        self.now_ms = now_ms
        self.rules = rules
        self.breaches: list[Breach] = []
        self.scores: list[ScoreRecord] = []
        self.evaluation = Evaluation(rules, 2, past, fresh=fresh)

    def take(self, *records: PaneUpdate) -> None:
        self.evaluation.take(records, self.now_ms)

    def tick(self, pass_ms: int = 100) -> list[Breach]:
        self.now_ms += pass_ms
        breaches = self.evaluation.tick(self.now_ms)
        self.breaches += breaches
        due = self.evaluation.due_scores(self.now_ms, 500)
        self.scores += [decode_score(encode_score(record)) for record in due if record]
        return breaches


def transitions(breaches: Iterable[Breach]) -> list[tuple[object, ...]]:
    return sorted((b.transition, b.key, b.id, b.started_ms, b.at_ms, b.n) for b in breaches)


def answers(at_ms: int, good: int, bad: int, *, source: int = 0) -> list[Fact]:
    return [
        Fact(source, at_ms + number, "csat", 1, int(number < good), "ann")
        for number in range(good + bad)
    ]


def flush(facts: Sequence[Fact], *, received_ms: int = 0, watermark_ms: int = 0) -> PaneUpdate:
    """All of one source's facts as one update, caught up."""
    mark = watermark_ms or max(fact.time_ms for fact in facts)
    cells = cells_touched([], facts, UTC)
    return update(
        facts[0].source, cells, watermark_ms=mark, caught_up=True, received_ms=received_ms
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Fact], list[int], list[int]]:
    count = draw(st.integers(15, 40))
    times = sorted(
        draw(st.lists(st.integers(T0, T0 + 300 * MINUTE_MS), min_size=count, max_size=count))
    )
    facts = [
        Fact(
            number % 2,
            time_ms,
            draw(st.sampled_from(["first_response_time", "csat"])),
            draw(st.sampled_from([60_000, 900_000])),
            draw(st.integers(0, 1)),
            "ann",
        )
        for number, time_ms in enumerate(times)
    ]
    sizes = st.lists(st.integers(1, 20), max_size=8)
    return facts, draw(sizes), draw(sizes)


@settings(max_examples=40, deadline=None)
@given(histories())
def test_a_replay_gives_the_same_breaches_however_it_was_batched(
    rules: RuleHistory, case: tuple[list[Fact], list[int], list[int]]
) -> None:
    facts, first_sizes, second_sizes = case
    found = []
    for sizes in (first_sizes, second_sizes):
        run = Run(rules, LONG_AGO_NOW)
        for record in facts_to_updates(facts, sizes):
            run.take(record)
            run.tick()
        found.append(transitions(run.breaches))
    assert found[0] == found[1]


@settings(max_examples=40, deadline=None)
@given(histories(), st.integers(2, 40))
def test_a_replay_gives_the_same_breaches_however_many_records_a_turn_takes(
    rules: RuleHistory, case: tuple[list[Fact], list[int], list[int]], many: int
) -> None:
    facts, sizes, _ = case
    records = facts_to_updates(facts, sizes)
    found = []
    for size in (1, many):
        run = Run(rules, LONG_AGO_NOW)
        for first in range(0, len(records), size):
            run.take(*records[first : first + size])
            run.tick()
        found.append(transitions(run.breaches))
    assert found[0] == found[1]


@settings(max_examples=40, deadline=None)
@given(histories(), st.integers(0, 8))
def test_a_restart_neither_repeats_nor_loses_a_breach(
    rules: RuleHistory, case: tuple[list[Fact], list[int], list[int]], cut: int
) -> None:
    facts, sizes, _ = case
    log = facts_to_updates(facts, sizes)
    run, whole = Run(rules, LONG_AGO_NOW), Run(rules, LONG_AGO_NOW)
    for number, record in enumerate(log):
        whole.take(record)
        whole.tick()
        if number == cut:
            after = Run(rules, run.now_ms, run.breaches, fresh=False)
            after.take(*log[:number])
            after.breaches, run = list(run.breaches), after
        run.take(record)
        run.tick()
    assert len({(b.transition, b.id) for b in run.breaches}) == len(run.breaches)
    active = {b.key for b in run.breaches if b.transition == "breached"} - {
        b.key for b in run.breaches if b.transition == "cleared"
    }
    assert {key for key in active if key.startswith("happy")} <= {
        b.key for b in whole.breaches if b.transition == "breached"
    }


def test_a_live_breach_is_told_with_the_tick_that_follows_its_cause(rules: RuleHistory) -> None:
    run = Run(rules, T0)
    run.take(flush(answers(T0, 1, 9), received_ms=T0 - 5))
    (breach,) = run.tick()
    assert (breach.transition, breach.target, breach.scope) == ("breached", "happy", "department:d")
    assert (breach.n, breach.value, breach.received_ms) == (10, 0.1, T0 - 5)
    assert breach.at_ms == run.now_ms


def test_a_live_breach_ends_by_time_alone_when_its_window_has_moved_on(rules: RuleHistory) -> None:
    run = Run(rules, T0)
    run.take(flush(answers(T0, 1, 9)))
    run.tick()
    keep_alive = [Fact(1, T0 + 61 * MINUTE_MS, "csat", 1, 1, "bo")]
    run.take(flush(keep_alive))
    (ended,) = run.tick(61 * MINUTE_MS)
    assert (ended.transition, ended.n) == ("cleared", 1)


def test_a_breach_with_for_comes_when_its_time_has_passed_though_no_event_comes(
    rules: RuleHistory,
) -> None:
    run = Run(rules, T0)
    slow = [Fact(0, T0 + n, "first_response_time", 900_000, 0, "ann") for n in range(40)]
    later = [Fact(0, T0 + 14 * MINUTE_MS, "first_response_time", 900_000, 0, "ann")] * 40
    run.take(flush([*slow, *later]))
    assert run.tick() == []
    (breach,) = run.tick(20 * MINUTE_MS)
    assert breach.target == "quick"
    assert breach.at_ms - breach.started_ms == 20 * MINUTE_MS
    assert breach.received_ms == 0


def test_a_gauge_is_judged_by_its_level(rules: RuleHistory) -> None:
    run = Run(rules, T0)
    run.take(flush([Fact(0, T0 + n, "backlog", 1, 0, "ann") for n in range(4)]))
    (breach,) = run.tick()
    assert (breach.target, breach.scope, breach.value) == ("backlog", "employee:d/ann", 4.0)


def test_breaches_of_targets_that_are_no_more_are_ended(rules: RuleHistory) -> None:
    before = Run(rules, T0)
    before.take(flush(answers(T0, 1, 9)))
    (breach,) = before.tick()
    after = Run(rules, T0, [msgspec.structs.replace(breach, target="forgotten")])
    after.take(flush(answers(T0, 9, 1)))
    (ended,) = after.tick()
    assert (ended.transition, ended.target, ended.id) == ("cleared", "forgotten", breach.id)


def test_a_figure_tells_its_verdict_and_whether_a_breach_goes_on(rules: RuleHistory) -> None:
    run = Run(rules, T0)
    run.take(flush(answers(T0, 1, 9)))
    run.tick()
    (record,) = [r for r in run.scores if (r.scope, r.window) == ("department:d", "1h")]
    (figure,) = [f for f in record.figures if f.indicator == "csat"]
    (verdict,) = figure.targets
    assert (figure.n, figure.good, figure.value) == (10, 1, 0.1)
    assert (verdict.target, verdict.verdict, verdict.breached) == ("happy", "missed", True)
    assert record.start_ms <= T0 < record.end_ms
    assert record.rule_version == "v1"


def test_a_window_that_became_empty_is_sent_once_more_as_empty(rules: RuleHistory) -> None:
    run = Run(rules, T0)
    run.take(flush(answers(T0, 9, 1)))
    run.tick()
    run.scores.clear()
    run.take(flush([Fact(1, T0 + 6 * MINUTE_MS, "csat", 1, 1, "bo")]))
    run.tick(6 * MINUTE_MS)
    run.tick(60_000)
    empty = [r for r in run.scores if (r.scope, r.window) == ("employee:d/ann", "5m")]
    assert [record.figures for record in empty] == [[]]


def test_unchanged_scopes_are_not_sent_again(rules: RuleHistory) -> None:
    run = Run(rules, T0)
    run.take(flush(answers(T0, 9, 1)))
    run.tick(5_000)
    run.tick(5_000)
    run.scores.clear()
    run.tick(1_000)
    assert run.scores == []
