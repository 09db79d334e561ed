"""The whole system on free ports, with its data under `var/bench`, removed afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.local.layout import CHECKOUT
from deploy.local.ports import Ports, free_ports
from deploy.local.stack import LocalStack, StackOptions

TEMPLATE: Final = CHECKOUT / "services" / "scoring" / "templates" / "default.yaml"
READY_SECONDS: Final = 180.0


@contextmanager
def whole_system(
    directory: Path, environ: Mapping[str, str], only: frozenset[str] = frozenset()
) -> Iterator[LocalStack]:
    """Every service, or ``only`` those named, with Kafka and Postgres as `make run` starts them.
    ``environ`` is added to ours."""
    names = [port.name for port in fields(Ports)]
    found = free_ports(len(names) + 2)
    options = StackOptions(
        ports=Ports(**dict(zip(names, found, strict=False))),
        kafka_ports=tuple(found[len(names) :]),
        only=only,
        environ={**os.environ, **environ},
    )
    stack = LocalStack(directory, options, _say)
    try:
        stack.start(timeout=READY_SECONDS)
        yield stack
    finally:
        stack.stop()
        _remove(stack.data.postgres / "data")
        _remove(directory)


def _remove(folder: Path) -> None:
    """The database lies elsewhere, behind a link, when its user cannot reach ours."""
    shutil.rmtree(folder.resolve(), ignore_errors=True)


def write_rules(file: Path, target: Mapping[str, Any]) -> Path:
    """The template's rules, and one target more."""
    rules = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    rules["version"] = "bench"
    rules["targets"].append(dict(target))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")
    return file


def _say(name: str, line: str) -> None:
    """What the supervisor says; what processes log lies in their files."""
    if name == "bellwether":
        print(f"  {line}", flush=True)
