"""Settings of scoring's roles, read from the environment once, in `main.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import DirectoryPath, Field

from services.scoring.measure.scratch_files import FOLDER, TICKETS_MB
from shared.runtime.settings import RuntimeSettings

_CHECKOUT: Final = Path(__file__).resolve().parents[2]


class ScoringSettings(RuntimeSettings):
    """Every name has the prefix ``BELLWETHER_``; a wrong value fails at start."""

    rules: Path | None = Field(
        None, description="Rule set (YAML) or directory of versions; default: the template"
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Health and metrics of measure, windows, recorder"
    )
    instance: str | None = Field(
        None,
        min_length=1,
        description="A name of measure's process that outlives a restart: it takes up its "
        "partitions again at once. No two living processes may share it",
    )
    measure_session_seconds: float = Field(
        10.0, ge=1, le=300, description="A killed measure's partitions move on after this"
    )
    measure_tickets_mb: float = Field(
        TICKETS_MB, ge=0, description="Of a partition's tickets measure holds so much in memory"
    )
    measure_folder: DirectoryPath = Field(
        FOLDER,
        description="The others, and old panes, rest in a file in this folder, on a disk",
    )
    scoring_host: str = Field("127.0.0.1", description="Where scoring listens")
    scoring_port: int = Field(8020, ge=0, le=65535)
    console_dir: Path = Field(
        _CHECKOUT / "console" / "dist", description="The console's built files"
    )
    notify_url: str = Field("http://127.0.0.1:8040", description="As browsers reach it")
    feedback_url: str = Field("http://127.0.0.1:8030", description="As browsers reach it")
