"""`bellwether up`: the whole system on this machine, until Ctrl-C."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.options import DEFAULT_DATA_DIR, DataDir
from deploy.cli.terminal import LineFormat, Terminal
from deploy.local.java import JavaNotFoundError
from deploy.local.kafka import KafkaJarsMissingError
from deploy.local.ports import PortTakenError, ports_from
from deploy.local.postgres import PostgresNotFoundError
from deploy.local.process_table import Simulation
from deploy.local.run_state import AlreadyRunningError
from deploy.local.stack import LocalStack, StackOptions
from deploy.local.supervisor import StartError

_SIGNAL_TICK = 0.1

_CANNOT_START = (
    AlreadyRunningError,
    JavaNotFoundError,
    KafkaJarsMissingError,
    PortTakenError,
    PostgresNotFoundError,
    ValueError,
)


def up(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    simulate: Annotated[bool, typer.Option(help="Let a simulated organisation stream in.")] = True,
    rate: Annotated[float, typer.Option(min=0.1, help="Simulated events per second.")] = 50.0,
    brokers: Annotated[int, typer.Option(help="Kafka nodes: 1 or 3.")] = 1,
    measure_workers: Annotated[
        int,
        typer.Option(
            min=1, max=8, help="Workers that share the partitions (BELLWETHER_PARTITIONS)."
        ),
    ] = 1,
    only: Annotated[
        list[str] | None, typer.Option(help="Start this service (repeatable) and its servers.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Leave this process out (repeatable).")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show routine records such as access logs.")
    ] = False,
) -> None:
    """Start Kafka, Postgres, every service and a simulation; stop all with Ctrl-C.

    Data stays in the data directory, and the next start picks it up.

    Environment: BELLWETHER_KAFKA_BOOTSTRAP_SERVERS and BELLWETHER_POSTGRES_DSN use servers that
    you run already; BELLWETHER_INGEST_PORT and so on move ports.

    Examples:

        bellwether up

        bellwether up --rate 200 --without notify

        bellwether up --no-simulate --only ingest --only measure

        BELLWETHER_KAFKA_BOOTSTRAP_SERVERS=kafka:9092 bellwether up
    """
    terminal = Terminal(LineFormat(_colourful(), verbose))
    try:
        options = StackOptions(
            ports=ports_from(os.environ),
            brokers=_one_or_three(brokers),
            simulation=Simulation(rate) if simulate else None,
            only=frozenset(only or ()),
            without=frozenset(without or ()),
            kafka=os.environ.get("BELLWETHER_KAFKA_BOOTSTRAP_SERVERS"),
            postgres_dsn=os.environ.get("BELLWETHER_POSTGRES_DSN"),
            measure_workers=measure_workers,
        )
        stack = LocalStack(data_dir.resolve(), options, terminal)
        _run(stack, terminal)
    except _CANNOT_START as error:
        terminal.close()
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from error
    terminal.close()


def _run(stack: LocalStack, terminal: Terminal) -> None:
    asked_to_stop = _on_signals(stack)
    began = time.monotonic()
    stack.start(wait=False)
    try:
        if _became_ready(stack, asked_to_stop, terminal):
            terminal.print(_banner(stack, time.monotonic() - began))
        while not asked_to_stop.is_set:
            time.sleep(_SIGNAL_TICK)
        terminal.print("Stopping ... (Ctrl-C again to kill what is left)")
    finally:
        stack.stop()
    terminal.print(f"Stopped. Your data is in {_pretty(stack.data.root)}/.")


@dataclass
class _Request:
    """A flag that a signal handler may set at any moment: an Event's lock may be held just then by
    the very thread that the handler interrupts, which would wait for itself for ever."""

    is_set: bool = False


def _on_signals(stack: LocalStack) -> _Request:
    asked_to_stop = _Request()

    def stop(_number: int, _frame: object) -> None:
        if asked_to_stop.is_set:
            stack.hurry()
        asked_to_stop.is_set = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    return asked_to_stop


def _became_ready(stack: LocalStack, asked_to_stop: _Request, terminal: Terminal) -> bool:
    """Wait for readiness; a part that does not come up is named, and the rest goes on."""
    deadline = time.monotonic() + 120
    while not asked_to_stop.is_set:
        try:
            stack.wait_ready(timeout=0.2)
        except StartError as error:
            if error.hopeless or time.monotonic() > deadline:
                terminal.print(f"Not everything came up. The rest keeps running.\n{error}")
                return True
        else:
            return True
    return False


_PAGES = (
    ("Wall and console", "api", "/"),
    ("Send events", "ingest", "/docs"),
    ("Windows, breaches", "api", "/docs"),
    ("Alerts", "notify", "/docs"),
    ("Results", "feedback", "/docs"),
)


def _banner(stack: LocalStack, seconds: float) -> str:
    here = _pretty(stack.data.root)
    pages = [(label, stack.url(name) + path) for label, name, path in _PAGES if stack.runs(name)]
    facts = [
        *pages,
        ("API key", f"{here}/secrets/dev-api-key"),
        ("Kafka", stack.bootstrap_servers),
        ("Logs", f"{here}/log/"),
        ("Data", f"{here}/ (kept: the next start goes on from there)"),
        ("See how it is", "bellwether status"),
        ("Stop it", "Ctrl-C"),
    ]
    lines = "\n".join(f"    {label:<18} {fact}" for label, fact in facts)
    return f"\n  Bellwether is running (up in {seconds:.0f} s).\n\n{lines}\n"


def _pretty(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _colourful() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _one_or_three(brokers: int) -> int:
    if brokers not in {1, 3}:
        raise ValueError(f"--brokers must be 1 or 3, not {brokers}: a KRaft quorum is odd")
    return brokers
