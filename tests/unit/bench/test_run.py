"""The command: which benchmarks there are, and what remains when one is ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import latency, results_file, run


@pytest.fixture(autouse=True)
def _own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "DATA", tmp_path / "data")
    monkeypatch.setattr(run, "FILE", tmp_path / "engine.json")


@pytest.fixture(autouse=True)
def _same_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_unknown_name_is_answered_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run.main(["speed"]) == 2
    said = capsys.readouterr().err
    assert all(name in said for name in run.NAMES)


def test_every_part_of_the_results_has_a_benchmark() -> None:
    assert set(results_file.PARTS) - {"rows", "ratios"} <= set(run.NAMES)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_benchmark_that_is_ended_removes_its_folder_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def ended(folder: Path, *, short: bool) -> dict[str, object]:
        (folder / "log").write_text("x")
        os.kill(os.getpid(), number)
        raise AssertionError("the signal was not heard")

    monkeypatch.setattr(latency, "measure", ended)
    assert run.main(["latency"]) == 130
    assert not (run.DATA / "latency").exists()
    assert not run.FILE.exists()
