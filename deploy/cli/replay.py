"""`bellwether replay`: sends a log file through ingest as if it happened again."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
from deploy.replay.display import Display, make_display
from deploy.replay.errors import FileError, MappingError, ReplayError
from deploy.replay.job import Job, OpenSender, Summary, dry_run
from deploy.replay.job import replay as run_replay
from deploy.replay.loading import LoadedMapping, load_mapping
from deploy.replay.pacing import parse_speed
from deploy.replay.plan import Tally

MISTAKE = 2
REJECTED = 3
UNDELIVERED = 4
INTERRUPTED = 130


def replay(
    file: Annotated[
        Path | None, typer.Argument(help="CSV, plain or gzipped.", show_default=False)
    ] = None,
    *,
    mapping: Annotated[
        Path, typer.Option(help="How rows become events (docs/mapping.md).", show_default=False)
    ],
    speed: Annotated[
        str, typer.Option(help="max, or a multiple of the speed at which it happened.")
    ] = "max",
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
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Events in a request.")] = 500,
    rejects: Annotated[
        Path | None,
        typer.Option(help="Where to write what cannot be used: .csv or .jsonl."),
    ] = None,
    shuffle_within: Annotated[
        str, typer.Option(help="Delay each event by a random time up to this (2h, 30m).")
    ] = "0",
    seed: Annotated[int, typer.Option(help="Of the shuffle.")] = 0,
    restart: Annotated[
        bool,
        typer.Option("--restart/--resume", help="Begin again, or go on where the last run ended."),
    ] = False,
    zone: Annotated[
        str | None, typer.Option(help="Zone of times without one, instead of the mapping's.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the mapping (and FILE); send nothing.")
    ] = False,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Print the events as JSON Lines; send nothing.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help=f"Exit with {REJECTED} if anything is rejected.")
    ] = False,
    patience: Annotated[
        str, typer.Option(help="How long to keep trying while ingest cannot be reached.")
    ] = "15m",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Replay a log FILE through ingest.

    Exit codes: 0 all done; 2 a mistake in the mapping, the file or the options; 3 done, but
    something was rejected (with --strict); 4 ingest refused the key or could not be reached;
    130 interrupted (the same command goes on from there).
    """
    console = Console(stderr=True, soft_wrap=True)
    try:
        loaded = _with_zone(load_mapping(mapping), zone)
        if file is None:
            if not check:
                raise FileError("name the FILE to replay, or use --check")
            console.print(f"{mapping}: can be used", markup=False)
            return
        job = Job(
            log=file,
            loaded=loaded,
            url=url.rstrip("/"),
            pace=parse_speed(speed),
            batch=batch,
            shuffle_ms=round(parse_duration(shuffle_within) * 1000),
            seed=seed,
            restart=restart,
            directory=data_dir / "replay",
            rejects=rejects or data_dir / "replay" / f"{file.name.split('.')[0]}.rejects.csv",
        )
        _require_file(file)
        display = make_display(console, time.monotonic)
        if check or dry:
            tally = dry_run(job, display, sys.stdout.buffer if dry else None)
            _print_tally(console, tally, job.rejects)
            code = REJECTED if strict and (tally.rejected_rows or tally.rejected_events) else 0
        else:
            key = read_key(key_file, data_dir)
            opener = _sender_opener(job.url, key, parse_duration(patience))
            code = _deliver(console, job, display, opener, strict=strict)
    except MappingError as error:
        console.print(str(error), markup=False, highlight=False)
        raise typer.Exit(MISTAKE) from error
    except (ReplayError, NoKey, ValueError) as error:
        console.print(f"error: {error}", markup=False, highlight=False)
        raise typer.Exit(MISTAKE) from error
    raise typer.Exit(code)


def _deliver(
    console: Console, job: Job, display: Display, opener: OpenSender, *, strict: bool
) -> int:
    try:
        summary = asyncio.run(_until_signal(job, display, opener))
    except DeliveryError as error:
        console.print(f"error: {error}", markup=False, highlight=False)
        return UNDELIVERED
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("interrupted: the same command goes on from here")
        return INTERRUPTED
    _print_tally(console, summary.tally, job.rejects)
    _print_delivery(console, summary)
    return REJECTED if strict and summary.rejects else 0


async def _until_signal(job: Job, display: Display, opener: OpenSender) -> Summary:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run_replay(job, display, opener)


def _sender_opener(url: str, key: str, patience_s: float) -> OpenSender:
    @asynccontextmanager
    async def open_sender(on_trouble: Callable[[str], None]) -> AsyncIterator[EventSender]:
        async with make_client(url, key) as client:
            yield EventSender(
                client,
                Backoff(give_up_after_s=patience_s),
                Random(),  # noqa: S311 - jitter, no secret
                on_trouble=on_trouble,
            )

    return open_sender


def _with_zone(loaded: LoadedMapping, zone: str | None) -> LoadedMapping:
    if zone is None:
        return loaded
    return LoadedMapping(loaded.mapping.in_zone(zone), loaded.digest)


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise FileError(f"{file}: there is no such file")


def _print_tally(console: Console, tally: Tally, rejects: Path) -> None:
    lines = [f"rows      {tally.rows:,} in {tally.cases:,} tickets"]
    lines += [f"events    {sum(tally.events.values()):,}"]
    lines += [f"          {count:>9,}  {kind}" for kind, count in sorted(tally.events.items())]
    lines += [f"withheld  {count:>9,}  {reason}" for reason, count in tally.withheld.items()]
    if tally.stepped:
        lines.append(f"moved     {tally.stepped:,} events by 1 ms or more, to keep their order")
    if tally.rejected_rows or tally.rejected_events:
        lines.append(
            f"rejected  {tally.rejected_rows:,} rows, {tally.rejected_events:,} events: {rejects}"
        )
    console.print("\n".join(lines), markup=False, highlight=False)


def _print_delivery(console: Console, summary: Summary) -> None:
    rate = summary.sent / summary.seconds if summary.seconds else 0.0
    lines = [
        f"sent      {summary.sent:,} events in {format_duration(summary.seconds)}, {rate:,.0f}/s"
    ]
    if summary.before:
        lines.append(f"          {summary.before:,} had been sent before")
    if summary.refused:
        lines.append(f"refused   {summary.refused:,} events by ingest, see the reject file")
    console.print("\n".join(lines), markup=False, highlight=False)
