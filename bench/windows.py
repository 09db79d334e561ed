"""`python -m bench.windows`: what the windows cost, by themselves, on records as the engine sends.

An organisation on six input partitions, its stream as fast as it goes. Nothing but the windows is
in the clock: no broker, no Faust, no sending. Printed are what a cell costs to decode and to apply,
a tick, a score record, and the share of a core that the windows need at this rate. What it takes
when all sources seal the quarter-hour is told apart: the stream is shorter than one.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from services.scoring.core.evaluation import Evaluation
from services.scoring.core.sketch import bucket_of
from services.scoring.rule_files import TEMPLATE, load_rules
from services.scoring.windows.pane_records import decode_record
from services.scoring.windows.score_sender import MOST_RECORDS
from shared.contracts.figures import encode_score
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.leaves import LeafName
from shared.contracts.panes import (
    DAY,
    MINUTE,
    NO_CELLS,
    QUARTER,
    TOTAL,
    Cell,
    Cells,
    PaneUpdate,
    encode_pane_record,
)
from shared.contracts.topics import partition_of

PARTITIONS: Final = 6
DEPARTMENTS: Final = 12
TEAMS: Final = 5
FLUSHES_A_SECOND: Final = 30
MEASUREMENTS_AN_EVENT: Final = 4
BATCHES_A_SECOND: Final = 20
T0: Final = 1_760_000_400_000 // 86_400_000 * 86_400_000
_PANE_MS: Final = {MINUTE: 60_000, QUARTER: 900_000, DAY: 86_400_000}


@dataclass(slots=True)
class _Sums:
    n: int = 0
    total: int = 0
    good: int = 0
    sketch: dict[int, int] = field(default_factory=dict)

    def add(self, value: int, good: int, bucket: int | None) -> None:
        self.n += 1
        self.total += value
        self.good += good
        if bucket is not None:
            self.sketch[bucket] = self.sketch.get(bucket, 0) + 1


_Key = tuple[LeafName, int, int, int]


class Stream:
    """What six engines send, a second at a time."""

    def __init__(self, employees: int, rate: int) -> None:
        self._random = random.Random(7)  # noqa: S311 made-up data, no secret
        self._employees = employees
        self._events_a_flush = rate // FLUSHES_A_SECOND
        self._cells: list[dict[_Key, _Sums]] = [defaultdict(_Sums) for _ in range(PARTITIONS)]

    def second(self, number: int) -> list[list[tuple[int, bytes]]]:
        """Batches of records and their partitions of panes."""
        batches: list[list[tuple[int, bytes]]] = [[] for _ in range(BATCHES_A_SECOND)]
        for flush in range(FLUSHES_A_SECOND):
            now = T0 + number * 1000 + flush * 1000 // FLUSHES_A_SECOND
            batch = batches[flush * BATCHES_A_SECOND // FLUSHES_A_SECOND]
            batch += self._flush(flush % PARTITIONS, now)
        return batches

    def seal(self) -> list[tuple[int, bytes]]:
        """What the sources send when they seal the quarter-hour."""
        sealed_ms = T0 + _PANE_MS[QUARTER]
        now_ms = sealed_ms + _PANE_MS[QUARTER]
        return [
            record
            for source, cells in enumerate(self._cells)
            for record in self._records(
                source, [key for key in cells if key[1] == QUARTER], now_ms, sealed_ms
            )
        ]

    def _flush(self, source: int, now_ms: int) -> Iterator[tuple[int, bytes]]:
        cells = self._cells[source]
        touched = {key for _ in range(self._events_a_flush) for key in self._event(cells, now_ms)}
        stated = [key for key in touched if key[1] in (MINUTE, TOTAL)]
        return self._records(source, stated, now_ms, T0)

    def _records(
        self, source: int, keys: list[_Key], now_ms: int, sealed_ms: int
    ) -> Iterator[tuple[int, bytes]]:
        groups: dict[str, list[Cell]] = defaultdict(list)
        for leaf, level, start, indicator in sorted(keys):
            sums = self._cells[source][leaf, level, start, indicator]
            sketch = tuple(sorted(sums.sketch.items()))
            group = f"department:{leaf[0]}" if leaf[0] else "organisation"
            groups[group].append(
                Cell(leaf, level, start, indicator, sums.n, sums.total, sums.good, sketch)
            )
        for group, own in groups.items():
            record = PaneUpdate(
                source=source,
                group=group,
                revision=1,
                watermark_ms=now_ms,
                sealed_ms=sealed_ms,
                caught_up=True,
                received_ms=now_ms,
                rule_version="v1",
                cells=Cells.of(own),
                cycle=1,
                slice_cells=NO_CELLS,
            )
            yield partition_of(group, PARTITIONS), encode_pane_record(record)

    def _event(self, cells: dict[_Key, _Sums], now_ms: int) -> Iterator[_Key]:
        leaves = self._leaves()
        for _ in range(MEASUREMENTS_AN_EVENT):
            indicator = self._random.randrange(len(INDICATOR_IDS))
            kind = INDICATORS[INDICATOR_IDS[indicator]].kind
            value = int(self._random.lognormvariate(12, 1.5)) if kind == "duration" else 1
            bucket = bucket_of(value) if kind == "duration" else None
            good = int(self._random.random() < 0.9)
            levels = (*_PANE_MS, TOTAL) if kind == "gauge" else _PANE_MS
            for level in levels:
                start = now_ms - now_ms % _PANE_MS[level] if level != TOTAL else 0
                for leaf in leaves:
                    key = (leaf, level, start, indicator)
                    cells[key].add(value, good, bucket)
                    yield key

    def _leaves(self) -> list[LeafName]:
        employee = self._random.randrange(self._employees)
        return [
            (f"d{employee % DEPARTMENTS}", f"t{employee % TEAMS}", f"e{employee}"),
            ("", self._random.choice(("mail", "chat", "phone")), self._random.choice("abcdefgh")),
        ]


@dataclass(slots=True)
class Cost:
    """Seconds of the processor by what they went into, and what was done in them."""

    decode: float = 0.0
    apply: float = 0.0
    tick: float = 0.0
    score: float = 0.0
    cells: int = 0
    records: int = 0
    scores: int = 0
    ticks: int = 0
    slowest_tick: float = 0.0


def run(employees: int, rate: int, seconds: int) -> tuple[Cost, Cost, int]:
    """The cost of the second half of the stream, and how many cells are held after it; between
    them, what it costs that all sources seal their quarter-hour."""
    batches, seals = _generated(employees, rate, seconds)
    rules = load_rules(TEMPLATE)
    evaluations = [Evaluation(rules, PARTITIONS, fresh=True) for _ in range(PARTITIONS)]
    cost, sealing = Cost(), Cost()
    for second in range(seconds):
        if second == seconds // 2:
            cost = Cost()
        for number, batch in enumerate(batches[second]):
            now_ms = T0 + second * 1000 + number * 1000 // BATCHES_A_SECOND
            _batch(evaluations, batch, now_ms, cost)
    held = sum(evaluation.cells for evaluation in evaluations)
    _batch(evaluations, seals, T0 + seconds * 1000, sealing)
    return cost, sealing, held


_Batch = list[tuple[int, bytes]]


def _generated(employees: int, rate: int, seconds: int) -> tuple[list[list[_Batch]], _Batch]:
    """The whole stream, made beforehand, and left out by the garbage collector from now on; then
    the seals."""
    stream = Stream(employees, rate)
    batches = [stream.second(second) for second in range(seconds)]
    seals = stream.seal()
    del stream
    gc.collect()
    gc.freeze()
    return batches, seals


def _batch(evaluations: list[Evaluation], batch: _Batch, now_ms: int, cost: Cost) -> None:
    for partition, evaluation in enumerate(evaluations):
        values = [value for owner, value in batch if owner == partition]
        if values:
            _partition(evaluation, values, now_ms, cost)


def _partition(evaluation: Evaluation, values: list[bytes], now_ms: int, cost: Cost) -> None:
    started = time.process_time()
    records = [decode_record(value, with_slice=False) for value in values]
    decoded = time.process_time()
    evaluation.take(records, now_ms)
    taken = time.process_time()
    evaluation.tick(now_ms)
    ticked = time.process_time()
    due = evaluation.due_scores(now_ms, MOST_RECORDS)
    scores = [encode_score(record) for record in due if record is not None]
    scored = time.process_time()
    cost.decode += decoded - started
    cost.apply += taken - decoded
    cost.tick += ticked - taken
    cost.score += scored - ticked
    cost.cells += sum(len(r.cells) for r in records if isinstance(r, PaneUpdate))
    cost.records += len(records)
    cost.scores += len(scores)
    cost.ticks += 1
    cost.slowest_tick = max(cost.slowest_tick, ticked - taken)


def main() -> None:
    """Print the figures of one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--employees", type=int, default=1_000)
    parser.add_argument("--rate", type=int, default=1_000, help="events a second")
    parser.add_argument("--seconds", type=int, default=20, help="of the stream")
    options = parser.parse_args()
    cost, sealing, held = run(options.employees, options.rate, options.seconds)
    measured = options.seconds - options.seconds // 2
    total = cost.decode + cost.apply + cost.tick + cost.score
    print(f"cells                  {cost.cells / measured:10,.0f} a second, {held:,} held")
    print(f"records of panes       {cost.records / measured:10,.0f} a second")
    print(f"decode                 {cost.decode / cost.cells * 1e9:10,.0f} ns a cell")
    print(f"apply                  {cost.apply / cost.cells * 1e9:10,.0f} ns a cell")
    print(
        f"tick                   {cost.tick / cost.ticks * 1e3:10.2f} ms, "
        f"{cost.slowest_tick * 1e3:.1f} at most"
    )
    print(f"score records          {cost.scores / measured:10,.0f} a second")
    per_score = cost.score / max(cost.scores, 1)
    print(f"make and encode        {per_score * 1e6:10,.0f} us a score record")
    print(f"an event               {total / measured / options.rate * 1e6:10,.0f} us")
    print(f"of a core              {total / measured:10.1%}")
    seal_ms = (sealing.decode + sealing.apply) * 1e3
    print(f"sealing                {seal_ms:10,.0f} ms a quarter-hour, {sealing.cells:,} cells")


if __name__ == "__main__":
    main()
