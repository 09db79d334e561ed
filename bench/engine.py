"""`make bench BENCH=engine`: our engine and its peers on one broker, events and job."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench import found, oracle, process, topics
from bench.engine_totals import compare_totals
from bench.report import Outcome
from bench.streams import common, tickets
from bench.toolchain import CHECKOUT
from bench.variants import Place, Size, Variant, chosen, command, runs
from deploy.local.process_table import LEAN
from services.scoring.rule_files import load_rules
from shared.contracts.panes import decode_pane_record
from shared.contracts.topics import PANES, TOPICS

FULL_SIZES: Final[Mapping[Size, int]] = {
    "small": 60_000,
    "medium": 300_000,
    "large": 1_000_000,
    "huge": 2_000_000,
    "full": 600_000,
}
SHORT_SIZES: Final[Mapping[Size, int]] = {
    "small": 20_000,
    "medium": 200_000,
    "large": 500_000,
    "huge": 500_000,
    "full": 200_000,
}
FAUST_TABLES: Final = ("ids", "panes")
"""Faust waits for their changelogs, and does not always create them."""
HOURS_AGO: Final = 12
"""The stream's first event: Kafka Streams' changelogs expire what is a day old."""


class EngineBench:
    """One run on one broker."""

    def __init__(
        self, bootstrap: str, directory: Path, sizes: Mapping[Size, int], start_ms: int
    ) -> None:
        self._bootstrap = bootstrap
        self._directory = directory
        self._sizes = sizes
        self._start_ms = start_ms
        self._minutes: dict[int, oracle.Cells] = {}
        self._expected = tickets.Expected()
        self._runs: Counter[str] = Counter()

    def fill(self, variants: Sequence[Variant]) -> None:
        """Produce the topics that these variants read."""
        for size in sorted({v.size for v in variants if v.job != "full"}):
            topics.create(self._bootstrap, [_source(size)])
            topics.fill(self._bootstrap, self._common(size))
        if any(variant.job == "full" for variant in variants):
            topics.create(self._bootstrap, list(TOPICS))
            topics.fill(self._bootstrap, self._tickets())

    def run(self, variant: Variant) -> Outcome:
        """Run one variant, and hold what it counted against the oracle."""
        place = self._prepare(variant)
        log = CHECKOUT / "bench" / "results" / f"{variant.name}-{variant.job}.log"
        log.parent.mkdir(exist_ok=True)
        try:
            measured = process.run(command(variant, place), _environ(variant), log)
            per_second, per_core, cpu_s = measured.rates(int(variant.warm * place.events))
            verdict = self._verdict(variant, place)
        except (process.VariantFailedError, TimeoutError) as error:
            return _failed(variant, place, error)
        finally:
            shutil.rmtree(place.directory, ignore_errors=True)
        return Outcome(
            variant.name,
            variant.job,
            place.events,
            per_second,
            per_core,
            cpu_s,
            measured.peak_rss_mb,
            verdict,
            variant.leaves_out,
        )

    # -- topics ---------------------------------------------------------------------------------

    def _prepare(self, variant: Variant) -> Place:
        sink = f"bench-{variant.name}-{variant.job}".replace("_", "-")
        self._runs[sink] += 1
        sink = f"{sink}-{self._runs[sink]}"
        directory = self._directory / sink
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        if variant.job == "full":
            return Place(self._bootstrap, "", sink, directory, self._sizes["full"])
        if variant.results in ("rows", "json"):
            topics.create(self._bootstrap, [sink, f"{sink}-changelog"])
        if variant.results == "faust":
            topics.create(self._bootstrap, [f"{sink}-{table}-changelog" for table in FAUST_TABLES])
        events = self._sizes[variant.size] + common.PARTITIONS
        return Place(self._bootstrap, _source(variant.size), sink, directory, events)

    def _common(self, size: Size) -> Iterator[topics.Message]:
        count, name = self._sizes[size], _source(size)
        for event in common.events(count, self._start_ms):
            yield _message(name, common.partition_of(event.key, common.PARTITIONS), event)
        for partition in range(common.PARTITIONS):
            yield _message(name, partition, common.closing(partition, count, self._start_ms))

    def _tickets(self) -> Iterator[topics.Message]:
        count = self._sizes["full"]
        for event in tickets.events(count, self._start_ms, self._expected):
            partition = common.partition_of(event.ticket, common.PARTITIONS)
            key, time_ms = event.ticket.encode(), self._start_ms + event.order_ms
            yield event.topic, partition, key, event.value, time_ms

    # -- correctness ----------------------------------------------------------------------------

    def _verdict(self, variant: Variant, place: Place) -> str:
        if variant.results == "none":
            return "nothing to count"
        if variant.results == "panes":
            values = self._values(PANES.name)
            records = map(decode_pane_record, values)
            counted_totals = found.totals_of(records, load_rules(None).zone)
            return compare_totals(self._expected.totals, counted_totals)
        counted = self._cells(place.sink, variant.results)
        expected = self._minutes_of(variant.size)
        if variant.job == "rolling":
            expected = oracle.rolling(expected)
        return str(oracle.compare(expected, counted))

    def _cells(self, sink: str, results: str) -> found.Found:
        if results == "rows":
            cells = found.from_rows(self._values(sink))
        elif results == "json":
            cells = found.from_json(self._values(sink))
        else:
            changelog = topics.read(self._bootstrap, f"{sink}-panes-changelog")
            cells = found.from_faust((key, value) for _, key, value in changelog if key and value)
        return {at: cell for at, cell in cells.items() if not at[0].startswith(common.CLOSING)}

    def _values(self, topic: str) -> Iterator[bytes]:
        return (value for _, _, value in topics.read(self._bootstrap, topic) if value)

    def _minutes_of(self, size: Size) -> oracle.Cells:
        count = self._sizes[size]
        if count not in self._minutes:
            self._minutes[count] = oracle.minutes(common.events(count, self._start_ms))
        return self._minutes[count]


def stream_start_ms(now_s: float) -> int:
    """A full minute, some hours ago."""
    return (int(now_s) - HOURS_AGO * 3600) // 60 * 60_000


def run(
    bootstrap: str, directory: Path, names: Sequence[str], *, short: bool
) -> Iterator[tuple[Outcome, float]]:
    """The outcome of every run as it comes, and how many seconds it took in all."""
    variants = list(chosen(names, short=short))
    sizes = SHORT_SIZES if short else FULL_SIZES
    bench = EngineBench(bootstrap, directory, sizes, stream_start_ms(time.time()))
    bench.fill(variants)
    for variant in runs(variants, short=short):
        began = time.monotonic()
        outcome = bench.run(variant)
        yield outcome, time.monotonic() - began


def _source(size: Size) -> str:
    return f"bench-events-{size}"


def _message(topic: str, partition: int, event: common.Event) -> topics.Message:
    return topic, partition, event.key.encode(), common.encode(event), event.time_ms


def _environ(variant: Variant) -> dict[str, str]:
    """*full* is the product's process, and what it is held against: they have its environment."""
    paths = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    product = LEAN if variant.job == "full" else {}
    return {**product, "PYTHONPATH": os.pathsep.join(paths), "PYTHONWARNINGS": "ignore"}


def _failed(variant: Variant, place: Place, error: Exception) -> Outcome:
    verdict = f"failed: {error}"
    return Outcome(
        variant.name, variant.job, place.events, 0.0, 0.0, 0.0, 0.0, verdict, variant.leaves_out
    )
