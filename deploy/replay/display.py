"""Shows how a replay goes: a bar on a terminal, else a line now and then."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from deploy.durations import format_duration

LINE_EVERY_S = 5.0


class Display(Protocol):
    """What the replay tells of itself. A phase is reading or sending; figures are totals."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def phase(self, title: str, unit: str, total: int, done: int = 0) -> None: ...

    def advance_to(self, done: int) -> None: ...

    def trouble(self, reason: str) -> None: ...


def make_display(console: Console, clock: Callable[[], float]) -> Display:
    """The display that suits ``console``."""
    return BarDisplay(console, clock) if console.is_terminal else LineDisplay(console, clock)


class _Meter:
    """Rate and time left of the phase at hand."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.start(0, 0)

    def start(self, total: int, done: int) -> None:
        self.total, self.first, self.done = total, done, done
        self._began = self._clock()

    @property
    def rate(self) -> float:
        elapsed = self._clock() - self._began
        return (self.done - self.first) / elapsed if elapsed > 0 else 0.0

    @property
    def left(self) -> str:
        return format_duration((self.total - self.done) / self.rate) if self.rate else "?"


class BarDisplay:
    """A progress bar with rate and time left."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._meter = _Meter(clock)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("[yellow]{task.fields[trouble]}"),
            console=console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def phase(self, title: str, unit: str, total: int, done: int = 0) -> None:
        self._unit = unit
        self._meter.start(total, done)
        self._task = self._bar.add_task(title, total=total, completed=done, rate="", trouble="")

    def advance_to(self, done: int) -> None:
        self._meter.done = done
        if self._task is not None:
            self._bar.update(
                self._task, completed=done, rate=f"{self._meter.rate:,.0f} {self._unit}/s"
            )

    def trouble(self, reason: str) -> None:
        if self._task is not None:
            self._bar.update(self._task, trouble=f"{reason}; trying again" if reason else "")


class LineDisplay:
    """Plain lines, for logs and pipes."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._meter = _Meter(clock)
        self._shown = clock()
        self._trouble = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return

    def phase(self, title: str, unit: str, total: int, done: int = 0) -> None:
        self._title, self._unit = title, unit
        self._meter.start(total, done)
        self._print(f"{title}: {total:,} {unit}" + (f", {done:,} done before" if done else ""))

    def advance_to(self, done: int) -> None:
        self._meter.done = done
        if self._clock() - self._shown >= LINE_EVERY_S:
            meter = self._meter
            self._print(
                f"{self._title}: {done:,} of {meter.total:,} {self._unit}, "
                f"{meter.rate:,.0f}/s, {meter.left} left"
            )

    def trouble(self, reason: str) -> None:
        if reason and reason != self._trouble:
            self._print(f"{reason}; trying again")
        self._trouble = reason

    def _print(self, text: str) -> None:
        self._shown = self._clock()
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
