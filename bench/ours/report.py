"""How a Python variant speaks with the process that measures it."""

from __future__ import annotations

import sys


def progress(events: int) -> None:
    """So many events were processed."""
    print("progress", events, flush=True)


def done(events: int) -> None:
    """The last event is stored; returns when the other side has measured."""
    print("done", events, flush=True)
    sys.stdin.read()
