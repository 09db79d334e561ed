"""Variants are measured from outside, between the end of their warm phase and their end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench import process
from bench.process import Mark, Measured, VariantFailedError

CHATTER = "import sys; print('hello'); print('progress 5'); print('done 9', flush=True); "


def test_rates_leave_the_warm_phase_out() -> None:
    marks = (Mark(0, 3.0, 10.0), Mark(100, 9.0, 20.0), Mark(400, 12.0, 26.0))
    per_second, per_core, cpu_s = Measured(marks, 1.0).rates(50)
    assert (per_second, per_core, cpu_s) == (50.0, 100.0, 3.0)


def test_nothing_after_the_warm_phase_is_no_measurement() -> None:
    marks = (Mark(0, 3.0, 10.0), Mark(400, 12.0, 26.0))
    with pytest.raises(VariantFailedError):
        Measured(marks, 1.0).rates(50)


def test_only_reports_are_taken_from_what_a_variant_writes() -> None:
    lines = [b"progress 5\n", b"progress\n", b"done x\n", b"warning: progress 7\n", b"done 9\n"]
    assert list(process.reports(lines)) == [("progress", 5), ("done", 9)]


def test_a_variant_is_measured_until_it_is_done_and_then_let_go(tmp_path: Path) -> None:
    code = CHATTER + "sys.stdin.read()"
    measured = process.run([sys.executable, "-c", code], {}, tmp_path / "log")
    assert [mark.events for mark in measured.marks] == [5, 9]
    assert measured.peak_rss_mb > 1


def test_a_variant_that_ends_early_has_failed_and_its_log_is_told(tmp_path: Path) -> None:
    code = "import sys; print('progress 5'); sys.exit('out of luck')"
    with pytest.raises(VariantFailedError, match="out of luck"):
        process.run([sys.executable, "-c", code], {}, tmp_path / "log")


def test_a_variant_that_says_nothing_is_ended(tmp_path: Path) -> None:
    code = "import time; time.sleep(600)"
    with pytest.raises(VariantFailedError, match="ended with -9"):
        process.run([sys.executable, "-c", code], {}, tmp_path / "log", timeout=1.0)


class Parent(psutil.Process):
    """A process whose only child ends after it was listed for the first time."""

    def __init__(self) -> None:
        super().__init__(os.getpid())
        self.listed = 0

    def children(self, recursive: bool = False) -> list[psutil.Process]:
        self.listed += 1
        if self.listed > 1:
            return []
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            known = psutil.Process(child.pid)
            assert known.is_running()
        return [known]


def test_a_child_that_ends_while_it_is_read_is_its_parents() -> None:
    parent = Parent()
    assert process.cpu_seconds(parent) > 0
    assert parent.listed == 2
    assert process.peak_rss_mb(Parent()) > 1


def test_a_process_that_has_ended_has_no_times() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        ended = psutil.Process(child.pid)
    with pytest.raises(psutil.NoSuchProcess):
        process.cpu_seconds(ended)
