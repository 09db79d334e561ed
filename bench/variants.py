"""Every variant: what it runs, on how many events, and what it leaves out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from bench.streams.common import LATENESS_MS, PARTITIONS
from bench.toolchain import CHECKOUT, QUIX_PYTHON, TOOLS, VENV_PYTHON

Job = Literal["common", "rolling", "full"]
Results = Literal["rows", "json", "faust", "panes", "none"]
Size = Literal["small", "medium", "large", "huge", "full"]

_OPENED: Final = ("util", "lang", "net", "time", "nio", "util.concurrent", "text", "math")
_JVM: Final = (
    "-Xms512m",
    "-Xmx1500m",
    "-XX:+UseParallelGC",
    *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in _OPENED),
)


@dataclass(frozen=True)
class Variant:
    """``short`` says whether the everyday form runs it; ``warm`` is the share of the events after
    which measuring begins, with the first report for *full*, for where much is read ahead, its cost
    would fall into the warm phase; ``results`` how its results are read back."""

    name: str
    job: Job
    size: Size
    program: str
    results: Results
    leaves_out: str
    short: bool = True
    warm: float = 0.34
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a variant runs: its topics and a directory of its own."""

    bootstrap: str
    source: str
    sink: str
    directory: Path
    events: int


_NOTHING: Final = "nothing"
_OURS: Final = "ledger and clocks (see full), trimming of its changelog"
_STREAMS: Final = "nothing of the job; exactly once"
_FLINK: Final = "state lies on the heap: a checkpoint copies all of it"
_QUIX: Final = "forgetting ids"
_BYTEWAX: Final = "durable state, effectively once"
_FAUST: Final = "effectively once, forgetting ids and minutes"
_LIMIT: Final = "everything but reading and decoding"

VARIANTS: Final = (
    Variant("limit", "common", "huge", "bench.ours.limit", "none", _LIMIT),
    Variant("limit_confluent", "common", "huge", "bench.ours.limit", "none", _LIMIT,
            options={"client": "confluent"}),
    Variant("bellwether", "common", "huge", "bench.ours.on_aiokafka", "rows", _OURS),
    Variant("bellwether_confluent", "common", "huge", "bench.ours.on_confluent", "rows", _OURS),
    Variant("kafka_streams", "common", "large", "kafka_streams", "json", _STREAMS, warm=0.6),
    Variant("kafka_streams_in_memory", "common", "large", "kafka_streams", "json", _STREAMS,
            short=False, warm=0.6, options={"store": "memory"}),
    Variant("flink", "common", "large", "flink", "json", _FLINK, warm=0.6),
    Variant("bytewax", "common", "large", "bench.peers.bytewax_job", "json", _BYTEWAX),
    Variant("quix", "common", "medium", "quix", "json", _QUIX),
    Variant("faust", "common", "small", "bench.peers.faust_job", "faust", _FAUST),
    Variant("bellwether", "rolling", "huge", "bench.ours.on_aiokafka", "rows", _OURS),
    Variant("bellwether_confluent", "rolling", "huge", "bench.ours.on_confluent", "rows", _OURS),
    Variant("kafka_streams", "rolling", "medium", "kafka_streams", "json", _STREAMS, warm=0.6),
    Variant("flink", "rolling", "medium", "flink", "json", _FLINK, warm=0.6),
    Variant("bytewax", "rolling", "medium", "bench.peers.bytewax_job", "json", _BYTEWAX,
            short=False),
    Variant("quix", "rolling", "small", "quix", "json", _QUIX, short=False),
    Variant("limit", "full", "full", "bench.ours.limit", "none", _LIMIT, warm=0),
    Variant("limit_compiled", "full", "full", "bench.ours.limit", "none", _LIMIT, warm=0,
            options={"decoder": "compiled"}),
    Variant("limit_confluent", "full", "full", "bench.ours.limit", "none", _LIMIT, warm=0,
            options={"client": "confluent"}),
    Variant("bellwether", "full", "full", "bench.ours.full", "panes", _NOTHING, warm=0),
)  # fmt: skip
"""In the order in which they run: what is compared runs close together."""

AGAIN: Final[Mapping[tuple[str, Job], Sequence[tuple[str, Job]]]] = {
    ("flink", "common"): (("limit", "common"), ("bellwether", "common")),
    ("bellwether", "full"): (("kafka_streams", "common"),),
}
"""Behind which variant others run once more, in the full form. The machine is not equally quick all
the time: what most is compared with has the mean of two moments."""


def command(variant: Variant, place: Place) -> list[str]:
    """The command line of a variant."""
    if variant.program in ("kafka_streams", "flink"):
        return _java(variant, place)
    settings = {
        "bootstrap": place.bootstrap,
        "source": place.source,
        "sink": place.sink,
        "name": place.sink,
        "directory": str(place.directory),
        "events": place.events,
        "partitions": PARTITIONS,
        "job": variant.job,
        "lateness_ms": LATENESS_MS,
        **variant.options,
    }
    if variant.program == "quix":
        script = CHECKOUT / "bench" / "peers" / "quix" / "job.py"
        return [str(QUIX_PYTHON), str(script), json.dumps(settings)]
    return [str(VENV_PYTHON), "-m", variant.program, json.dumps(settings)]


def _java(variant: Variant, place: Place) -> list[str]:
    java = shutil.which("java")
    assert java is not None, "the toolchain compiled Java a moment ago"
    folder = TOOLS / variant.program
    settings = (
        place.bootstrap,
        place.source,
        place.sink,
        place.sink,
        str(place.directory),
        str(place.events),
        variant.job,
        variant.options.get("store", "rocksdb"),
        str(LATENESS_MS),
    )
    classes = f"{folder / 'classes'}:{folder / 'lib'}/*"
    return [java, *_JVM, "-cp", classes, "bench.Job", *settings]


def runs(variants: Sequence[Variant], *, short: bool) -> Iterator[Variant]:
    """These variants in order, some of them twice."""
    by_name = {(variant.name, variant.job): variant for variant in variants}
    for key, variant in by_name.items():
        yield variant
        if not short:
            yield from (by_name[again] for again in AGAIN.get(key, ()) if again in by_name)


def chosen(names: Sequence[str], *, short: bool) -> Iterator[Variant]:
    """The variants of a run: all of the form, or those named (``name`` or ``name:job``)."""
    for variant in VARIANTS:
        if names:
            if {variant.name, f"{variant.name}:{variant.job}"} & set(names):
                yield variant
        elif variant.short or not short:
            yield variant
