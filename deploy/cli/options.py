"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path,
    typer.Option(
        envvar="BELLWETHER_DATA_DIR",
        help="Where the system keeps data, logs and secrets.",
        show_default=True,
    ),
]
DEFAULT_DATA_DIR = Path("var")
