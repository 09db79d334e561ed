"""Findings about a machine and a local system. Each says what is, and what to do about it."""

import asyncio
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import psutil

from deploy.local.bootstrap.rust import OLDEST, rust_version
from deploy.local.java import JavaNotFoundError, find_java, java_version
from deploy.local.kafka import JAR_VERSION
from deploy.local.layout import CHECKOUT, KAFKA_JARS, DataDirectory
from deploy.local.ports import Ports, in_use, variable_of
from deploy.local.postgres import PostgresNotFoundError, find_binaries
from deploy.local.probes import HttpReady, KafkaReady, PostgresReady
from deploy.local.run_state import RunState, is_alive, read_state
from deploy.local.topic_check import missing_topics

Verdict = Literal["ok", "hint", "bad"]

_GIB = 1 << 30


@dataclass(frozen=True)
class Finding:
    """`hint` asks for nothing now; `bad` keeps the system from running."""

    verdict: Verdict
    subject: str
    fact: str
    advice: str = ""


@dataclass(frozen=True)
class Patient:
    """What is examined: a data directory, the ports it would use, and the environment."""

    directory: Path
    ports: Ports
    environ: Mapping[str, str]

    @property
    def running(self) -> RunState | None:
        state = read_state(DataDirectory(self.directory).state_file)
        return state if state and is_alive(state.supervisor, state.born) else None


def examine(patient: Patient) -> list[Finding]:
    """Look at everything, in the order in which a new user would meet the trouble."""
    return [finding for look in _LOOKS for finding in look(patient)]


def _python(_patient: Patient) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("ok", "python", version)


def _compiled_core(_patient: Patient) -> Iterator[Finding]:
    if importlib.util.find_spec("bellwether_native"):
        yield Finding("ok", "engine", "its core is compiled")
    else:
        yield Finding("bad", "engine", "its core is not compiled", "make tools")


def _rust(_patient: Patient) -> Iterator[Finding]:
    if (version := rust_version()) >= OLDEST:
        yield Finding("ok", "rust", ".".join(str(part) for part in version))
    else:
        oldest = ".".join(str(part) for part in OLDEST)
        fact = f"none of version {oldest} or later: the engine's core cannot be changed"
        yield Finding("hint", "rust", fact, "make tools")


def _java(patient: Patient) -> Iterator[Finding]:
    try:
        java = find_java(patient.environ)
    except JavaNotFoundError as error:
        yield Finding("bad", "java", "none of version 17 or later", str(error))
    else:
        yield Finding("ok", "java", f"{java_version(java)} ({java})")


def _kafka_jars(_patient: Patient) -> Iterator[Finding]:
    if any(KAFKA_JARS.glob("kafka_*.jar")):
        yield Finding("ok", "kafka", f"{JAR_VERSION} ({KAFKA_JARS})")
    else:
        yield Finding("bad", "kafka", f"no jars in {KAFKA_JARS}", "make tools")


def _postgres_binaries(_patient: Patient) -> Iterator[Finding]:
    try:
        yield Finding("ok", "postgres", str(find_binaries()))
    except PostgresNotFoundError as error:
        yield Finding("bad", "postgres", "no server binaries", str(error))


def _console(_patient: Patient) -> Iterator[Finding]:
    if (CHECKOUT / "console" / "dist" / "index.html").exists():
        yield Finding("ok", "console", "built")
    else:
        yield Finding("hint", "console", "not built: there is no wall to look at", "make tools")


def _memory(_patient: Patient) -> Iterator[Finding]:
    free = psutil.virtual_memory().available
    verdict: Verdict = "ok" if free >= 3 * _GIB else "hint"
    advice = "" if verdict == "ok" else "2.5 GiB are needed; close something, or leave parts out"
    yield Finding(verdict, "memory", f"{free / _GIB:.1f} GiB available", advice)


def _disk(patient: Patient) -> Iterator[Finding]:
    place = next(p for p in (patient.directory, *patient.directory.parents) if p.exists())
    free = shutil.disk_usage(place).free
    verdict: Verdict = "ok" if free >= 2 * _GIB else "bad"
    advice = "" if verdict == "ok" else "free some, or use --data-dir on another disk"
    yield Finding(verdict, "disk", f"{free / _GIB:.1f} GiB free for {patient.directory}", advice)


def _ports(patient: Patient) -> Iterator[Finding]:
    if patient.running:
        return
    taken = [
        (field.name, port)
        for field in fields(Ports)
        if in_use(port := getattr(patient.ports, field.name))
    ]
    for name, port in taken:
        fact = f"{port} is taken, and {name} wants it"
        yield Finding("bad", "port", fact, f"free it, or set {variable_of(name)}")
    if not taken:
        yield Finding("ok", "ports", "all free")


def _system(patient: Patient) -> Iterator[Finding]:
    state = patient.running
    if state is None:
        yield Finding("hint", "system", "not running", "make run")
        return
    yield Finding("ok", "system", f"running (process {state.supervisor})")
    for record in state.processes:
        if record.health_url is not None:
            yield _verdict_of(record.name, HttpReady(record.health_url).failure(), record.log)


def _kafka_connection(patient: Patient) -> Iterator[Finding]:
    servers = patient.environ.get("BELLWETHER_KAFKA_BOOTSTRAP_SERVERS")
    if servers is None and patient.running:
        servers = patient.running.connections["kafka"]
    if servers is None:
        return
    failure = KafkaReady(servers).failure()
    yield _verdict_of("kafka", failure, f"is a broker listening on {servers}?")
    if failure is None:
        missing = asyncio.run(missing_topics(servers))
        yield _verdict_of("topics", _named(missing), "they are made by the services at start")


def _postgres_connection(patient: Patient) -> Iterator[Finding]:
    dsn = patient.environ.get("BELLWETHER_POSTGRES_DSN")
    if dsn is not None:
        failure = PostgresReady(dsn).failure()
        yield _verdict_of("postgres", failure, "check BELLWETHER_POSTGRES_DSN")


def _verdict_of(subject: str, failure: str | None, advice: str) -> Finding:
    if failure is None:
        return Finding("ok", subject, "ready")
    return Finding("bad", subject, failure, advice)


def _named(missing: Iterable[str]) -> str | None:
    names = ", ".join(sorted(missing))
    return f"missing: {names}" if names else None


_LOOKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    _python,
    _rust,
    _compiled_core,
    _java,
    _kafka_jars,
    _postgres_binaries,
    _console,
    _memory,
    _disk,
    _ports,
    _system,
    _kafka_connection,
    _postgres_connection,
)
