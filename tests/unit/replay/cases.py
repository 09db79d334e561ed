"""Runs a mapping over rows written in a test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from deploy.replay.loading import parse_mapping
from deploy.replay.mapping import Mapping
from deploy.replay.plan import Plan, Tally
from deploy.replay.rejects import RejectFile
from deploy.replay.spool import Spool

HEAD = """\
version: 1
name: test
source: crm
nulls: ["", "-"]
columns:
  id: {from: id, required: true}
  state: {from: state, nulls: [junk], carry: true}
  group: {from: group}
  moves: {from: moves, type: integer}
  at: {from: at, type: time, formats: ["%H:%M", iso8601], required: true}
case: id
order: [at]
events:
"""
FIELDS = ("id", "state", "group", "moves", "at")


@dataclass
class Mapped:
    """``events`` as parsed JSON in the order of sending, and what was rejected."""

    events: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    tally: Tally

    @property
    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]


def mapping_of(events: str, *, head: str = HEAD) -> Mapping:
    indented = "".join(f"  {line}\n" for line in events.strip().splitlines())
    return parse_mapping(Path("test.yaml"), head + indented)


def run(
    folder: Path,
    mapping: Mapping,
    rows: Sequence[Sequence[str]],
    *,
    fields: Sequence[str] = FIELDS,
    shuffle_ms: int = 0,
    seed: int = 0,
) -> Mapped:
    """Map rows as a CSV file would bring them."""
    log = folder / "log.csv"
    log.write_text("\n".join(",".join(row) for row in [fields, *rows]) + "\n", encoding="utf-8")
    return run_file(folder, mapping, log, shuffle_ms=shuffle_ms, seed=seed)


def run_file(
    folder: Path, mapping: Mapping, log: Path, *, shuffle_ms: int = 0, seed: int = 0
) -> Mapped:
    reject_file = folder / "rejects.jsonl"
    with (
        RejectFile(reject_file) as rejects,
        Spool(folder / "spool", mapping.case_columns, mapping.order) as spool,
    ):
        plan = Plan(mapping, log, rejects, shuffle_ms, Random(seed))
        plan.fill(spool)
        events = [json.loads(event.body) for _, event in spool.events(0)]
    lines = reject_file.read_text("utf-8").splitlines() if reject_file.exists() else []
    return Mapped(events, [json.loads(line) for line in lines], plan.tally)
