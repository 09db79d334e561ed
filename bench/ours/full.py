"""*full*: the product's measuring process itself (`services.scoring.measure`), as it runs."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import structlog
import uvloop

from bench.ours import report
from bench.ours.settings import VariantSettings, from_arguments
from services.scoring.measure.flush_policy import FlushPolicy
from services.scoring.measure.member import Measure
from services.scoring.measure.metrics import EVENTS
from services.scoring.rule_files import load_rules
from shared.runtime.collector import calm_collector

REPORT_SECONDS: Final = 0.2


async def run(settings: VariantSettings) -> None:
    """Until every event of the input topics is stored."""
    calm_collector()
    measure = Measure(settings.bootstrap, settings.partitions, load_rules(None), FlushPolicy())
    stopping = asyncio.Event()
    working = asyncio.create_task(measure.run(stopping))
    events = 0
    while events < settings.events:
        await asyncio.sleep(REPORT_SECONDS)
        if working.done():
            working.result()
        events = _stored()
        report.progress(events)
    report.done(events)
    stopping.set()
    await working


def _stored() -> int:
    """Events of flushes that were stored, as the process's own metric says."""
    samples = (sample for metric in EVENTS.collect() for sample in metric.samples)
    return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    uvloop.run(run(from_arguments()))
