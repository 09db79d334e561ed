"""The stream sends the past at once and then keeps pace with the clock."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.events_client.backoff import Backoff
from deploy.events_client.sender import EventSender, make_client
from deploy.simulation.stream import Sent, Stream
from tests.unit.replay.fake_ingest import KEY, FakeIngest, fake_ingest
from tests.unit.simulation.stories import LIVE_MS, MINUTE_MS, simulation


class Wall:
    """A wall clock that sleeping moves on."""

    def __init__(self) -> None:
        self.ms = LIVE_MS

    def now_ms(self) -> int:
        return self.ms

    async def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)
        await asyncio.sleep(0)


async def stream(ingest: FakeIngest, past_ms: int, length_ms: int) -> Sent:
    wall = Wall()
    async with make_client(ingest.url, KEY) as client:
        sender = EventSender(client, Backoff(), Random(1), sleep=wall.sleep)
        source = simulation(past_ms=past_ms)
        run = Stream(source, sender, wall.now_ms, lambda sent, at: None, sleep=wall.sleep)
        return await run.run(LIVE_MS + length_ms)


async def test_the_past_comes_first_in_full_batches_then_little_ones() -> None:
    with fake_ingest() as ingest:
        sent = await stream(ingest, past_ms=30 * MINUTE_MS, length_ms=20_000)
    assert ingest.requests[0] == 500
    assert max(ingest.requests[-20:]) < 50
    assert sent.events == len(ingest.stored) == len(ingest.ids)


async def test_events_that_ingest_refuses_are_counted_with_the_reason() -> None:
    refusing = FakeIngest(refuses=lambda event: "no" if event["type"] == "ticket.opened" else "")
    with fake_ingest(ingest=refusing) as ingest:
        sent = await stream(ingest, past_ms=2 * MINUTE_MS, length_ms=1000)
    assert sent.refused > 0
    assert sent.reason == "/time no"


async def test_nothing_is_lost_while_ingest_is_away() -> None:
    with fake_ingest(ingest=FakeIngest(troubles=["", 503, 503, "drop", ""])) as ingest:
        sent = await stream(ingest, past_ms=5 * MINUTE_MS, length_ms=30_000)
    assert len(ingest.ids) == sent.events


def test_the_command_streams_for_the_asked_time_and_says_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY, "utf-8")
    options = ["--duration", "1s", "--backfill", "1m", "--key-file", str(tmp_path / "key")]
    with fake_ingest() as ingest:
        result = CliRunner().invoke(app, ["simulate", "--url", ingest.url, *options])
    assert result.exit_code == 0, result.output
    assert "past events in" in result.output
    assert "incident: slow_response in customer-service" in result.output
    assert f"sent {len(ingest.stored):,} events, 0 refused" in result.output


def test_the_command_ends_when_ingest_does_not_know_the_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("bw_wrong", "utf-8")
    with fake_ingest() as ingest:
        options = ["--url", ingest.url, "--key-file", str(tmp_path / "key")]
        result = CliRunner().invoke(app, ["simulate", *options])
    assert result.exit_code == 4
    assert "API key" in result.output
