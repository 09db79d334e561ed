"""The windows' own benchmark measures something."""

from __future__ import annotations

import pytest

from bench.windows import PARTITIONS, main, run


def test_a_short_run_applies_cells_and_makes_score_records() -> None:
    cost, sealing, held = run(employees=20, rate=300, seconds=2)
    assert cost.records >= PARTITIONS
    assert cost.cells > cost.records
    assert cost.scores > 0
    assert 0 < sealing.cells < held


def test_the_figures_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["bench", "--employees", "5", "--rate", "60", "--seconds", "2"]
    monkeypatch.setattr("sys.argv", arguments)
    main()
    printed = capsys.readouterr().out
    assert "ns a cell" in printed
    assert "of a core" in printed
