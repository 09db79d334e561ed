"""Which pages are asked for: what many dashboards of one organisation would show. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench.reading.records import DEPARTMENTS
from shared.contracts.figures import WINDOWS

BOARD: Final = "/v1/scoreboard"


def questions() -> Iterator[tuple[str, str]]:
    """Kind and path of each request, without end: of ten, two ask for everybody in all windows,
    three for everybody in one window, five for a department in all windows."""
    number = 0
    while True:
        window = WINDOWS[number % len(WINDOWS)]
        department = f"department-{number % DEPARTMENTS}"
        yield "all", f"{BOARD}?limit=1000"
        yield "window", f"{BOARD}?window={window}&limit=1000"
        yield "department", f"{BOARD}?department={department}&limit=1000"
        yield "department", f"{BOARD}?department={department}&limit=50"
        yield "window", f"{BOARD}?window={WINDOWS[(number + 3) % len(WINDOWS)]}&limit=1000"
        yield "all", f"{BOARD}?limit=1000"
        yield "department", f"{BOARD}?department={department}&window={window}"
        yield "department", f"{BOARD}?department={department}&limit=1000"
        yield "window", f"{BOARD}?window={window}&limit=1000"
        yield "department", f"{BOARD}?department={department}&limit=1000"
        number += 1
