"""`bellwether simulate`: a service organisation that never sleeps, and has its bad days."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from rich.console import Console

from deploy.cli.api_key import NoKey, read_key
from deploy.cli.options import DEFAULT_DATA_DIR, DataDir
from deploy.durations import format_duration, parse_duration
from deploy.events_client.backoff import Backoff
from deploy.events_client.sender import DeliveryError, EventSender, make_client
from deploy.replay.errors import ReplayError
from deploy.simulation.generator import Schedule, Simulation
from deploy.simulation.organisation import DEFAULT_FILE, load_organisation
from deploy.simulation.stream import Sent, Stream

MISTAKE = 2
UNDELIVERED = 4
REPORT_EVERY_S = 30.0


def simulate(
    *,
    rate: Annotated[
        float, typer.Option(min=0.1, max=5000, help="Events per second, on average.")
    ] = 20.0,
    seed: Annotated[int, typer.Option(help="The same seed tells the same story.")] = 7,
    organisation: Annotated[
        Path, typer.Option(help="Who is simulated (docs/simulation.md).")
    ] = DEFAULT_FILE,
    duration: Annotated[
        str | None, typer.Option(help="Stop after this long (10m, 2h); else run on.")
    ] = None,
    backfill: Annotated[
        str, typer.Option(help="How much past to tell first, so that windows are full.")
    ] = "2h",
    url: Annotated[
        str, typer.Option(envvar="BELLWETHER_INGEST_URL", help="Where ingest listens.")
    ] = "http://127.0.0.1:8010",
    key_file: Annotated[
        Path | None,
        typer.Option(
            envvar="BELLWETHER_API_KEY_FILE",
            help="File with the API key; else the one that `bellwether up` made.",
        ),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Stream in a simulated service organisation, until Ctrl-C.

    Exit codes: 0 ended; 2 a mistake in the options or the organisation; 4 ingest refused the key.
    """
    console = Console(stderr=True, soft_wrap=True)
    try:
        live_ms = _now_ms()
        past_ms = round(parse_duration(backfill) * 1000)
        simulation = Simulation(
            load_organisation(organisation), Schedule(live_ms, rate), live_ms - past_ms, seed
        )
        end_ms = None if duration is None else live_ms + round(parse_duration(duration) * 1000)
        key = read_key(key_file, data_dir)
    except (ReplayError, NoKey, ValueError) as error:
        console.print(f"error: {error}", markup=False, highlight=False)
        raise typer.Exit(MISTAKE) from error
    report = _Report(console, simulation, rate, time.monotonic)
    try:
        asyncio.run(_stream(simulation, url.rstrip("/"), key, report, end_ms))
    except DeliveryError as error:
        console.print(f"error: {error}", markup=False, highlight=False)
        raise typer.Exit(UNDELIVERED) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("the simulation has ended")


async def _stream(
    simulation: Simulation, url: str, key: str, report: _Report, end_ms: int | None
) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with make_client(url, key) as client:
        sender = EventSender(
            client,
            Backoff(give_up_after_s=float("inf")),
            Random(),  # noqa: S311 - jitter, no secret
            on_trouble=report.trouble,
        )
        stream = Stream(simulation, sender, _now_ms, report.sent, on_live=report.live)
        sent = await stream.run(end_ms)
    report.end(sent)


class _Report:
    """A line when the stream has caught up with the clock, when an incident begins, and now and
    then."""

    def __init__(
        self,
        console: Console,
        simulation: Simulation,
        rate: float,
        clock: Callable[[], float],
    ) -> None:
        self._console = console
        self._simulation = simulation
        self._rate = rate
        self._clock = clock
        self._began = self._shown = clock()
        self._counted = 0
        self._incident = ""
        self._trouble = ""

    def live(self, sent: Sent) -> None:
        took = format_duration(self._clock() - self._began)
        self._print(f"told {sent.events:,} past events in {took}; live now")
        self._shown, self._counted = self._clock(), sent.events

    def sent(self, sent: Sent, at_ms: int) -> None:
        self._tell_incident(at_ms)
        seconds = self._clock() - self._shown
        if seconds < REPORT_EVERY_S:
            return
        refused = f", {sent.refused:,} refused ({sent.reason})" if sent.refused else ""
        self._print(
            f"{sent.events:,} events, {(sent.events - self._counted) / seconds:.1f}/s "
            f"(asked {self._rate:g}/s), {self._simulation.under_way:,} tickets under way{refused}"
        )
        self._shown, self._counted = self._clock(), sent.events

    def trouble(self, reason: str) -> None:
        if reason and reason != self._trouble:
            self._print(f"{reason}; trying again")
        self._trouble = reason

    def end(self, sent: Sent) -> None:
        self._print(f"sent {sent.events:,} events, {sent.refused:,} refused")

    def _tell_incident(self, at_ms: int) -> None:
        incident = self._simulation.incidents.current
        text = f"{incident.kind} in {incident.department}"
        if incident.active(at_ms) and text != self._incident:
            self._incident = text
            until = datetime.fromtimestamp(incident.end_ms / 1000, UTC)
            self._print(f"incident: {text} until {until:%H:%M} UTC")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
