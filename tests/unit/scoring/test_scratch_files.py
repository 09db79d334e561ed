"""Where a ticket rests makes no difference, and a file that cannot be written stops the engine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.scoring.core.engine import Engine
from services.scoring.core.rules import RuleHistory
from services.scoring.core.scratch_file import ScratchFile
from services.scoring.main import main
from services.scoring.measure.scratch_files import ScratchFiles, ScratchFolderError
from shared.contracts.topics import INPUTS
from tests.unit.scoring.engine_events import Log, event
from tests.unit.scoring.histories import COURSE, holder_of
from tests.unit.scoring.rule_texts import EVERYTHING, history

RULES = history(EVERYTHING)
TICKETS = 3_000


def engine_with(tickets_in_memory: int | None, rules: RuleHistory = RULES) -> Engine:
    if tickets_in_memory is None:
        return Engine(0, rules, len(INPUTS))
    with ScratchFiles(tickets_in_memory=tickets_in_memory).new() as file:
        return Engine(0, rules, len(INPUTS), file)


def flushes_of_events() -> Iterator[list[dict[str, Any]]]:
    """Every ticket is opened, and some of them live on, at random and over days."""
    chance = random.Random(5)
    for first in range(0, TICKETS, 500):
        yield [
            event("ticket.opened", f"T-{number}", first / 50, holder_of(chance), id=f"{number}")
            for number in range(first, first + 500)
        ]
    for turn in range(20):
        events = []
        for place in range(400):
            kind, data = chance.choice(COURSE)
            ticket = f"T-{chance.randrange(TICKETS)}"
            at = 100 + 300 * turn + place / 10
            events.append(event(kind, ticket, at, data, id=f"{turn}/{place}"))
        yield events


def live_through(engine: Engine) -> None:
    log = Log()
    for events in flushes_of_events():
        log.append(events)
        log.feed(engine)
        engine.flush(caught_up=False)


def test_where_a_ticket_rests_makes_no_difference() -> None:
    engines = [engine_with(most) for most in (None, 0, 100_000)]
    log = Log()
    for events in flushes_of_events():
        log.append(events)
        flushes = []
        for engine in engines:
            log.feed(engine)
            flushes.append(engine.flush(caught_up=False))
        assert flushes[0] == flushes[1] == flushes[2]
    assert engines[0].scratch_bytes == 0
    assert all(engine.scratch_bytes > 0 for engine in engines[1:])
    until_ms = engines[0].watermark_ms
    for number in range(0, TICKETS, 100):
        known = [engine.timeline(f"T-{number}", until_ms) for engine in engines]
        assert known[0]
        assert known[0] == known[1] == known[2]


def test_a_file_is_gone_with_its_name(tmp_path: Path) -> None:
    with ScratchFiles(tmp_path).new() as file:
        assert Path(file.path).parent == tmp_path
        Engine(0, RULES, len(INPUTS), file)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_stops_the_engine() -> None:
    engine = Engine(0, RULES, len(INPUTS), ScratchFile("/dev/full", 0))
    with pytest.raises(OSError, match="the scratch file: No space left"):
        live_through(engine)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Engine(0, RULES, len(INPUTS), ScratchFile(str(tmp_path / "none"), 0))
    with pytest.raises(ScratchFolderError, match=r"none \(No such file or directory\).*_FOLDER"):
        ScratchFiles(tmp_path / "none").check()


def test_measure_does_not_start_where_it_can_make_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BELLWETHER_MEASURE_FOLDER", "/proc")
    assert main(["measure"]) == 2
    assert "measure can make no file in /proc" in capsys.readouterr().err
