"""The windows role in a process of its own, so that a test can kill it."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from pathlib import Path

import uvloop

from services.scoring.settings import ScoringSettings
from services.scoring.windows.runner import evaluate
from services.scoring.windows.topics import REGISTERED, WindowsTopics
from shared.runtime.telemetry import configure_logging


def topics_of(suffix: str) -> WindowsTopics:
    """Topics that no other test uses."""
    return WindowsTopics(*(dataclasses.replace(t, name=f"{t.name}-{suffix}") for t in REGISTERED))


def settings_of(bootstrap: str, partitions: int, rules: Path) -> ScoringSettings:
    """Settings of a windows role under test."""
    return ScoringSettings.model_validate(
        {
            "kafka_bootstrap_servers": bootstrap,
            "partitions": partitions,
            "rules": rules,
            "metrics_port": 0,
            "log_level": "warning",
        }
    )


def main(bootstrap: str, partitions: str, rules: str, suffix: str) -> None:
    settings = settings_of(bootstrap, int(partitions), Path(rules))
    configure_logging("windows", settings)
    role = evaluate(settings, asyncio.Event(), topics_of(suffix), f"windows-{suffix}")
    uvloop.run(role)


if __name__ == "__main__":
    main(*sys.argv[1:])
