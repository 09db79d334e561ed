"""`bench/results/engine.json`: parts are replaced as they are measured, and never invented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PARTS: Final = ("rows", "ratios", "latency", "restore", "reads", "growth")


def merged(known: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """The file's content with new parts in place of old ones. A part that is not there is null,
    and ``reasons`` says why."""
    content = {part: parts.get(part, known.get(part)) for part in PARTS}
    reasons = dict(parts.get("reasons", _row_reasons(known)))
    for part in PARTS:
        if content[part] is None:
            reasons[part] = "not measured yet"
    return {**content, "reasons": reasons}


def update(file: Path, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Read, merge and write the file; returns its content."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    content = merged(known, parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return content


def _row_reasons(known: Mapping[str, Any]) -> dict[str, str]:
    reasons = known.get("reasons", {})
    return {name: reason for name, reason in reasons.items() if name.startswith("rows:")}
