"""A recorder in a process of its own, so that a test can kill it."""

import asyncio
import dataclasses
import sys

from services.scoring.recorder.runner import record
from shared.contracts.topics import MEASUREMENTS
from shared.runtime.settings import RuntimeSettings
from shared.runtime.telemetry import configure_logging


class ProcessSettings(RuntimeSettings):
    metrics_port: int | None = 0
    scoring_host: str = "127.0.0.1"


def main(bootstrap: str, dsn: str, topic: str, partitions: str) -> None:
    settings = ProcessSettings.model_validate(
        {
            "kafka_bootstrap_servers": bootstrap,
            "postgres_dsn": dsn,
            "partitions": int(partitions),
            "metrics_port": 0,
            "log_level": "warning",
        }
    )
    configure_logging("recorder", settings)
    asyncio.run(record(settings, dataclasses.replace(MEASUREMENTS, name=topic), group=topic))


if __name__ == "__main__":
    main(*sys.argv[1:])
