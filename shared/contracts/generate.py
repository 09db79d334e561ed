"""Writes what ``docs`` takes from the contracts: ``python -m shared.contracts.generate docs``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.contracts.asyncapi import document
from shared.contracts.indicator_guide import indicator_guide
from shared.contracts.schemas import schema_files

COMMAND: Final = "python -m shared.contracts.generate docs"


def generated_files() -> dict[str, str]:
    """The text of every generated file by its path under ``docs``."""
    schemas = {f"schemas/{name}": _json(schema) for name, schema in schema_files().items()}
    return {**schemas, "asyncapi.json": _json(document()), "indicators.md": indicator_guide()}


def stale_files(directory: Path, wanted: Mapping[str, str]) -> list[Path]:
    """Schemas in ``directory`` that nothing declares any more."""
    return [
        path
        for path in sorted((directory / "schemas").glob("*.json"))
        if path.relative_to(directory).as_posix() not in wanted
    ]


def write(directory: Path) -> None:
    """Bring ``directory`` up to date."""
    files = generated_files()
    for path in stale_files(directory, files):
        path.unlink()
    for name, text in files.items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write into the one directory that is named; 2 when there is none."""
    if len(arguments) != 1:
        sys.stderr.write(f"usage: {COMMAND}\n")
        return 2
    write(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
