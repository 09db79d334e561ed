"""engine.json: parts are replaced as they are measured, and never invented."""

from __future__ import annotations

import json
from pathlib import Path

from bench.results_file import PARTS, merged, update


def test_what_was_never_measured_is_null_and_has_a_reason() -> None:
    content = merged({}, {})
    assert [content[part] for part in PARTS] == [None] * len(PARTS)
    assert set(content["reasons"]) == set(PARTS)


def test_a_part_is_kept_until_it_is_measured_again() -> None:
    first = merged({}, {"growth": [{"factor": 1}]})
    second = merged(first, {"restore": {"tickets": 5}})
    third = merged(second, {"growth": []})
    assert second["growth"] == [{"factor": 1}]
    assert third["restore"] == {"tickets": 5}
    assert third["growth"] == []
    assert "restore" not in third["reasons"]


def test_reasons_of_missing_rows_live_as_long_as_the_rows() -> None:
    first = merged({}, {"rows": [], "reasons": {"rows:quix:common": "WRONG"}})
    second = merged(first, {"growth": []})
    third = merged(second, {"rows": [], "reasons": {}})
    assert second["reasons"]["rows:quix:common"] == "WRONG"
    assert "rows:quix:common" not in third["reasons"]


def test_the_file_is_written_beside_what_it_held(tmp_path: Path) -> None:
    file = tmp_path / "results" / "engine.json"
    update(file, {"rows": []})
    update(file, {"growth": [1]})
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["rows"] == []
    assert content["growth"] == [1]
