"""Composition root of scoring: `python -m services.scoring.main measure|windows|recorder|api`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import uvloop
from pydantic import ValidationError

from services.scoring.measure.scratch_files import ScratchFolderError
from services.scoring.rule_files import RuleFileError
from services.scoring.settings import ScoringSettings
from shared.runtime.telemetry import configure_logging

ROLES = ("measure", "windows", "recorder", "api")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one role until SIGINT or SIGTERM. Returns the exit status: 2 for wrong settings."""
    parser = argparse.ArgumentParser(prog="python -m services.scoring.main", description=__doc__)
    parser.add_argument("role", choices=ROLES, help="which part of scoring to run")
    role = parser.parse_args(arguments).role
    try:
        settings = ScoringSettings()
        configure_logging(f"scoring-{role}", settings)
        _run(role, settings)
    except (ValidationError, RuleFileError, ScratchFolderError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _run(role: str, settings: ScoringSettings) -> None:
    """A role's modules are imported only when that role runs: they are large."""
    if role == "measure":
        from services.scoring.measure import runner as measure

        uvloop.run(measure.run(settings))
    elif role == "windows":
        from services.scoring.windows import runner as windows

        uvloop.run(windows.run(settings))
    elif role == "recorder":
        from services.scoring.recorder import runner as recorder

        uvloop.run(recorder.run(settings))
    else:
        from services.scoring.api import runner as api

        api.run(settings)


if __name__ == "__main__":
    sys.exit(main())
