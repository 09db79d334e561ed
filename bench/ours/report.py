"""How a Python variant speaks with the process that measures it."""

from __future__ import annotations

import os
import sys
from typing import Final

_STANDARD_OUTPUT: Final = 1
"""By its number: Faust turns everything printed into log records."""


def progress(events: int) -> None:
    """So many events were processed."""
    os.write(_STANDARD_OUTPUT, f"progress {events}\n".encode())


def done(events: int) -> None:
    """The last event is stored; returns when the other side has measured."""
    os.write(_STANDARD_OUTPUT, f"done {events}\n".encode())
    sys.stdin.read()
