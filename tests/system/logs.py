"""Logs to replay, with what an independent recomputation says of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.oracle import ecommerce, servicenow
from tests.oracle.figures import Oracle, sample
from tests.oracle.synthetic import ecommerce_log, servicenow_log

CASES = 1200
SEED = 7


@dataclass(frozen=True)
class Log:
    """A log file, its mapping, its figures, and a target of the template that some department
    misses in it."""

    path: Path
    mapping: str
    oracle: Oracle
    missed: str | None = None


def incidents(folder: Path) -> Log:
    """The ServiceNow sample, or where it is absent a made-up log of its shape."""
    path = sample("servicenow")
    if path is None:
        return made_up_incidents(folder)
    return Log(path, "servicenow.yaml", servicenow.recompute(path), "resolved-within-24h")


def made_up_incidents(folder: Path) -> Log:
    """Three weeks of incidents, of the shape of the ServiceNow sample."""
    path = servicenow_log(folder, SEED, CASES)
    return Log(path, "servicenow.yaml", servicenow.recompute(path), "reopened")


def contacts(folder: Path) -> Log:
    """The shop's sample, or where it is absent a made-up log of its shape."""
    path = sample("ecommerce") or ecommerce_log(folder, SEED, CASES)
    return Log(path, "ecommerce.yaml", ecommerce.recompute(path))
