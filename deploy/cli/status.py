"""`bellwether status`: what runs, whether it is ready, what it uses, how far it is behind."""

import json
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.options import DEFAULT_DATA_DIR, DataDir
from deploy.local.consumer_lag import Lag, read_lag
from deploy.local.layout import DataDirectory
from deploy.local.probes import HttpReady
from deploy.local.run_state import ProcessRecord, RunState, is_alive, read_state
from deploy.local.usage import Usage, measure_usage

_MIB = 1 << 20


@dataclass(frozen=True)
class Row:
    """One process: what the supervisor says of it, what it answers, what it uses."""

    record: ProcessRecord
    readiness: str
    usage: Usage | None


def status(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to watch the CPU for.")] = 1.0,
    lag: Annotated[bool, typer.Option(help="Ask Kafka how far consumers are behind.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Show every process with its id, memory, CPU and readiness, and the consumers' lag.

    Exit code 0 when all is ready, 1 when something is not, 3 when nothing runs.

    Examples:

        bellwether status

        bellwether status --seconds 30 --no-lag

        bellwether status --json | jq '.processes[].rss'
    """
    state = read_state(DataDirectory(data_dir.resolve()).state_file)
    if state is None or not is_alive(state.supervisor, state.born):
        typer.echo(f"Nothing runs in {data_dir}/. Start it with `make run` or `bellwether up`.")
        raise typer.Exit(3)
    rows = _rows(state, seconds)
    lags = read_lag(state.connections["kafka"]) if lag else []
    (_print_json if as_json else _print_tables)(rows, lags)
    if any(row.readiness != "ready" for row in rows):
        raise typer.Exit(1)


def _rows(state: RunState, seconds: float) -> list[Row]:
    pids = {r.name: r.pid for r in state.processes if r.pid is not None}
    used = measure_usage({**pids, "supervisor": state.supervisor}, seconds)
    supervisor = ProcessRecord("supervisor", "ready", state.supervisor, state.born)
    return [
        Row(record, _readiness(record), used.get(record.name))
        for record in (*state.processes, supervisor)
    ]


def _readiness(record: ProcessRecord) -> str:
    if record.state != "ready" or record.health_url is None:
        return record.state
    return HttpReady(record.health_url).failure() or "ready"


def _print_tables(rows: list[Row], lags: list[Lag]) -> None:
    console = Console()
    console.print(_process_table(rows))
    if lags:
        console.print(_lag_table(lags))


def _process_table(rows: list[Row]) -> Table:
    table = Table("process", "state", box=None, pad_edge=False)
    for heading in ("pid", "RSS MiB", "PSS MiB", "CPU %", "restarts"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*_cells(row))
    used = [row.usage for row in rows if row.usage]
    rss, pss, cpu = (sum(u.rss for u in used), sum(u.pss for u in used), sum(u.cpu for u in used))
    table.add_section()
    table.add_row("total", "", "", f"{rss / _MIB:.0f}", f"{pss / _MIB:.0f}", f"{cpu:.1f}", "")
    return table


def _cells(row: Row) -> tuple[str, ...]:
    record, usage = row.record, row.usage
    if usage is None:
        return record.name, row.readiness, "-", "-", "-", "-", str(record.restarts)
    memory = f"{usage.rss / _MIB:.0f}", f"{usage.pss / _MIB:.0f}"
    return (
        record.name,
        row.readiness,
        str(record.pid),
        *memory,
        f"{usage.cpu:.1f}",
        str(record.restarts),
    )


def _lag_table(lags: list[Lag]) -> Table:
    table = Table("consumer group", "topic", box=None, pad_edge=False, title_justify="left")
    table.add_column("records behind", justify="right")
    for lag in lags:
        table.add_row(lag.group, lag.topic, str(lag.records))
    return table


def _print_json(rows: list[Row], lags: list[Lag]) -> None:
    processes = [
        {
            **asdict(row.record),
            "state": row.readiness,
            **(asdict(row.usage) if row.usage else {"rss": None, "pss": None, "cpu": None}),
        }
        for row in rows
    ]
    typer.echo(json.dumps({"processes": processes, "lag": [asdict(lag) for lag in lags]}))
