"""One real broker for all variants of a run, on free ports, with its data removed afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.java import find_java
from deploy.local.kafka import KafkaCluster
from deploy.local.layout import KAFKA_JARS
from deploy.local.ports import free_ports, in_use

READY_SECONDS = 60.0


class BrokerDidNotStartError(RuntimeError):
    """The broker ended, or did not listen in time; its log is named."""


@contextmanager
def broker(directory: Path) -> Iterator[str]:
    """A broker with its data in ``directory``; gives its bootstrap servers."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    port, controller = free_ports(2)
    cluster = KafkaCluster(find_java(os.environ), KAFKA_JARS, directory, (port, controller))
    cluster.prepare()
    log = directory / "broker.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own command
            cluster.command(cluster.brokers[0]), stdout=sink, stderr=sink, cwd=directory
        )
        try:
            _wait_for(process, port, log)
            yield cluster.bootstrap_servers
        finally:
            process.terminate()
            process.wait(30)
    shutil.rmtree(directory, ignore_errors=True)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not in_use(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BrokerDidNotStartError(f"see {log}:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
